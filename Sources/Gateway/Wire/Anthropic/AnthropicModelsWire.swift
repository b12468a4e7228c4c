// AnthropicModelsWire.swift — the names in Anthropic's lists of models, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// Lists of models, page by page.
package enum AnthropicModelsWire {
    /// Behind the base URL; a cursor may follow.
    package static let target: StaticString = "/v1/models?limit=1000"
    package static let afterIDQuery: StaticString = "&after_id="

    // Query.
    package static let limit: StaticString = "limit"
    package static let afterID: StaticString = "after_id"
    package static let beforeID: StaticString = "before_id"

    // Answer.
    package static let data: StaticString = "data"
    package static let hasMore: StaticString = "has_more"
    package static let firstID: StaticString = "first_id"
    package static let lastID: StaticString = "last_id"
    package static let type: StaticString = "type"
    package static let model: StaticString = "model"
    package static let id: StaticString = "id"
    package static let displayName: StaticString = "display_name"
    package static let createdAt: StaticString = "created_at"
    package static let maxInputTokens: StaticString = "max_input_tokens"
    package static let maxTokens: StaticString = "max_tokens"

    package static let owner: StaticString = "anthropic"
}
