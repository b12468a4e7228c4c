// OpenAIChatRequestEncoder.swift — a request of the model's as the body of a chat completion request.
// Pure; borrows the request. Messages are in OpenAIChatRequestEncoder+Messages.swift. Only
// OpenAIProvider uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Writes one body. What cannot be said is collected while writing and told afterwards.
struct OpenAIChatRequestEncoder {
    let request: ModelRequest
    let quirks: OpenAIQuirks
    private let model: ByteSlice
    private let kind: OpenAIModelKind
    private(set) var dropped = ParameterSet()
    private(set) var droppedExtras: [ByteSlice] = []
    /// The first thing that must not be left out and cannot be said.
    private(set) var failure: Failure?

    init(_ request: ModelRequest, _ context: ProviderContext, _ quirks: OpenAIQuirks) {
        self.request = request
        self.quirks = quirks
        model = context.model
        kind = quirks.contains(.sambaNova) ? .unknown : OpenAIModelKind(context.model)
    }

    mutating func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field(ChatWire.model, model)
        json.beginArray(ChatWire.messages)
        writeMessages(to: &json)
        json.endArray()
        if request.streams {
            json.field(ChatWire.stream, true)
            // Always: accounting needs it, and the door keeps it from clients that did not ask.
            json.key(ChatWire.streamOptions)
            json.raw(ByteSlice(ChatWire.usageObject))
        }
        writeSampling(to: &json)
        writeTools(to: &json)
        writeOutput(request.output, to: &json)
        writeReasoning(to: &json)
        if request.choiceCount > 1 { json.field(ChatWire.n, request.choiceCount) }
        if let user = request.user {
            if isSambaNova { drop(.user) } else { json.field(ChatWire.user, user) }
        }
        writeExtras(to: &json)
        json.endObject()
    }

    var isSambaNova: Bool { quirks.contains(.sambaNova) }

    mutating func drop(_ parameter: Parameter) { dropped.insert(parameter) }

    /// Notes the first thing that cannot be asked for.
    mutating func refuse(_ what: String, at place: String) {
        guard failure == nil else { return }
        failure = Failure(
            .unsupportedParameter, "\(what) cannot be sent to this model's provider.",
            parameter: place)
    }

    // MARK: Sampling

    private mutating func writeSampling(to json: inout JSONWriter) {
        let sampling = request.sampling
        if let bound = sampling.outputTokensMax {
            json.field(
                quirks.contains(.legacyMaxTokens)
                    ? ChatWire.maxTokens : ChatWire.maxCompletionTokens, bound)
        }
        if let value = sampling.seed { json.field(ChatWire.seed, value) }
        if kind == .thinking { return dropSampling(sampling) }
        if let value = sampling.temperature { json.field(ChatWire.temperature, value) }
        if let value = sampling.topP { json.field(ChatWire.topP, value) }
        if let value = sampling.topK {
            if isSambaNova || quirks.contains(.topK) {
                json.field(ChatWire.topK, value)
            } else {
                drop(.topK)
            }
        }
        if let value = sampling.presencePenalty { json.field(ChatWire.presencePenalty, value) }
        if let value = sampling.frequencyPenalty { json.field(ChatWire.frequencyPenalty, value) }
        if !sampling.stop.isEmpty {
            json.beginArray(ChatWire.stop)
            for stop in sampling.stop { json.value(stop) }
            json.endArray()
        }
        if let bias = sampling.logitBias { json.field(ChatWire.logitBias, bias) }
        // The model in the middle has no word for those of the answer.
        if sampling.wantsLogprobs || sampling.topLogprobs != nil { drop(.logprobs) }
    }

    /// A thinking model refuses all but the default, and each of these by its name.
    private mutating func dropSampling(_ sampling: Sampling) {
        if let value = sampling.temperature, value != 1 { drop(.temperature) }
        if let value = sampling.topP, value != 1 { drop(.topP) }
        if sampling.topK != nil { drop(.topK) }
        if sampling.presencePenalty != nil { drop(.presencePenalty) }
        if sampling.frequencyPenalty != nil { drop(.frequencyPenalty) }
        if !sampling.stop.isEmpty { drop(.stop) }
        if sampling.logitBias != nil { drop(.logitBias) }
        if sampling.wantsLogprobs || sampling.topLogprobs != nil { drop(.logprobs) }
    }

    // MARK: Tools

    private mutating func writeTools(to json: inout JSONWriter) {
        guard !request.tools.isEmpty else { return }
        // A server that does not know the choice among some is offered only those.
        let offered = isSambaNova ? request.toolChoice?.allowed : nil
        json.beginArray(ChatWire.tools)
        for (index, tool) in request.tools.enumerated() {
            if let offered, !offered.contains(where: { $0 == tool.name }) { continue }
            write(tool, at: index, to: &json)
        }
        json.endArray()
        if let choice = request.toolChoice { write(choice, to: &json) }
        if let allows = request.allowsParallelCalls {
            json.field(ChatWire.parallelToolCalls, allows)
        }
    }

    private mutating func write(
        _ tool: ToolDefinition, at index: Int, to json: inout JSONWriter
    ) {
        let word: StaticString
        switch tool.kind {
        case .function: word = ChatWire.function
        case .custom:
            word = ChatWire.custom
            if isSambaNova { refuse("A custom tool", at: "tools[\(index)]") }
        case .foreign(.chat, let value): return json.value(value)
        case .foreign:
            return refuse("This tool", at: "tools[\(index)]")
        }
        json.beginObject()
        json.field(ChatWire.type, word)
        json.beginObject(word)
        json.field(ChatWire.name, tool.name)
        if let text = tool.description { json.field(ChatWire.description, text) }
        switch tool.kind {
        case .function(let parameters?): json.field(ChatWire.parameters, parameters)
        case .custom(let format?): json.field(ChatWire.format, format)
        default: break
        }
        if let isStrict = tool.isStrict {
            if !isSambaNova {
                json.field(ChatWire.strict, isStrict)
            } else if isStrict {
                drop(.strictTools)
            }
        }
        json.endObject()
        write(cacheControl: tool.cacheControl, to: &json)
        json.endObject()
    }

    mutating func write(cacheControl mark: JSONValue?, to json: inout JSONWriter) {
        guard let mark else { return }
        if quirks.contains(.cacheControl) {
            json.field(ChatWire.cacheControl, mark)
        } else {
            drop(.cacheControl)
        }
    }

    private func write(_ choice: ToolChoice, to json: inout JSONWriter) {
        json.key(ChatWire.toolChoice)
        if let allowed = choice.allowed, !isSambaNova {
            json.beginObject()
            json.field(ChatWire.type, ChatWire.allowedTools)
            json.beginObject(ChatWire.allowedTools)
            json.key(ChatWire.mode)
            writeMode(choice.mode, to: &json)
            json.beginArray(ChatWire.tools)
            for name in allowed { writeNamed(name, to: &json) }
            json.endArray()
            json.endObject()
            json.endObject()
        } else if case .named(let name) = choice.mode {
            writeNamed(name, to: &json)
        } else {
            writeMode(choice.mode, to: &json)
        }
    }

    private func writeMode(_ mode: ToolChoice.Mode, to json: inout JSONWriter) {
        switch mode {
        case .auto: json.value(ChatWire.auto)
        case .none: json.value(ChatWire.none)
        case .required, .named: json.value(ChatWire.required)
        }
    }

    private func writeNamed(_ name: ByteSlice, to json: inout JSONWriter) {
        let isCustom = request.tools.contains { tool in
            if case .custom = tool.kind { tool.name == name } else { false }
        }
        let word = isCustom ? ChatWire.custom : ChatWire.function
        json.beginObject()
        json.field(ChatWire.type, word)
        json.beginObject(word)
        json.field(ChatWire.name, name)
        json.endObject()
        json.endObject()
    }

    // MARK: The rest

    private func writeOutput(_ format: OutputFormat, to json: inout JSONWriter) {
        switch format {
        case .text: break
        case .json:
            json.beginObject(ChatWire.responseFormat)
            json.field(ChatWire.type, ChatWire.jsonObject)
            json.endObject()
        case .schema(let output):
            json.beginObject(ChatWire.responseFormat)
            json.field(ChatWire.type, ChatWire.jsonSchema)
            json.beginObject(ChatWire.jsonSchema)
            json.field(ChatWire.name, output.name)
            if let text = output.description { json.field(ChatWire.description, text) }
            if let schema = output.schema { json.field(ChatWire.schema, schema) }
            if let isStrict = output.isStrict { json.field(ChatWire.strict, isStrict) }
            json.endObject()
            json.endObject()
        }
    }

    private mutating func writeReasoning(to json: inout JSONWriter) {
        guard let reasoning = request.reasoning else { return }
        guard let effort = reasoning.effort ?? reasoning.budgetTokens.map(Self.effort) else {
            return drop(.reasoning)
        }
        if kind == .plain {
            // It does as asked where thinking is switched off.
            if effort != .none { drop(.reasoning) }
            return
        }
        guard isSambaNova else { return json.field(ChatWire.reasoningEffort, effort.name) }
        switch effort {
        case .none:
            json.beginObject(ChatWire.chatTemplateKwargs)
            json.field(ChatWire.enableThinking, false)
            json.endObject()
        case .minimal, .low: json.field(ChatWire.reasoningEffort, Effort.low.name)
        case .medium: json.field(ChatWire.reasoningEffort, Effort.medium.name)
        case .high, .xhigh, .max: json.field(ChatWire.reasoningEffort, Effort.high.name)
        }
    }

    private typealias Effort = ReasoningRequest.Effort

    /// The effort that a budget of tokens amounts to, where only efforts can be asked for.
    private static func effort(budget: Int) -> Effort {
        switch budget {
        case ...0: .none
        case ...2048: .low
        case ...8192: .medium
        default: .high
        }
    }

    /// The dialect's own go back as they were. Of other dialects' none is meant alike.
    private mutating func writeExtras(to json: inout JSONWriter) {
        let isOwn = request.extras.dialect == .chat
        for member in request.extras.members {
            let isKnown =
                !isSambaNova || member.name == ChatWire.chatTemplateKwargs
                || member.name == ChatWire.doSample
            // What was written above must not come twice.
            let isTold =
                member.name == ChatWire.chatTemplateKwargs && isSambaNova
                && request.reasoning?.isOff == true
            if isOwn, isKnown, !isTold {
                json.key(member.name)
                json.value(member.value)
            } else {
                droppedExtras.append(member.name)
            }
        }
    }
}
