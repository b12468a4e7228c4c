// AnthropicRequestPlan.swift — what is decided about a request before a byte of it is written: how
// its wishes go together, and which of them a model does not take.
// Pure. What is left out is noted in the call; the writer then only writes.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The decisions.
struct AnthropicRequestPlan {
    enum Thinking: Equatable {
        case unsaid
        case disabled
        case budget(Int)
        case adaptive
    }

    enum Output {
        case text
        /// The model keeps to the schema.
        case schema(JSONValue)
        /// A tool with this schema is to be called; its arguments are the answer.
        case tool(JSONValue)
        /// The model is asked for JSON, of this schema if there is one.
        case instruction(JSONValue?)
    }

    enum Choice {
        case unsaid
        case auto
        case any
        case none
        case tool(ByteSlice)

        var isForced: Bool {
            switch self {
            case .any, .tool: true
            case .unsaid, .auto, .none: false
            }
        }
    }

    /// The tool whose arguments are the answer.
    static let answerTool: StaticString = "answer_as_json"

    let capabilities: AnthropicCapabilities
    private(set) var outputTokensMax: Int
    private(set) var thinking = Thinking.unsaid
    private(set) var isShown: Bool?
    private(set) var effort: ReasoningRequest.Effort?
    private(set) var output = Output.text
    private(set) var choice = Choice.unsaid
    private(set) var forbidsParallelCalls = false
    private(set) var temperature: Double?
    private(set) var topP: Double?
    private(set) var topK: Int?
    /// Calls of tools are in the history, but no tool is on offer, which the dialect demands.
    private(set) var needsStubs = false
    /// There is nothing but instructions, which this dialect cannot send alone.
    private(set) var hasOnlyInstructions: Bool
    /// Whether the answer is to go on from words of the assistant.
    private(set) var hasPrefill: Bool

    init(
        _ request: ModelRequest, _ capabilities: AnthropicCapabilities,
        _ call: inout ProviderCall
    ) {
        self.capabilities = capabilities
        outputTokensMax = request.sampling.outputTokensMax ?? capabilities.outputTokensDefault
        hasOnlyInstructions = request.messages.allSatisfy { $0.role.isInstruction }
        hasPrefill = request.prefill != nil
        decideTools(request, &call)
        decideOutput(request)
        decideThinking(request, &call)
        fitBudget(request, &call)
        decideSampling(request.sampling, &call)
        noteDropped(request, &call)
    }

    /// Whether the arguments of a tool are to be read as the answer.
    var isAnswerInTool: Bool {
        if case .tool = output { true } else { false }
    }

    /// Whether a tool may be offered under the caller's choice.
    static func offers(_ tool: ToolDefinition, _ request: ModelRequest) -> Bool {
        guard let allowed = request.toolChoice?.allowed else { return true }
        return allowed.contains { $0 == tool.name }
    }

    private mutating func decideTools(_ request: ModelRequest, _ call: inout ProviderCall) {
        guard request.tools.contains(where: { Self.offers($0, request) }) else {
            needsStubs = request.hasToolHistory
            if needsStubs { choice = .none }
            return
        }
        forbidsParallelCalls = request.allowsParallelCalls == false
        switch request.toolChoice?.mode {
        case nil, .auto: choice = forbidsParallelCalls ? .auto : .unsaid
        case .some(.none): choice = .none
        case .required: choice = .any
        case .named(let name): choice = .tool(name)
        }
        if choice.isForced, !capabilities.allowsForcedTools {
            choice = .auto
            call.drop(.toolChoice)
        }
    }

    private mutating func decideOutput(_ request: ModelRequest) {
        switch request.output {
        case .text: return
        case .json: output = .instruction(nil)
        case .schema(let wish):
            guard let schema = wish.schema else {
                output = .instruction(nil)
                return
            }
            if capabilities.hasOutputSchema {
                output = .schema(schema)
            } else if case .tool = choice {
                // The turn is a call of that tool: there will be no text.
                return
            } else if capabilities.allowsForcedTools {
                output = .tool(schema)
                let hasTools = !request.tools.isEmpty && !needsStubs
                if case .none = choice {
                    choice = .tool(ByteSlice(Self.answerTool))
                } else {
                    choice = hasTools ? .any : .tool(ByteSlice(Self.answerTool))
                }
            } else {
                output = .instruction(schema)
            }
        }
    }

    private mutating func decideThinking(_ request: ModelRequest, _ call: inout ProviderCall) {
        guard let wish = request.reasoning else { return }
        isShown = wish.isShown
        let conflicts = choice.isForced || hasPrefill
        switch capabilities.thinking {
        case .none:
            if !wish.isOff { call.drop(.reasoning) }
        case .budget:
            guard let budget = Self.budget(for: wish) else { return }
            if conflicts || request.lacksThoughtBeforeCalls {
                call.drop(.reasoning)
            } else {
                thinking = .budget(max(Self.budgetMin, budget))
            }
        case .adaptive:
            effort = effort(for: wish)
            if wish.isOff || conflicts {
                thinking = .disabled
                if !wish.isOff { call.drop(.reasoning) }
            } else {
                thinking = .adaptive
            }
        case .always:
            effort = effort(for: wish)
            if wish.isOff { call.drop(.reasoning) } else { thinking = .adaptive }
        }
    }

    /// The dialect's own bound.
    private static let budgetMin = 1024

