// SalesforceModelsEncoder.swift — a request to the surface `models`: roles and strings, no stream,
// no tools, no sampling (Models REST API reference, chat-generations).
// Pure. Only SalesforceProvider uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

struct SalesforceModelsEncoder {
    private let provider: SalesforceProvider
    private let request: ModelRequest
    private let context: ProviderContext

    init(_ provider: SalesforceProvider, _ request: ModelRequest, _ context: ProviderContext) {
        self.provider = provider
        self.request = request
        self.context = context
    }

    func encode(into call: inout ProviderCall) throws(Failure) {
        try refuseTools()
        try refuseFormats()
        noteSampling(&call)
        call.target.append(SalesforceWire.modelsPath)
        call.target.append(pathSegment: context.model)
        call.target.append(SalesforceWire.chatGenerations)
        call.codec = .salesforce
        var text = ByteBuffer()
        var body = ByteBuffer()
        body.append("{\"messages\":[" as StaticString)
        for (index, message) in request.messages.enumerated() {
            text.removeAll()
            try SalesforceText.append(message, at: index, of: request, call: &call, to: &text)
            if index > 0 { body.append(ASCII.comma) }
            body.writeJSON { json in
                json.beginObject()
                json.field(SalesforceWire.role, Self.role(message.role))
                json.field(SalesforceWire.content, text.slice)
                json.endObject()
            }
        }
        body.append(UInt8(ascii: "]"))
        SalesforceExtras.append(of: request, provider, call: &call, to: &body)
        body.append(ASCII.closeBrace)
        call.body.append(body.slice)
    }

    private static func role(_ role: Message.Role) -> StaticString {
        switch role {
        case .system, .developer: SalesforceWire.system
        case .user, .tool: SalesforceWire.user
        case .assistant: SalesforceWire.assistant
        }
    }

    private func refuseTools() throws(Failure) {
        if !request.tools.isEmpty { throw Self.refusal("tools", "tools") }
        for (index, message) in request.messages.enumerated() {
            if message.role == .tool {
                throw Self.refusal("messages of the role `tool`", "messages[\(index)].role")
            }
            for part in request.parts(of: message) {
                if case .toolCall = part.content {
                    throw Self.refusal("tool calls", "messages[\(index)].tool_calls")
                }
            }
        }
    }

    private func refuseFormats() throws(Failure) {
        switch request.output {
        case .text: return
        case .json, .schema:
            throw Self.refusal("an output format", "response_format")
        }
    }

    private static func refusal(_ what: String, _ parameter: String) -> Failure {
        Failure(
            .unsupportedParameter,
            "Salesforce's Models API takes text only, and not \(what); the surface `llm-gateway` "
                + "does.",
            parameter: parameter)
    }

    /// This surface has no words for how an answer is drawn: that is set in a configured model.
    private func noteSampling(_ call: inout ProviderCall) {
        let sampling = request.sampling
        if sampling.temperature != nil { call.drop(.temperature) }
        if sampling.outputTokensMax != nil { call.drop(.outputTokensMax) }
        if !sampling.stop.isEmpty { call.drop(.stop) }
        if sampling.frequencyPenalty != nil { call.drop(.frequencyPenalty) }
        if sampling.presencePenalty != nil { call.drop(.presencePenalty) }
        SalesforceExtras.noteSampling(sampling, &call)
        SalesforceExtras.noteRest(of: request, &call)
    }
}
