// EmbeddingWire.swift — every name of OpenAI's embeddings, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// The embeddings dialect.
package enum EmbeddingWire {
    /// Behind the base URL.
    package static let target: StaticString = "/embeddings"

    // Request.
    package static let model: StaticString = "model"
    package static let input: StaticString = "input"
    package static let dimensions: StaticString = "dimensions"
    package static let encodingFormat: StaticString = "encoding_format"
    package static let float: StaticString = "float"
    package static let base64: StaticString = "base64"
    package static let user: StaticString = "user"

    // Google's words, which callers give beside the others.
    package static let taskType: StaticString = "task_type"
    package static let title: StaticString = "title"

    // Answer.
    package static let object: StaticString = "object"
    package static let list: StaticString = "list"
    package static let data: StaticString = "data"
    package static let embedding: StaticString = "embedding"
    package static let index: StaticString = "index"
    package static let usage: StaticString = "usage"
    package static let promptTokens: StaticString = "prompt_tokens"
    package static let totalTokens: StaticString = "total_tokens"
}
