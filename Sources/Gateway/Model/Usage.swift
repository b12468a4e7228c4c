// Usage.swift — the tokens of one exchange, in the words of the model, not of a dialect.
// Pure. Imported by whoever observes an answer or accounts for it.

/// Tokens read and written. Cached tokens are part of the input, reasoning tokens of the output.
package struct Usage: Equatable, Sendable {
    package var inputTokens = 0
    package var outputTokens = 0
    package var totalTokens = 0
    package var cachedTokens = 0
    /// Part of the input too: written to the cache of prompts.
    package var cacheWriteTokens = 0
    package var reasoningTokens = 0

    package init() {}
}