    /// Tokens for thoughts; nil for none.
    private static func budget(for wish: ReasoningRequest) -> Int? {
        if wish.isOff { return nil }
        if let tokens = wish.budgetTokens { return tokens }
        let effort = wish.effort ?? (wish.isAdaptive ? .medium : .minimal)
        return effort.tokens == 0 ? nil : effort.tokens
    }

    private func effort(for wish: ReasoningRequest) -> ReasoningRequest.Effort? {
        switch wish.effort {
        case .some(.none): nil
        case .minimal: .low
        case .xhigh where !capabilities.hasExtraHighEffort: .high
        case .some(let effort): effort
        case nil:
            wish.budgetTokens.map { $0 < 2048 ? .low : $0 < 8192 ? .medium : .high }
        }
    }

    /// Thoughts are part of the output: the bound must leave room for an answer behind them.
    private mutating func fitBudget(_ request: ModelRequest, _ call: inout ProviderCall) {
        guard case .budget(let budget) = thinking, outputTokensMax <= budget else { return }
        let room = max(1, outputTokensMax)
        outputTokensMax = min(budget + room, max(capabilities.outputTokensMax, room))
        if outputTokensMax > budget { return }
        if outputTokensMax > Self.budgetMin {
            thinking = .budget(max(Self.budgetMin, outputTokensMax / 2))
        } else {
            thinking = .unsaid
            call.drop(.reasoning)
        }
    }

    private mutating func decideSampling(_ sampling: Sampling, _ call: inout ProviderCall) {
        guard capabilities.allowsSampling else {
            if sampling.temperature != nil { call.drop(.temperature) }
            if sampling.topP != nil { call.drop(.topP) }
            if sampling.topK != nil { call.drop(.topK) }
            return
        }
        let thinks = thinking != .unsaid && thinking != .disabled
        temperature = sampling.temperature.map { min(1, max(0, $0)) }
        topP = sampling.topP
        topK = sampling.topK
        // Thoughts come with the default of each.
        if thinks, let given = temperature, given != 1 {
            temperature = nil
            call.drop(.temperature)
        }
        if let given = topP, thinks && given < 0.95 || clashes {
            topP = nil
            call.drop(.topP)
        }
        if thinks, topK != nil {
            topK = nil
            call.drop(.topK)
        }
    }

    private var clashes: Bool { temperature != nil && !capabilities.allowsTemperatureWithTopP }

    private func noteDropped(_ request: ModelRequest, _ call: inout ProviderCall) {
        let sampling = request.sampling
        if sampling.seed != nil { call.drop(.seed) }
        if sampling.presencePenalty != nil { call.drop(.presencePenalty) }
        if sampling.frequencyPenalty != nil { call.drop(.frequencyPenalty) }
        if sampling.wantsLogprobs || sampling.topLogprobs != nil { call.drop(.logprobs) }
        if sampling.logitBias != nil { call.drop(.logitBias) }
        if sampling.stop.contains(where: { $0.isBlank }) { call.drop(.stop) }
        if request.messages.contains(where: { $0.name != nil }) { call.drop(.participantName) }
        if !capabilities.hasOutputSchema, request.tools.contains(where: { $0.isStrict == true }) {
            call.drop(.strictTools)
        }
        for part in request.parts {
            switch part.content {
            case .image(let media):
                if let detail = media.detail, !(detail == "auto") { call.drop(.imageDetail) }
            case .reasoning(let reasoning):
                if !reasoning.canBeReplayed { call.drop(.reasoningHistory) }
            default: break
            }
        }
        if request.extras.dialect != .messages {
            for member in request.extras.members { call.drop(extra: member.name) }
        }
    }
}

extension Message.Role {
    var isInstruction: Bool { self == .system || self == .developer }
}

extension Reasoning {
    /// Only what the provider has signed or encrypted is taken back.
    var canBeReplayed: Bool { signature?.isEmpty == false || redacted?.isEmpty == false }
}

extension ByteSlice {
    /// Whether there is nothing but white space, which the dialect refuses as a text.
    var isBlank: Bool {
        for index in 0..<count where !ASCII.isBlank(self[index]) { return false }
        return true
    }

    /// Without white space at the end.
    var trimmedEnd: ByteSlice {
        var end = count
        while end > 0, ASCII.isBlank(self[end - 1]) { end -= 1 }
        return prefix(end)
    }
}

extension ASCII {
    fileprivate static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte &- 9 < 5 }
}

extension ModelRequest {
    var hasToolHistory: Bool {
        messages.contains { $0.role == .tool }
            || parts.contains {
                if case .toolCall = $0.content { true } else { false }
            }
    }

    /// The place of the message of the assistant's, without calls of tools, that ends the
    /// conversation.
    var prefill: Int? {
        guard let last = messages.lastIndex(where: { !$0.role.isInstruction }),
            messages[last].role == .assistant
        else { return nil }
        var hasText = false
        for part in parts(of: messages[last]) {
            switch part.content {
            case .toolCall: return nil
            case .text(let text), .refusal(let text): hasText = hasText || !text.isBlank
            default: break
            }
        }
        return hasText ? last : nil
    }

    /// Whether the turn that goes on now, behind results of tools, began without a thought of the
    /// provider's: then no thinking may be asked for in it.
    var lacksThoughtBeforeCalls: Bool {
        guard messages.last(where: { !$0.role.isInstruction })?.role == .tool,
            let turn = messages.last(where: { $0.role == .assistant })
        else { return false }
        return !parts(of: turn).contains {
            if case .reasoning(let reasoning) = $0.content {
                reasoning.canBeReplayed
            } else {
                false
            }
        }
    }
}
