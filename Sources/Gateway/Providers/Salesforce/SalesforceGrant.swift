// SalesforceGrant.swift — a token for the Models API: client credentials, or a web token signed with
// the app's private key. Pure; one request. Imported by Exchange through TokenGrant.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// How a Salesforce app proves who it is.
package struct SalesforceGrant {
    package enum Proof {
        case clientSecret(Secret)
        /// The user in whose name the app calls, and the key whose certificate the app has.
        case signedAssertion(username: String, signer: RSASigner)
    }

    /// Seconds that an assertion is good for: the service allows a few minutes.
    private static let assertionLifetime = 180
    /// Seconds a token is taken to live if neither it nor the answer says.
    package static let lifetimeDefault = 1500

    /// The token endpoint, path included.
    package let endpoint: TokenEndpoint
    private let clientID: String
    private let proof: Proof
    private let audience: String
    private let lifetimeDefault: Int
    private var assertion: Secret?

    /// - Parameters:
    ///   - instance: the org's My Domain; a path is not looked at.
    ///   - tokenEndpoint: where to ask instead of at the instance.
    ///   - audience: who assertions are made out to; nil derives it from the instance.
    package init(
        instance: TokenEndpoint, tokenEndpoint: TokenEndpoint? = nil, clientID: String,
        proof: Proof, audience: String? = nil,
        lifetimeDefault: Int = SalesforceGrant.lifetimeDefault
    ) {
        endpoint =
            tokenEndpoint
            ?? TokenEndpoint(
                usesTLS: instance.usesTLS, host: instance.host, port: instance.port,
                path: "\(SalesforceTokenWire.tokenPath)")
        self.clientID = clientID
        self.proof = proof
        self.lifetimeDefault = lifetimeDefault
        // `org--name.sandbox.my.salesforce.com`, formerly `org--name.my.salesforce.com`.
        let isSandbox = instance.host.contains("--") || instance.host.contains(".sandbox.")
        self.audience =
            audience
            ?? "\(isSandbox ? SalesforceTokenWire.sandboxAudience : SalesforceTokenWire.audience)"
    }

    /// What tells this credential from others.
    var identity: [String] {
        switch proof {
        case .clientSecret: ["salesforce-secret", endpoint.url, clientID]
        case .signedAssertion(let username, _):
            ["salesforce-assertion", endpoint.url, clientID, username, audience]
        }
    }

    mutating func begin(now: Int) -> TokenStep {
        var form = FormWriter()
        switch proof {
        case .clientSecret(let secret):
            form.add(OAuthWire.grantType, OAuthWire.clientCredentials)
            form.add(OAuthWire.clientID, clientID)
            form.add(OAuthWire.clientSecret, secret)
        case .signedAssertion(let username, let signer):
            let assertion: Secret
            do throws(TokenFailure) {
                assertion = try WebToken.assertion(signer: signer) {
                    $0.field(JWTWire.issuer, text: clientID)
                    $0.field(JWTWire.subject, text: username)
                    $0.field(JWTWire.audience, text: audience)
                    $0.field(JWTWire.expires, now + Self.assertionLifetime)
                }
            } catch {
                return .failed(error)
            }
            self.assertion = assertion
            form.add(OAuthWire.grantType, OAuthWire.jwtBearer)
            form.add(OAuthWire.assertion, assertion)
        }
        return .send(.form(form.secret, to: endpoint))
    }

    mutating func answered(
        status: Int, fields: TokenFields, body: ByteSlice, now: Int
    ) -> TokenStep {
        guard status == 200 || status == 201 else {
            var secrets = assertion.map { [$0] } ?? []
            if case .clientSecret(let secret) = proof { secrets.append(secret) }
            return .failed(
                TokenReply.failure(
                    status: status, fields: fields, body: body, secrets: secrets, from: endpoint))
        }
        do throws(TokenFailure) {
            return .done(try read(body, by: fields.date ?? now, now: now))
        } catch {
            return .failed(error)
        }
    }

    /// - Parameter theirs: the time by the service's clock: lifetimes are reckoned by it, so that a
    ///   wrong clock here does no harm.
    private func read(
        _ body: ByteSlice, by theirs: Int, now: Int
    ) throws(TokenFailure) -> AccessToken {
        let tree = try TokenReply.object(body, from: endpoint)
        let text = try TokenReply.text(OAuthWire.accessToken, of: tree.root, from: endpoint)
        let secret = try TokenReply.token(text, from: endpoint)
        let end: Int
        if let expiry = WebToken.expiry(of: text) {
            end = expiry
        } else if let issued = TokenReply.seconds(tree.root[SalesforceTokenWire.issuedAt]),
            (0...1 << 50).contains(issued)
        {
            end = issued / 1000 + lifetimeDefault
        } else {
            end = theirs + lifetimeDefault
        }
        return try TokenReply.accessToken(
            secret, lasting: end - theirs, now: now, apiHost: try apiHost(tree.root),
            from: endpoint)
    }

    /// The host that serves the Models API, where the answer names one.
    private func apiHost(_ answer: JSONValue) throws(TokenFailure) -> String? {
        guard let url = answer[SalesforceTokenWire.apiInstanceURL]?.string, !url.isEmpty else {
            return nil
        }
        guard let api = TokenEndpoint.parse(url.string), api.usesTLS else {
            throw TokenFailure(
                .malformed,
                "\(endpoint.host) answered with an '\(SalesforceTokenWire.apiInstanceURL)' "
                    + "that is no https URL")
        }
        return api.authority
    }
}
