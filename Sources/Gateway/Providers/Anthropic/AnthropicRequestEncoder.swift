// AnthropicRequestEncoder.swift — a request in the words of Anthropic's Messages.
// Pure. Imported by Catalog. First what cannot be said is refused, then the rest is planned, then
// written in one go.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension AnthropicProvider {
    /// Writes `request`. The target is left to the host where the flavour has its own.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        let capabilities = capabilities(of: context.model)
        try AnthropicRequestCheck(request: request, flavour: flavour, capabilities: capabilities)
            .run()
        let plan = AnthropicRequestPlan(request, capabilities, &call)
        if request.extras.dialect == .messages {
            for member in request.extras.members where !takes(member.name) {
                call.drop(extra: member.name)
            }
        }
        call.streams = request.streams
        call.codec = .messages(isAnswerInTool: plan.isAnswerInTool)
        if flavour == .native {
            call.target.append(MessagesWire.target)
            appendFields(to: &call.fields)
        }
        let writer = AnthropicRequestWriter(
            request: request, plan: plan, provider: self, model: context.model)
        call.body.writeJSON { writer.write(&$0) }
    }

    /// Whether a member of the dialect's own may be told. On other hosts' surfaces the client's betas
    /// do not arrive, and what needs one is refused without.
    func takes(_ member: ByteSlice) -> Bool {
        flavour == .native || !betas.isEmpty
            || !MessagesWire.betaMembers.contains { member == $0 }
    }

    /// Version and betas, for the relay lane too.
    /// - Parameter hasVersion: whether a version has been said already.
    package func appendFields(hasVersion: Bool = false, to fields: inout ByteBuffer) {
        if !hasVersion {
            fields.append(MessagesWire.versionField)
            fields.append(": " as StaticString)
            fields.append(effectiveVersion)
            fields.append("\r\n" as StaticString)
        }
        guard !betas.isEmpty else { return }
        fields.append(MessagesWire.betaField)
        fields.append(": " as StaticString)
        fields.append(betas.joined(separator: ","))
        fields.append("\r\n" as StaticString)
    }
}

/// Writes one body.
struct AnthropicRequestWriter {
    let request: ModelRequest
    let plan: AnthropicRequestPlan
    let provider: AnthropicProvider
    let model: ByteSlice

    func write(_ json: inout JSONWriter) {
        json.beginObject()
        if provider.flavour == .native {
            json.field(MessagesWire.model, model)
        } else {
            json.field(MessagesWire.anthropicVersion, text: provider.effectiveVersion)
            writeBetas(&json)
        }
        json.field(MessagesWire.maxTokens, plan.outputTokensMax)
        writeSystem(&json)
        writeMessages(&json)
        writeTools(&json)
        writeSampling(&json)
        writeThinking(&json)
        writeOutput(&json)
        if let user = request.user, !user.isEmpty {
            json.beginObject(MessagesWire.metadata)
            json.field(MessagesWire.userID, user)
            json.endObject()
        }
        if request.extras.dialect == .messages {
            for member in request.extras.members where provider.takes(member.name) {
                json.key(member.name)
                json.value(member.value)
            }
        }
        if request.streams, provider.flavour != .bedrock { json.field(MessagesWire.stream, true) }
        json.endObject()
    }

    private func writeBetas(_ json: inout JSONWriter) {
        guard !provider.betas.isEmpty else { return }
        json.beginArray(MessagesWire.anthropicBeta)
        for beta in provider.betas { json.value(text: beta) }
        json.endArray()
    }

    private func writeSampling(_ json: inout JSONWriter) {
        if let temperature = plan.temperature { json.field(MessagesWire.temperature, temperature) }
        if let topP = plan.topP { json.field(MessagesWire.topP, topP) }
        if let topK = plan.topK { json.field(MessagesWire.topK, topK) }
        let stops = request.sampling.stop.filter { !$0.isBlank }
        guard !stops.isEmpty else { return }
        json.beginArray(MessagesWire.stopSequences)
        for stop in stops { json.value(stop) }
        json.endArray()
    }

    private func writeThinking(_ json: inout JSONWriter) {
        typealias Word = MessagesWire.Thinking
        guard plan.thinking != .unsaid else { return }
        json.beginObject(MessagesWire.thinking)
        switch plan.thinking {
        case .unsaid: break
        case .disabled: json.field(MessagesWire.type, Word.disabled)
        case .budget(let tokens):
            json.field(MessagesWire.type, Word.enabled)
            json.field(MessagesWire.budgetTokens, tokens)
        case .adaptive:
            json.field(MessagesWire.type, Word.adaptive)
            if let isShown = plan.isShown {
                json.field(MessagesWire.display, isShown ? Word.summarized : Word.omitted)
            }
        }
        json.endObject()
    }

    private func writeOutput(_ json: inout JSONWriter) {
        var schema: JSONValue?
        if case .schema(let wanted) = plan.output { schema = wanted }
        guard plan.effort != nil || schema != nil else { return }
        json.beginObject(MessagesWire.outputConfig)
        if let effort = plan.effort { json.field(MessagesWire.effort, effort.name) }
        if let schema {
            json.beginObject(MessagesWire.format)
            json.field(MessagesWire.type, MessagesWire.jsonSchema)
            json.field(MessagesWire.schema, schema)
            json.endObject()
        }
        json.endObject()
    }
}
