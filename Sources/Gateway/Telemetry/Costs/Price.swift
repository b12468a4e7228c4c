// Price.swift — what a model's tokens cost, and what a request comes to. Pure, in whole numbers:
// trillionths of a dollar a token, billionths a request.

import GatewayModel

/// Prices of one model, in trillionths of a dollar a token (a dollar a million tokens is 1,000,000).
package struct Price: Equatable, Sendable {
    package var input: Int
    package var output: Int
    /// Input that was read from the provider's cache.
    package var cachedInput: Int
    /// Input that was written to it.
    package var cacheWrite: Int

    /// In dollars a million tokens; without prices of its own the cache costs what input costs.
    package init(
        input: Double, output: Double, cachedInput: Double? = nil, cacheWrite: Double? = nil
    ) {
        func unit(_ dollars: Double) -> Int { Int((dollars * 1_000_000).rounded()) }
        self.input = unit(input)
        self.output = unit(output)
        self.cachedInput = unit(cachedInput ?? input)
        self.cacheWrite = unit(cacheWrite ?? input)
    }
}

/// From usage to cost.
package enum CostMeter {
    /// Tokens of one request that are reckoned with; no upstream can report more in earnest.
    static let tokensMax = 1_000_000_000

    /// The cost in billionths of a dollar, rounded. Cached and cache-written tokens are part of the
    /// input, reasoning tokens of the output.
    package static func cost(of usage: Usage, at price: Price) -> Int {
        func bounded(_ tokens: Int) -> Int { min(max(tokens, 0), tokensMax) }
        if usage.cachedTokens | usage.cacheWriteTokens == 0 {
            let total =
                bounded(usage.inputTokens) * price.input + bounded(usage.outputTokens)
                * price.output
            return (total + 500) / 1000
        }
        let cached = bounded(usage.cachedTokens)
        let written = bounded(usage.cacheWriteTokens)
        let plain = max(bounded(usage.inputTokens) - cached - written, 0)
        // Four products of at most 10^9 tokens and 10^9 (1,000 dollars a million): no overflow.
        let total =
            plain * price.input + cached * price.cachedInput + written * price.cacheWrite
            + bounded(usage.outputTokens) * price.output
        return (total + 500) / 1000
    }
}
