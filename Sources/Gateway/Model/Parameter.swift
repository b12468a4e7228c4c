// Parameter.swift — the parts of a request that a provider may have no word for, as a set.
// Pure. Providers' encoders say what they left out; Exchange tells the caller and the log.

/// Something a caller may ask for.
package enum Parameter: UInt8, CaseIterable, Sendable {
    case temperature, topP, topK, seed, presencePenalty, frequencyPenalty, stop
    case outputTokensMax, logprobs, logitBias, choiceCount
    case toolChoice, parallelToolCalls, strictTools, outputFormat, reasoning
    case user, participantName, cacheControl, imageDetail, reasoningHistory, metadata
    /// Members that the model in the middle has no word for.
    case extras

    /// The name in logs and in the header that lists what was dropped: OpenAI's where it has one.
    package var name: StaticString {
        switch self {
        case .temperature: "temperature"
        case .topP: "top_p"
        case .topK: "top_k"
        case .seed: "seed"
        case .presencePenalty: "presence_penalty"
        case .frequencyPenalty: "frequency_penalty"
        case .stop: "stop"
        case .outputTokensMax: "max_completion_tokens"
        case .logprobs: "logprobs"
        case .logitBias: "logit_bias"
        case .choiceCount: "n"
        case .toolChoice: "tool_choice"
        case .parallelToolCalls: "parallel_tool_calls"
        case .strictTools: "tools.strict"
        case .outputFormat: "response_format"
        case .reasoning: "reasoning_effort"
        case .user: "user"
        case .participantName: "messages.name"
        case .cacheControl: "cache_control"
        case .imageDetail: "image_url.detail"
        case .reasoningHistory: "messages.reasoning"
        case .metadata: "metadata"
        case .extras: "extras"
        }
    }
}

/// A set of parameters.
package struct ParameterSet: Equatable, Sendable {
    private var bits: UInt32 = 0

    package init() {}

    package init(_ parameters: Parameter...) {
        for parameter in parameters { insert(parameter) }
    }

    package var isEmpty: Bool { bits == 0 }

    package var count: Int { bits.nonzeroBitCount }

    package mutating func insert(_ parameter: Parameter) { bits |= 1 << UInt32(parameter.rawValue) }

    package func contains(_ parameter: Parameter) -> Bool {
        bits & 1 << UInt32(parameter.rawValue) != 0
    }

    /// Its members in the order of their declaration.
    package func forEach(_ body: (Parameter) -> Void) {
        for parameter in Parameter.allCases where contains(parameter) { body(parameter) }
    }
}
