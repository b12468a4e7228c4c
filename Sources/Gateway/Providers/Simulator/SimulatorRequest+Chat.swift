// SimulatorRequest+Chat.swift — the body of a chat completion: messages, tools, output format.

import GatewayCodec
import ReactorCore

extension SimulatorRequest {
    static let toolsMax = 128
    static let toolNameBytesMax = 64
    /// How much of the last user message is searched for the names of tools.
    static let mentionBytesMax = 64 << 10

    mutating func readChat(
        _ top: SimulatorFields, _ settings: borrowing SimulatorSettings
    ) throws(SimulatorRefusal) {
        let messages = try SimulatorMessages(top)
        promptTokens =
            Self.tokens(inBytes: messages.textBytes) + messages.count * Self.tokensPerMessage
        for text in messages.lastUserTexts { season(with: text) }
        try readSampling(top)
        tokensMax = try top.int("max_completion_tokens", in: 1 ... .max) ?? tokensMax
        let logprobs = try top.bool("logprobs") ?? false
        if try top.int("top_logprobs", in: 0...20) != nil, !logprobs {
            throw .invalid("top_logprobs", "goes only with 'logprobs': true")
        }
        _ = try top.fields("metadata")
        _ = try top.fields("logit_bias")
        let parallel = try top.bool("parallel_tool_calls") ?? true
        let format = try outputFormat(top)
        let tools = try SimulatorTools(top)
        if let picked = tools.pick(for: messages, behavior) {
            let second = parallel && behavior == .twoTools ? tools.neighbour(of: picked) : nil
            content = .calls(keepCall(picked), second.map { keepCall($0) })
        } else if let format {
            content = .text(keepSample(of: format))
        } else if settings.mode == .echo || behavior == .echo {
            content = .text(keepLastUserText(messages))
        }
    }

    /// The schema that the answer must fit, if one is asked for.
    private func outputFormat(_ top: SimulatorFields) throws(SimulatorRefusal) -> JSONValue? {
        guard let format = try top.fields("response_format") else { return nil }
        let type = try format.requiredString("type")
        if type == "text" { return nil }
        // An object that describes nothing stands for "any object".
        if type == "json_object" { return format.object }
        guard type == "json_schema" else {
            throw .invalid(
                "response_format.type", "must be 'text', 'json_object' or 'json_schema'")
        }
        let spec = try SimulatorFields(
            try format.required("json_schema"), at: .member("response_format.json_schema"))
        let name = try spec.requiredString("name")
        guard SimulatorTools.isName(name) else {
            throw .invalid("response_format.json_schema.name", SimulatorTools.nameRule)
        }
        guard let schema = spec["schema"] else { return format.object }
        guard schema.kind == .object else {
            throw .wrongType(
                "response_format.json_schema.schema", expected: "an object", got: schema)
        }
        return schema
    }

    private mutating func keepCall(_ tool: SimulatorTools.Tool) -> Call {
        let name = keep(tool.name)
        let arguments =
            tool.parameters.map { keepSample(of: $0) } ?? keep(ByteSlice("{}" as StaticString))
        return Call(name: name, arguments: arguments)
    }

    private mutating func keepSample(of schema: JSONValue) -> Range<Int> {
        let start = kept.count
        if schema["properties"] == nil, schema["$ref"] == nil, schema["anyOf"] == nil {
            kept.append(ByteSlice(#"{}"# as StaticString))
        } else {
            var sample = SimulatorSample(root: schema)
            kept.writeJSON { json in sample.write(into: &json) }
        }
        return start..<kept.count
    }

    private mutating func keepLastUserText(_ messages: SimulatorMessages) -> Range<Int> {
        let start = kept.count
        for text in messages.lastUserTexts {
            let room = Self.echoBytesMax - (kept.count - start)
            guard room > 0 else { break }
            if kept.count > start { kept.append(ASCII.lf) }
            _ = keepText(text)
        }
        return start..<kept.count
    }
}
