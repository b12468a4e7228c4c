// GoogleCredentials.swift — a Google credentials file: of a service account, or of a user as
// `gcloud auth application-default login` leaves it. Pure. No byte of the file is in a failure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Why a text is no credentials file that can be used.
package struct GoogleCredentialsFailure: Error, Equatable, CustomStringConvertible {
    /// The rest of a sentence about the file.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What a credentials file holds.
package enum GoogleCredentials {
    case serviceAccount(ServiceAccount)
    case authorizedUser(AuthorizedUser)

    package struct ServiceAccount {
        package let clientEmail: String
        package let privateKeyID: String?
        package let signer: RSASigner
        package let tokenEndpoint: TokenEndpoint
        package let projectID: String?
    }

    package struct AuthorizedUser {
        package let clientID: String
        package let clientSecret: Secret
        package let refreshToken: Secret
        package let tokenEndpoint: TokenEndpoint
        package let quotaProjectID: String?
    }

    /// Bytes of a credentials file.
    package static let bytesMax = 64 << 10

    package static func parse(
        _ bytes: ByteSlice
    ) throws(GoogleCredentialsFailure) -> GoogleCredentials {
        guard bytes.count <= bytesMax else {
            throw GoogleCredentialsFailure("is larger than \(bytesMax) bytes")
        }
        let tree: JSONTree
        do throws(JSONFailure) {
            tree = try JSONArena().read(bytes, depthMax: 8)
        } catch {
            throw GoogleCredentialsFailure("is not JSON: \(error)")
        }
        guard let type = tree.root[GoogleCredentialsWire.type]?.string else {
            throw GoogleCredentialsFailure("has no 'type'")
        }
        if type == GoogleCredentialsWire.serviceAccount {
            return .serviceAccount(try serviceAccount(tree.root))
        }
        if type == GoogleCredentialsWire.authorizedUser {
            return .authorizedUser(try authorizedUser(tree.root))
        }
        throw GoogleCredentialsFailure(
            "is neither of type '\(GoogleCredentialsWire.serviceAccount)' nor "
                + "'\(GoogleCredentialsWire.authorizedUser)'")
    }

    private static func serviceAccount(
        _ root: JSONValue
    ) throws(GoogleCredentialsFailure) -> ServiceAccount {
        let pem = try text(GoogleCredentialsWire.privateKey, of: root)
        let signer: RSASigner
        do throws(SigningKeyFailure) {
            signer = try RSASigner(pem: pem)
        } catch {
            throw GoogleCredentialsFailure("has a bad 'private_key': \(error)")
        }
        return ServiceAccount(
            clientEmail: try text(GoogleCredentialsWire.clientEmail, of: root).string,
            privateKeyID: root[GoogleCredentialsWire.privateKeyID]?.string?.string,
            signer: signer, tokenEndpoint: try tokenEndpoint(root),
            projectID: root[GoogleCredentialsWire.projectID]?.string?.string)
    }

    private static func authorizedUser(
        _ root: JSONValue
    ) throws(GoogleCredentialsFailure) -> AuthorizedUser {
        AuthorizedUser(
            clientID: try text(GoogleCredentialsWire.clientID, of: root).string,
            clientSecret: Secret(try text(GoogleCredentialsWire.clientSecret, of: root)),
            refreshToken: Secret(try text(GoogleCredentialsWire.refreshToken, of: root)),
            tokenEndpoint: try tokenEndpoint(root),
            quotaProjectID: root[GoogleCredentialsWire.quotaProjectID]?.string?.string)
    }

    private static func text(
        _ name: StaticString, of root: JSONValue
    ) throws(GoogleCredentialsFailure) -> ByteSlice {
        guard let text = root[name]?.string, !text.isEmpty else {
            throw GoogleCredentialsFailure("has no '\(name)'")
        }
        return text
    }

    private static func tokenEndpoint(
        _ root: JSONValue
    ) throws(GoogleCredentialsFailure) -> TokenEndpoint {
        let url =
            root[GoogleCredentialsWire.tokenURI]?.string?.string
            ?? "\(GoogleCredentialsWire.defaultTokenURI)"
        guard let endpoint = TokenEndpoint.parse(url), !endpoint.isExposed else {
            throw GoogleCredentialsFailure("has a 'token_uri' that is no https URL")
        }
        return endpoint
    }
}
