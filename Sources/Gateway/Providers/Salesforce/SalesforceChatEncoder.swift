// SalesforceChatEncoder.swift — a request to the LLM gateway's generic chat path, which serves every
// maker's models: streams and tools, text only. Known from client code; not verified live.
// Pure. Only SalesforceProvider uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

struct SalesforceChatEncoder {
    private let provider: SalesforceProvider
    private let request: ModelRequest
    private let context: ProviderContext

    init(_ provider: SalesforceProvider, _ request: ModelRequest, _ context: ProviderContext) {
        self.provider = provider
        self.request = request
        self.context = context
    }

    func encode(into call: inout ProviderCall) throws(Failure) {
        switch request.output {
        case .text: break
        case .json, .schema:
            throw Failure(
                .unsupportedParameter,
                "Salesforce's generic chat path has no output formats but text.",
                parameter: "response_format")
        }
        SalesforceExtras.noteSampling(request.sampling, &call)
        SalesforceExtras.noteRest(of: request, &call)
        call.streams = request.streams
        call.target.append(
            request.streams ? SalesforceWire.gatewayChatStream : SalesforceWire.gatewayChat)
        call.codec = .salesforce
        var body = ByteBuffer()
        body.append("{\"model\":" as StaticString)
        body.append(jsonString: context.model)
        body.append(",\"messages\":[" as StaticString)
        for index in request.messages.indices {
            if index > 0 { body.append(ASCII.comma) }
            try append(messageAt: index, call: &call, to: &body)
        }
        body.append(UInt8(ascii: "]"))
        try appendTools(call: &call, to: &body)
        body.append(",\"system_prompt_strategy\":\"use_model_parameter\"" as StaticString)
        appendSettings(to: &body)
        SalesforceExtras.append(of: request, provider, call: &call, to: &body)
        body.append(ASCII.closeBrace)
        call.body.append(body.slice)
    }

    // MARK: Messages

    private func append(
        messageAt index: Int, call: inout ProviderCall, to body: inout ByteBuffer
    ) throws(Failure) {
        let message = request.messages[index]
        var text = ByteBuffer()
        try SalesforceText.append(message, at: index, of: request, call: &call, to: &text)
        if message.result?.isError == true {
            var marked = ByteBuffer()
            marked.append("Error: " as StaticString)
            marked.append(text.slice)
            text = marked
        }
        body.writeJSON { json in
            json.beginObject()
            json.field(SalesforceWire.role, Self.role(message.role))
            json.field(SalesforceWire.content, text.slice)
            if let result = message.result {
                json.field(SalesforceWire.toolCallID, result.callID)
                let name = result.name ?? request.toolName(ofCall: result.callID) ?? .empty
                json.field(SalesforceWire.toolCallName, name)
            }
            write(callsOf: message, &json)
            json.endObject()
        }
    }

    private func write(callsOf message: Message, _ json: inout JSONWriter) {
        var isOpen = false
        for part in request.parts(of: message) {
            guard case .toolCall(let call) = part.content else { continue }
            if !isOpen { json.beginArray(SalesforceWire.toolInvocations) }
            isOpen = true
            json.beginObject()
            json.field(SalesforceWire.id, call.id)
            json.beginObject(SalesforceWire.function)
            json.field(SalesforceWire.name, call.name)
            json.key(SalesforceWire.arguments)
            switch call.arguments {
            case .text(let text) where text.isEmpty: json.value("{}" as StaticString)
            case .text(let text): json.value(text)
            case .value(let value):
                var arguments = ByteBuffer()
                arguments.writeJSON { $0.value(value) }
                json.value(arguments.slice)
            }
            json.endObject()
            json.endObject()
        }
        if isOpen { json.endArray() }
    }

    private static func role(_ role: Message.Role) -> StaticString {
        switch role {
        case .system, .developer: SalesforceWire.system
        case .user: SalesforceWire.user
        case .assistant: SalesforceWire.assistant
        case .tool: SalesforceWire.tool
        }
    }

    // MARK: Tools

    private func appendTools(
        call: inout ProviderCall, to body: inout ByteBuffer
    ) throws(Failure) {
        guard !request.tools.isEmpty else { return }
        var names: [ByteSlice] = []
        body.append(",\"tools\":[" as StaticString)
        for (index, tool) in request.tools.enumerated() {
            guard case .function(let parameters) = tool.kind else {
                throw Failure(
                    .invalidParameter,
                    "Salesforce's gateway knows tools of the type `function` only: tools[\(index)].",
                    parameter: "tools[\(index)].type")
            }
            if tool.isStrict == true { call.drop(.strictTools) }
            if tool.cacheControl != nil { call.drop(.cacheControl) }
            if index > 0 { body.append(ASCII.comma) }
            names.append(tool.name)
            body.writeJSON { Self.write(tool, parameters, &$0) }
        }
        body.append("],\"tool_config\":" as StaticString)
        body.writeJSON { Self.write(request.toolChoice, &$0) }
    }

    private static func write(
        _ tool: ToolDefinition, _ parameters: JSONValue?, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.field(SalesforceWire.type, SalesforceWire.function)
        json.beginObject(SalesforceWire.function)
        json.field(SalesforceWire.name, tool.name)
        if let description = tool.description {
            json.field(SalesforceWire.description, description)
        }
        json.key(SalesforceWire.parameters)
        if let parameters {
            json.value(parameters)
        } else {
            json.raw(ByteSlice(#"{"type":"object","properties":{}}"# as StaticString))
        }
        json.endObject()
        json.endObject()
    }

    private static func write(_ choice: ToolChoice?, _ json: inout JSONWriter) {
        var allowed = choice?.allowed
        let mode: StaticString
        switch choice?.mode ?? .auto {
        case .auto: mode = SalesforceWire.auto
        case .none: mode = SalesforceWire.none
        case .required: mode = SalesforceWire.any
        case .named(let name):
            mode = SalesforceWire.any
            allowed = [name]
        }
        json.beginObject()
        json.field(SalesforceWire.mode, mode)
        if let allowed, !allowed.isEmpty {
            json.beginArray(SalesforceWire.allowedTools)
            for name in allowed { json.value(name) }
            json.endArray()
        }
        json.endObject()
    }

    // MARK: Settings

    private func appendSettings(to body: inout ByteBuffer) {
        let sampling = request.sampling
        body.append(",\"generation_settings\":" as StaticString)
        body.writeJSON { json in
            json.beginObject()
            json.field(
                SalesforceWire.maxTokens, sampling.outputTokensMax ?? provider.tokensMax)
            json.field(
                SalesforceWire.temperature, sampling.temperature ?? provider.temperature)
            if !sampling.stop.isEmpty {
                json.beginArray(SalesforceWire.stopSequences)
                for stop in sampling.stop { json.value(stop) }
                json.endArray()
            }
            if let penalty = sampling.frequencyPenalty {
                json.field(SalesforceWire.frequencyPenalty, penalty)
            }
            if let penalty = sampling.presencePenalty {
                json.field(SalesforceWire.presencePenalty, penalty)
            }
            json.endObject()
        }
    }
}
