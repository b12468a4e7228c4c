// SimulatorSettings.swift — how the simulated model behaves. Immutable once serving.
// Pure values; imported by Config, Exchange and the command line.

import ReactorCore

/// What makes settings unusable.
package struct SimulatorSettingsFailure: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Pace, content and failures of the simulator.
package struct SimulatorSettings: Equatable, Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        /// Pseudo-Latin words, the same for the same seed and request.
        case lorem
        /// The last user message, word by word.
        case echo
    }

    /// How often a failure befalls a request that did not ask for one.
    package struct FailureRate: Equatable, Sendable {
        package var behavior: SimulatorBehavior
        /// 0...1.
        package var probability: Double

        package init(_ behavior: SimulatorBehavior, probability: Double) {
            self.behavior = behavior
            self.probability = probability
        }
    }

    /// From the request's last byte to the first token.
    package var timeToFirstToken: Duration = .milliseconds(50)
    /// Every later token; 0 sends all tokens at once.
    package var tokensPerSecond: Double = 80
    /// 0...1: each wait is drawn evenly from its length times (1 - jitter)...(1 + jitter).
    package var jitter: Double = 0
    package var seed: UInt64 = 0
    package var mode: Mode = .lorem
    /// Tokens of a lorem answer where the request does not ask for fewer.
    package var answerTokens = 64
    package var failureRates: [FailureRate] = []
    /// What `GET /v1/models` lists, each also with every behaviour's suffix accepted.
    package var models = ["sim"]
    /// Whether a model that is not listed is a 404; else any name is served.
    package var listedModelsOnly = false
    /// Of an embedding whose request does not say.
    package var embeddingDimensions = 1536

    package static let timeToFirstTokenMax: Duration = .seconds(3600)
    package static let answerTokensMax = 1_000_000
    package static let embeddingDimensionsMax = 4096
    /// Slower than this is a hang.
    package static let tokensPerSecondMin = 0.001

    package init() {}

    /// Throws the first reason why these settings cannot serve.
    package func check() throws(SimulatorSettingsFailure) {
        func require(_ holds: Bool, _ reason: String) throws(SimulatorSettingsFailure) {
            if !holds { throw SimulatorSettingsFailure(description: reason) }
        }
        try require(
            timeToFirstToken >= .zero && timeToFirstToken <= Self.timeToFirstTokenMax,
            "ttft must lie between 0 and \(Self.timeToFirstTokenMax)")
        try require(
            tokensPerSecond == 0
                || (tokensPerSecond >= Self.tokensPerSecondMin && tokensPerSecond.isFinite),
            "tokens_per_second must be 0 (no pacing) or at least \(Self.tokensPerSecondMin)")
        try require(jitter >= 0 && jitter <= 1, "jitter must lie between 0 and 1")
        try require(
            answerTokens >= 1 && answerTokens <= Self.answerTokensMax,
            "answer_tokens must lie between 1 and \(Self.answerTokensMax)")
        try require(
            embeddingDimensions >= 1 && embeddingDimensions <= Self.embeddingDimensionsMax,
            "embedding dimensions must lie between 1 and \(Self.embeddingDimensionsMax)")
        try require(
            !listedModelsOnly || !models.isEmpty, "no model is listed, so none could be served")
        var sum = 0.0
        for rate in failureRates {
            let name = rate.behavior.rawValue
            try require(rate.behavior.isFailure, "\(name) is not a failure and takes no rate")
            try require(
                rate.probability >= 0 && rate.probability <= 1,
                "the rate of \(name) must lie between 0 and 1")
            sum += rate.probability
        }
        // Ten rates of 0.1 add up to slightly more than 1.
        try require(sum <= 1 + 1e-9, "failure rates add up to more than 1")
    }

    /// Reads `429:0.01,cut:0.002`.
    package static func failureRates(
        from text: String
    ) throws(SimulatorSettingsFailure) -> [FailureRate] {
        var rates: [FailureRate] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2, let probability = Double(pair[1]) else {
                throw SimulatorSettingsFailure(
                    description: "failure rate '\(part)' is not of the form NAME:PROBABILITY")
            }
            guard let behavior = SimulatorBehavior(rawValue: String(pair[0])) else {
                throw SimulatorSettingsFailure(description: "no failure is named '\(pair[0])'")
            }
            rates.append(FailureRate(behavior, probability: probability))
        }
        return rates
    }

    /// Whether this name is listed, by itself or with a behaviour's suffix.
    package func serves(_ model: ByteSlice) -> Bool {
        guard listedModelsOnly else { return true }
        let behavior = SimulatorBehavior(suffixOf: model)
        return models.contains { listed in
            listed.withByteSlice { listed in
                if model == listed { return true }
                guard let behavior, model.count > listed.count else { return false }
                return model.prefix(listed.count) == listed
                    && model.count == listed.count + 1 + behavior.rawValue.utf8.count
            }
        }
    }
}
