// FinishReason.swift — why a model stopped.

/// Why an answer ended, in the field's words.
package enum FinishReason: String, Sendable {
    case stop
    case length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
    case functionCall = "function_call"
    /// A reason this version has no word for.
    case other
}
