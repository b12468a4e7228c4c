// ModelOperation.swift — what a model is asked to do, in the words of OpenTelemetry's GenAI conventions
// (`gen_ai.operation.name`). Pure. Metrics keep each operation's numbers apart.

/// What a request asks of a model.
package enum ModelOperation: Int, CaseIterable, Sendable {
    case chat
    case textCompletion
    case embeddings

    /// What is asked for at the door of this name.
    init(door: StaticString) {
        if door.isSame(as: "embeddings") {
            self = .embeddings
        } else if door.isSame(as: "completions") {
            self = .textCompletion
        } else {
            self = .chat
        }
    }

    /// The conventions' word.
    package var name: StaticString {
        switch self {
        case .chat: "chat"
        case .textCompletion: "text_completion"
        case .embeddings: "embeddings"
        }
    }
}
