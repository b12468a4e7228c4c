// ChatRequestDecoder.swift — a chat completion request as what it asks of a model.
// Pure; borrows the tree. Imported by Exchange. Messages are in ChatMessageDecoder.swift. It refuses
// what no server could act on; what only some servers refuse is left to them.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum ChatRequestDecoder {
    /// - Throws: a failure for the caller that names the parameter.
    package static func decode(_ root: JSONValue) throws(Failure) -> ModelRequest {
        let fields = try RequestFields(root: root)
        var request = ModelRequest()
        request.extras.dialect = .chat
        request.model = try fields.requiredString(ChatWire.model)
        try ChatMessageDecoder.decode(fields, into: &request)
        request.streams = try fields.bool(ChatWire.stream) ?? false
        if let options = try fields.object(ChatWire.streamOptions) {
            request.wantsUsage =
                try options.bool(ChatWire.includeUsage) ?? false && request.streams
        }
        try readSampling(fields, into: &request)
        try readTools(fields, into: &request)
        try readFormat(fields, into: &request)
        request.choiceCount =
            try fields.int(ChatWire.n, 1...EventOrder.choiceCountMax) ?? 1
        request.user = try fields.string(ChatWire.user)
        if let effort = try fields.string(ChatWire.reasoningEffort) {
            guard let known = ReasoningRequest.Effort(name: effort) else {
                throw fields.at(ChatWire.reasoningEffort).invalid(
                    "must be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'")
            }
            request.reasoning = ReasoningRequest(effort: known)
        }
        for (name, value) in root.members where !value.isNull && !known.contains(name) {
            request.extras.members.append(Extras.Member(name: name, value: value))
        }
        return request
    }

    private static let known = JSONNames(
        ChatWire.model, ChatWire.messages, ChatWire.stream, ChatWire.streamOptions,
        ChatWire.temperature, ChatWire.topP, ChatWire.topK, ChatWire.seed,
        ChatWire.presencePenalty, ChatWire.frequencyPenalty, ChatWire.stop, ChatWire.maxTokens,
        ChatWire.maxCompletionTokens, ChatWire.logprobs, ChatWire.topLogprobs,
        ChatWire.logitBias, ChatWire.tools, ChatWire.toolChoice, ChatWire.parallelToolCalls,
        ChatWire.functions, ChatWire.functionCall, ChatWire.responseFormat, ChatWire.n,
        ChatWire.user, ChatWire.reasoningEffort)

    private static func readSampling(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        var sampling = Sampling()
        sampling.temperature = try fields.number(ChatWire.temperature, 0...2)
        sampling.topP = try fields.number(ChatWire.topP, 0...1)
        // Some clients say so with -1 or 0 that they do not mean any.
        let topK = try fields.int(ChatWire.topK, .min ... .max)
        sampling.topK = topK.flatMap { $0 > 0 ? $0 : nil }
        sampling.seed = try fields.int(ChatWire.seed, .min ... .max)
        sampling.presencePenalty = try fields.number(ChatWire.presencePenalty, -2...2)
        sampling.frequencyPenalty = try fields.number(ChatWire.frequencyPenalty, -2...2)
        let older = try fields.int(ChatWire.maxTokens, 1 ... .max)
        sampling.outputTokensMax =
            try fields.int(ChatWire.maxCompletionTokens, 1 ... .max) ?? older
        sampling.wantsLogprobs = try fields.bool(ChatWire.logprobs) ?? false
        sampling.topLogprobs = try fields.int(ChatWire.topLogprobs, 0...20)
        sampling.logitBias = try fields.object(ChatWire.logitBias)?.value
        if let stop = fields[ChatWire.stop] {
            if let text = stop.string {
                sampling.stop = [text]
            } else {
                guard stop.kind == .array else {
                    throw fields.at(ChatWire.stop).invalid("must be a string or an array of them")
                }
                for (index, element) in stop.elements.enumerated() {
                    guard let text = element.string else {
                        throw fields.at(ChatWire.stop).element(index).invalid("must be a string")
                    }
                    sampling.stop.append(text)
                }
            }
        }
        request.sampling = sampling
    }

    private static func readFormat(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        guard let format = try fields.object(ChatWire.responseFormat) else { return }
        let type = try format.requiredString(ChatWire.type)
        if type == ChatWire.text { return }
        if type == ChatWire.jsonObject {
            request.output = .json
        } else if type == ChatWire.jsonSchema {
            let inner = try format.requiredObject(ChatWire.jsonSchema)
            request.output = .schema(
                OutputSchema(
                    name: try inner.requiredString(ChatWire.name),
                    description: try inner.string(ChatWire.description),
                    schema: try inner.object(ChatWire.schema)?.value,
                    isStrict: try inner.bool(ChatWire.strict)))
        } else {
            throw format.at(ChatWire.type).invalid(
                "must be 'text', 'json_object' or 'json_schema'")
        }
    }

    // MARK: Tools

    /// Reads the tools and nothing else; with the choice among them if that is asked for.
    static func decodeTools(_ root: JSONValue, withChoice: Bool) throws(Failure) -> ModelRequest {
        var request = ModelRequest()
        let fields = try RequestFields(root: root)
        try readDefinitions(fields, into: &request)
        if withChoice { try readChoice(fields, into: &request) }
        return request
    }

    private static func readTools(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        try readDefinitions(fields, into: &request)
        request.allowsParallelCalls = try fields.bool(ChatWire.parallelToolCalls)
        try readChoice(fields, into: &request)
    }

    private static func readDefinitions(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        if let tools = try fields.array(ChatWire.tools) {
            for (index, value) in tools.elements.enumerated() {
                let tool = try RequestFields(
                    value, at: fields.at(ChatWire.tools).element(index))
                request.tools.append(try readTool(tool))
            }
        } else if let functions = try fields.array(ChatWire.functions) {
            for (index, value) in functions.elements.enumerated() {
                let function = try RequestFields(
                    value, at: fields.at(ChatWire.functions).element(index))
                request.tools.append(try readFunction(function))
            }
        }
    }

    private static func readChoice(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        if let choice = fields[ChatWire.toolChoice] {
            request.toolChoice = try readChoice(choice, at: fields.at(ChatWire.toolChoice))
        } else if let choice = fields[ChatWire.functionCall] {
            let place = fields.at(ChatWire.functionCall)
            if choice.string != nil {
                request.toolChoice = ToolChoice(try readMode(choice, at: place))
            } else {
                let name = try RequestFields(choice, at: place).requiredString(ChatWire.name)
                request.toolChoice = ToolChoice(.named(name))
            }
        }
    }

    private static func readTool(_ tool: RequestFields) throws(Failure) -> ToolDefinition {
        let type = try tool.requiredString(ChatWire.type)
        var definition: ToolDefinition
        if type == ChatWire.function {
            definition = try readFunction(try tool.requiredObject(ChatWire.function))
        } else if type == ChatWire.custom {
            let custom = try tool.requiredObject(ChatWire.custom)
            definition = ToolDefinition(
                name: try custom.requiredString(ChatWire.name),
                description: try custom.string(ChatWire.description),
                kind: .custom(format: try custom.object(ChatWire.format)?.value))
        } else {
            // A tool of a provider's own: only that one knows it.
            definition = ToolDefinition(name: type, kind: .foreign(.chat, tool.value))
        }
        definition.cacheControl = tool[ChatWire.cacheControl]
        return definition
    }

    private static func readFunction(_ function: RequestFields) throws(Failure) -> ToolDefinition {
        ToolDefinition(
            name: try function.requiredString(ChatWire.name),
            description: try function.string(ChatWire.description),
            kind: .function(parameters: try function.object(ChatWire.parameters)?.value),
            isStrict: try function.bool(ChatWire.strict))
    }

    private static func readChoice(
        _ choice: JSONValue, at place: RequestPlace
    ) throws(Failure) -> ToolChoice {
        if choice.string != nil { return ToolChoice(try readMode(choice, at: place)) }
        let fields = try RequestFields(choice, at: place)
        let type = try fields.requiredString(ChatWire.type)
        if type == ChatWire.function || type == ChatWire.custom {
            return ToolChoice(.named(try readName(fields)))
        }
        guard type == ChatWire.allowedTools else {
            throw fields.at(ChatWire.type).invalid(
                "must be 'function', 'custom' or 'allowed_tools'")
        }
        let allowed = try fields.requiredObject(ChatWire.allowedTools)
        guard let mode = allowed[ChatWire.mode] else { throw allowed.at(ChatWire.mode).missing }
        guard let tools = try allowed.array(ChatWire.tools) else {
            throw allowed.at(ChatWire.tools).missing
        }
        var names: [ByteSlice] = []
        for (index, tool) in tools.elements.enumerated() {
            names.append(
                try readName(
                    try RequestFields(tool, at: allowed.at(ChatWire.tools).element(index))))
        }
        return ToolChoice(try readMode(mode, at: allowed.at(ChatWire.mode)), allowed: names)
    }

    /// The name inside `function` or `custom`.
    private static func readName(_ fields: RequestFields) throws(Failure) -> ByteSlice {
        if let custom = try fields.object(ChatWire.custom) {
            return try custom.requiredString(ChatWire.name)
        }
        return try fields.requiredObject(ChatWire.function).requiredString(ChatWire.name)
    }

    private static func readMode(
        _ mode: JSONValue, at place: RequestPlace
    ) throws(Failure) -> ToolChoice.Mode {
        let word = mode.string ?? .empty
        if word == ChatWire.auto { return .auto }
        if word == ChatWire.none { return .none }
        if word == ChatWire.required { return .required }
        throw place.invalid("must be 'none', 'auto', 'required' or an object")
    }
}
