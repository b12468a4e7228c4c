// ModelPace.swift — what is known of a model that decides how long its answers may take.
// Pure value. Told by providers and by Policy, put together in Exchange. Nil: nobody knows.

/// How much a model writes, and whether it is silent first.
package struct ModelPace: Equatable, Sendable {
    /// Tokens of an answer at most, thoughts included, where a request sets no bound.
    package var outputTokensMax: Int?
    /// Whether it thinks before it speaks where a request says nothing of that.
    package var reasons: Bool?

    package init(outputTokensMax: Int? = nil, reasons: Bool? = nil) {
        self.outputTokensMax = outputTokensMax
        self.reasons = reasons
    }

    /// Puts what `better` knows over what is known.
    package mutating func apply(_ better: ModelPace) {
        outputTokensMax = better.outputTokensMax ?? outputTokensMax
        reasons = better.reasons ?? reasons
    }
}
