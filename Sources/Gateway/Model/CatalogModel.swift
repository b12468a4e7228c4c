// CatalogModel.swift — one model as a list of models tells it, in no dialect's words.
// Pure; owns what it holds. Made by providers' decoders of lists and by Config, merged in Policy,
// written by the doors for models.

/// A model that can be asked.
package struct CatalogModel: Equatable, Sendable {
    /// So long may a name be; longer ones are left out of lists.
    package static let idBytesMax = 256

    package var id: String
    /// Who made or serves it; nil where nobody says.
    package var owner: String?
    /// A name for people.
    package var displayName: String?
    /// Seconds since 1970.
    package var createdSeconds: Int?
    /// Tokens of its context, as far as told.
    package var contextTokens: Int?
    /// Tokens of an answer at most, as far as told.
    package var outputTokensMax: Int?

    package init(
        id: String, owner: String? = nil, displayName: String? = nil, createdSeconds: Int? = nil,
        contextTokens: Int? = nil, outputTokensMax: Int? = nil
    ) {
        self.id = id
        self.owner = owner
        self.displayName = displayName
        self.createdSeconds = createdSeconds
        self.contextTokens = contextTokens
        self.outputTokensMax = outputTokensMax
    }
}
