// Usage.swift — tokens as an upstream reported them.

/// Token counts of one exchange.
package struct Usage: Equatable, Sendable {
    /// Tokens of the request, cached ones included.
    package var input = 0
    /// Tokens of the answer, reasoning included.
    package var output = 0
    /// Of `input`: read from the provider's cache.
    package var cached = 0
    /// Of `output`: reasoning.
    package var reasoning = 0

    package init() {}
}
