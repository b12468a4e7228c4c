// TokenFileWire.swift — the names of the file in which a token outlives the process, spelled once.
// Constants only. Imported by Exchange.

package enum TokenFileWire {
    /// The file of the first Salesforce provider.
    package static let salesforceName: StaticString = "salesforce_models_token.json"
    /// Behind another provider's name.
    package static let suffix: StaticString = "_token.json"

    package static let accessToken: StaticString = "access_token"
    /// Seconds since 1970.
    package static let createdAt: StaticString = "created_at"
    package static let expiresAt: StaticString = "expires_at"
    package static let apiHost: StaticString = "api_host"
    /// Whose token it is: 64 hexadecimal digits.
    package static let identity: StaticString = "identity"
}
