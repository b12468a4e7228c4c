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
