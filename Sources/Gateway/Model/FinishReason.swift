// FinishReason.swift — why a model stopped, in the words of the model, not of a dialect.
// Pure. Imported by whoever reads or writes the end of an answer.

package enum FinishReason: Equatable, Sendable {
    case stop
    case length
    case toolCalls
    case contentFilter
    /// A word that no dialect here knows.
    case other
}

extension FinishReason {
    /// The reason as logs and metrics name it.
    package var name: StaticString {
        switch self {
        case .stop: "stop"
        case .length: "length"
        case .toolCalls: "tool_calls"
        case .contentFilter: "content_filter"
        case .other: "other"
        }
    }
}
