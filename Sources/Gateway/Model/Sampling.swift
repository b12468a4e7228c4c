// Sampling.swift — how an answer is drawn, how long it may get, and in what form it comes.
// Pure; see ModelRequest for how long slices live.

import GatewayCodec
import ReactorCore

/// Bounds and chances. Nil: not said.
package struct Sampling {
    package var temperature: Double?
    package var topP: Double?
    package var topK: Int?
    package var seed: Int?
    package var presencePenalty: Double?
    package var frequencyPenalty: Double?
    /// Texts that end the answer.
    package var stop: [ByteSlice] = []
    /// Tokens of the answer at most, thoughts included.
    package var outputTokensMax: Int?
    package var wantsLogprobs = false
    package var topLogprobs: Int?
    /// Token ids to biases, raw.
    package var logitBias: JSONValue?

    package init() {}
}

/// The form of an answer.
package enum OutputFormat {
    case text
    /// Some JSON object.
    case json
    case schema(OutputSchema)
}

/// JSON that satisfies a schema.
package struct OutputSchema {
    package var name: ByteSlice
    package var description: ByteSlice?
    package var schema: JSONValue?
    package var isStrict: Bool?

    package init(
        name: ByteSlice, description: ByteSlice? = nil, schema: JSONValue?, isStrict: Bool? = nil
    ) {
        self.name = name
        self.description = description
        self.schema = schema
        self.isStrict = isStrict
    }
}

/// How much a model is to think. Nil members: not said.
package struct ReasoningRequest {
    /// In rising order.
    package enum Effort: Int, Equatable, Sendable, CaseIterable {
        case none, minimal, low, medium, high, xhigh, max
    }

    package var effort: Effort?
    /// Tokens for thoughts at most.
    package var budgetTokens: Int?
    /// The model decides how long.
    package var isAdaptive = false
    /// Whether thoughts (or their summary) are to be told.
    package var isShown: Bool?

    package init(
        effort: Effort? = nil, budgetTokens: Int? = nil, isAdaptive: Bool = false,
        isShown: Bool? = nil
    ) {
        self.effort = effort
        self.budgetTokens = budgetTokens
        self.isAdaptive = isAdaptive
        self.isShown = isShown
    }

    /// Whether the caller wants no thinking at all.
    package var isOff: Bool { effort == Effort.none }
}

extension ReasoningRequest.Effort {
    /// Tokens of thoughts that stand for it where a number is wanted and nobody names another.
    package var tokens: Int {
        switch self {
        case .none, .minimal: 0
        case .low: 1024
        case .medium: 4096
        case .high: 16_000
        case .xhigh, .max: 32_000
        }
    }

    /// The word that OpenAI's dialects and Anthropic's have for it.
    package var name: StaticString {
        switch self {
        case .none: "none"
        case .minimal: "minimal"
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        case .xhigh: "xhigh"
        case .max: "max"
        }
    }

    /// The effort with that name.
    package init?(name: ByteSlice) {
        guard let effort = Self.allCases.first(where: { name == $0.name }) else { return nil }
        self = effort
    }
}
