// ModelsWire.swift — the names in lists of models in OpenAI's dialects, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// Lists of models.
package enum ModelsWire {
    /// Behind the base URL.
    package static let target: StaticString = "/models"

    package static let object: StaticString = "object"
    package static let list: StaticString = "list"
    package static let data: StaticString = "data"
    package static let model: StaticString = "model"
    package static let id: StaticString = "id"
    package static let created: StaticString = "created"
    package static let ownedBy: StaticString = "owned_by"
    // What servers tell beyond the dialect proper.
    package static let name: StaticString = "name"
    package static let displayName: StaticString = "display_name"
    package static let contextLength: StaticString = "context_length"
    /// vLLM's word for it.
    package static let maxModelLength: StaticString = "max_model_len"
    package static let maxCompletionTokens: StaticString = "max_completion_tokens"
}
