// CompletionWire.swift — the names of OpenAI's older text completions that chat does not have.
// Constants only: no meaning, no decisions. What both have is in ChatWire. Imported by doors.

/// The completions dialect.
package enum CompletionWire {
    /// Behind the base URL.
    package static let target: StaticString = "/completions"

    package static let prompt: StaticString = "prompt"
    package static let suffix: StaticString = "suffix"
    package static let echo: StaticString = "echo"
    package static let bestOf: StaticString = "best_of"
    /// Whole answers and chunks have the same.
    package static let completion: StaticString = "text_completion"
    package static let text: StaticString = "text"
}
