// GoogleCredentialsWire.swift — the names of Google's credentials files and of its metadata server,
// spelled once. Constants only. Imported by providers.

package enum GoogleCredentialsWire {
    package static let type: StaticString = "type"
    package static let serviceAccount: StaticString = "service_account"
    package static let authorizedUser: StaticString = "authorized_user"

    package static let projectID: StaticString = "project_id"
    package static let quotaProjectID: StaticString = "quota_project_id"
    package static let privateKeyID: StaticString = "private_key_id"
    package static let privateKey: StaticString = "private_key"
    package static let clientEmail: StaticString = "client_email"
    package static let tokenURI: StaticString = "token_uri"
    package static let clientID: StaticString = "client_id"
    package static let clientSecret: StaticString = "client_secret"
    package static let refreshToken: StaticString = "refresh_token"

    package static let defaultTokenURI: StaticString = "https://oauth2.googleapis.com/token"
    package static let cloudScope: StaticString = "https://www.googleapis.com/auth/cloud-platform"

    package static let metadataHost: StaticString = "metadata.google.internal"
    package static let metadataTokenPath: StaticString =
        "/computeMetadata/v1/instance/service-accounts/default/token"
    package static let metadataFlavorField: StaticString = "metadata-flavor"
    package static let metadataFlavor: StaticString = "Google"

    /// Names the project that a request is counted for, where its path names none.
    package static let userProjectField: StaticString = "x-goog-user-project"
}
