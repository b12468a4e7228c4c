// GeminiEmbeddingWire.swift — the names of Google's embeddings and lists of models, spelled once.
// Constants only: no meaning, no decisions. The methods are in GeminiWire. Imported by providers.

/// embedContent, batchEmbedContents, and Vertex AI's predict.
package enum GeminiEmbeddingWire {
    // Request.
    package static let requests: StaticString = "requests"
    package static let model: StaticString = "model"
    package static let modelPrefix: StaticString = "models/"
    package static let content: StaticString = "content"
    package static let parts: StaticString = "parts"
    package static let text: StaticString = "text"
    package static let taskType: StaticString = "taskType"
    package static let title: StaticString = "title"
    package static let outputDimensionality: StaticString = "outputDimensionality"

    // predict.
    package static let instances: StaticString = "instances"
    package static let taskTypeSnake: StaticString = "task_type"
    package static let parameters: StaticString = "parameters"
    package static let predictions: StaticString = "predictions"
    package static let statistics: StaticString = "statistics"
    package static let tokenCount: StaticString = "token_count"

    // Answer.
    package static let embeddings: StaticString = "embeddings"
    package static let embedding: StaticString = "embedding"
    package static let values: StaticString = "values"
    package static let error: StaticString = "error"
    package static let usageMetadata: StaticString = "usageMetadata"
    package static let promptTokenCount: StaticString = "promptTokenCount"
}

/// Vertex AI's lists of a publisher's models, which have the cursors of the other.
package enum VertexModelsWire {
    /// Behind the publisher's name; a cursor may follow. Without all versions some are left out.
    package static let target: StaticString = "/models?pageSize=1000&listAllVersions=true"
    package static let models: StaticString = "publisherModels"
}

/// Lists of models, page by page.
package enum GeminiModelsWire {
    /// Behind the base URL; a cursor may follow.
    package static let target: StaticString = "/models?pageSize=1000"
    package static let pageTokenQuery: StaticString = "&pageToken="

    package static let models: StaticString = "models"
    package static let nextPageToken: StaticString = "nextPageToken"
    package static let name: StaticString = "name"
    package static let displayName: StaticString = "displayName"
    package static let inputTokenLimit: StaticString = "inputTokenLimit"
    package static let outputTokenLimit: StaticString = "outputTokenLimit"

    package static let owner: StaticString = "google"
}
