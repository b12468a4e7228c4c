// ModelListFileWire.swift — the names of the file in which workers share a provider's list of models,
// spelled once. Constants only. Imported by Exchange and Config.

package enum ModelListFileWire {
    /// Behind a provider's name.
    package static let suffix: StaticString = "_models.json"

    /// Whose list it is: 64 hexadecimal digits.
    package static let identity: StaticString = "identity"
    /// Seconds since 1970.
    package static let fetchedAt: StaticString = "fetched_at"
    package static let failedAt: StaticString = "failed_at"
    package static let models: StaticString = "models"
    package static let id: StaticString = "id"
    package static let owner: StaticString = "owner"
    package static let displayName: StaticString = "display_name"
    package static let created: StaticString = "created"
    package static let contextTokens: StaticString = "context_tokens"
    package static let outputTokensMax: StaticString = "output_tokens_max"
}
