// GoogleGrant.swift — access tokens for Google's services: for a service account by a signed assertion,
// for a user by a refresh token, or from the metadata server of a Google machine. Pure; one request.
// Imported by Exchange through TokenGrant.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One of Google's ways to a token.
package struct GoogleGrant {
    private enum Means {
        case serviceAccount(GoogleCredentials.ServiceAccount)
        case authorizedUser(GoogleCredentials.AuthorizedUser)
        case metadata
    }

    /// Seconds that an assertion is good for, the most that is allowed.
    private static let assertionLifetime = 3600

    package let endpoint: TokenEndpoint
    private let means: Means
    private let scope: String
    private var assertion: Secret?

    /// A grant by what a credentials file holds.
    /// - Parameter tokenEndpoint: where to ask instead of where the file says.
    package init(
        _ credentials: GoogleCredentials, tokenEndpoint: TokenEndpoint? = nil,
        scope: String = "\(GoogleCredentialsWire.cloudScope)"
    ) {
        self.scope = scope
        switch credentials {
        case .serviceAccount(let account):
            means = .serviceAccount(account)
            endpoint = tokenEndpoint ?? account.tokenEndpoint
        case .authorizedUser(let user):
            means = .authorizedUser(user)
            endpoint = tokenEndpoint ?? user.tokenEndpoint
        }
    }

    /// A grant by the metadata server, which speaks plain HTTP on a link of its own.
    package init(
        metadataHost: String = "\(GoogleCredentialsWire.metadataHost)", port: Int = 80
    ) {
        scope = ""
        means = .metadata
        endpoint = TokenEndpoint(
            usesTLS: false, host: metadataHost, port: port,
            path: "\(GoogleCredentialsWire.metadataTokenPath)")
    }

    /// What tells this credential from others.
    var identity: [String] {
        switch means {
        case .serviceAccount(let account):
            [
                "google-service-account", endpoint.url, account.clientEmail,
                account.privateKeyID ?? "", scope,
            ]
        case .authorizedUser(let user):
            // Nothing else in the file tells two users of one client apart.
            [
                "google-user", endpoint.url, user.clientID,
                user.refreshToken.withBytes { SHA256Digest(of: $0).description },
            ]
        case .metadata: ["google-metadata", endpoint.url]
        }
    }

    mutating func begin(now: Int) -> TokenStep {
        switch means {
        case .serviceAccount(let account): return assert(account, now: now)
        case .authorizedUser(let user):
            var form = FormWriter()
            form.add(OAuthWire.grantType, OAuthWire.refreshToken)
            form.add(OAuthWire.clientID, user.clientID)
            form.add(OAuthWire.clientSecret, user.clientSecret)
            form.add(OAuthWire.refreshToken, user.refreshToken)
            return .send(.form(form.secret, to: endpoint))
        case .metadata:
            var request = TokenRequest(to: endpoint, .get, target: Secret(endpoint.path))
            request.add(
                GoogleCredentialsWire.metadataFlavorField, GoogleCredentialsWire.metadataFlavor)
            return .send(request)
        }
    }

    private mutating func assert(
        _ account: GoogleCredentials.ServiceAccount, now: Int
    ) -> TokenStep {
        let assertion: Secret
        do throws(TokenFailure) {
            assertion = try WebToken.assertion(
                signer: account.signer, keyID: account.privateKeyID
            ) {
                $0.field(JWTWire.issuer, text: account.clientEmail)
                $0.field(JWTWire.scope, text: scope)
                $0.field(JWTWire.audience, text: endpoint.url)
                $0.field(JWTWire.issuedAt, now)
                $0.field(JWTWire.expires, now + Self.assertionLifetime)
            }
        } catch {
            return .failed(error)
        }
        self.assertion = assertion
        var form = FormWriter()
        form.add(OAuthWire.grantType, OAuthWire.jwtBearer)
        form.add(OAuthWire.assertion, assertion)
        return .send(.form(form.secret, to: endpoint))
    }

    mutating func answered(
        status: Int, fields: TokenFields, body: ByteSlice, now: Int
    ) -> TokenStep {
        guard status == 200 else {
            return .failed(
                TokenReply.failure(
                    status: status, fields: fields, body: body, secrets: secrets, from: endpoint))
        }
        do throws(TokenFailure) {
            let tree = try TokenReply.object(body, from: endpoint)
            let text = try TokenReply.text(OAuthWire.accessToken, of: tree.root, from: endpoint)
            let secret = try TokenReply.token(text, from: endpoint)
            guard let lifetime = TokenReply.seconds(tree.root[OAuthWire.expiresIn]) else {
                throw TokenFailure(
                    .malformed, "\(endpoint.host) answered without '\(OAuthWire.expiresIn)'")
            }
            return .done(
                try TokenReply.accessToken(secret, lasting: lifetime, now: now, from: endpoint))
        } catch {
            return .failed(error)
        }
    }

    private var secrets: [Secret] {
        switch means {
        case .serviceAccount: assertion.map { [$0] } ?? []
        case .authorizedUser(let user): [user.clientSecret, user.refreshToken]
        case .metadata: []
        }
    }
}
