// SambaNovaWebProvider.swift — the web session of SambaNova: an OpenAI chat body in an envelope,
// answered by a stream always. Private to the site and not verified against it; opt-in.
// Pure. Named in Catalog; lies beside the dialects' folders because it wraps another.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package struct SambaNovaWebProvider: Sendable {
    /// Names this process to the site: a prefix and 20 hexadecimal digits.
    package var fingerprint: String
    /// Path and query of the completion call.
    package var target: String

    /// What the site's own page asks for where its user says nothing.
    private static let tokensMax = 7168
    static let pace = ModelPace(outputTokensMax: tokensMax)

    package init(fingerprint: String, target: String) {
        self.fingerprint = fingerprint
        self.target = target
    }

    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        try refuse(request)
        let inner = pared(request, &call)
        var chat = ProviderCall()
        try OpenAIProvider(quirks: [.legacyMaxTokens, .systemForDeveloper, .bareMessages])
            .encode(inner, context, into: &chat)
        chat.dropped.forEach { call.drop($0) }
        let samples = (inner.sampling.temperature ?? 0) > 0
        call.body.append("{\"body\":{\"do_sample\":" as StaticString)
        call.body.append(samples ? "true," : "false," as StaticString)
        call.body.append(chat.body.slice.dropFirst(1))
        call.body.append(",\"env_type\":\"" as StaticString)
        call.body.append(Self.environment(of: request))
        call.body.append("\",\"fingerprint\":" as StaticString)
        call.body.writeJSON { $0.value(text: fingerprint) }
        call.body.append(ASCII.closeBrace)
        call.target.append(target)
        call.streams = true
        call.codec = .chat
    }

    /// The request in what the page itself asks for, and nothing else.
    private func pared(_ request: ModelRequest, _ call: inout ProviderCall) -> ModelRequest {
        var pared = request
        pared.streams = true
        pared.wantsUsage = true
        var sampling = Sampling()
        sampling.temperature = request.sampling.temperature ?? 0
        sampling.outputTokensMax = request.sampling.outputTokensMax ?? Self.tokensMax
        sampling.stop = request.sampling.stop
        if sampling.stop.isEmpty { sampling.stop = [ByteSlice(SambaNovaWebWire.endOfTurn)] }
        pared.sampling = sampling
        let asked = request.sampling
        if asked.topP != nil { call.drop(.topP) }
        if asked.topK != nil { call.drop(.topK) }
        if asked.seed != nil { call.drop(.seed) }
        if asked.presencePenalty != nil { call.drop(.presencePenalty) }
        if asked.frequencyPenalty != nil { call.drop(.frequencyPenalty) }
        if asked.wantsLogprobs || asked.topLogprobs != nil { call.drop(.logprobs) }
        if asked.logitBias != nil { call.drop(.logitBias) }
        if pared.reasoning.map({ !$0.isOff }) ?? false { call.drop(.reasoning) }
        pared.reasoning = nil
        if pared.user != nil { call.drop(.user) }
        pared.user = nil
        for member in request.extras.members { call.drop(extra: member.name) }
        pared.extras = Extras()
        pared.allowsParallelCalls = nil
        pared.toolChoice = nil
        return pared
    }

    /// The page has no tools and asks for one text.
    private func refuse(_ request: ModelRequest) throws(Failure) {
        if !request.tools.isEmpty { throw Self.refusal("tools", "tools") }
        if request.choiceCount != 1 { throw Self.refusal("several answers", "n") }
        switch request.output {
        case .text: break
        case .json, .schema: throw Self.refusal("output formats", "response_format")
        }
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

    private static func refusal(_ what: String, _ parameter: String) -> Failure {
        Failure(
            .unsupportedParameter, "SambaNova's web session does not know \(what).",
            parameter: parameter)
    }

    private static func environment(of request: ModelRequest) -> StaticString {
        var environment: StaticString = SambaNovaWebWire.text
        for part in request.parts {
            switch part.content {
            case .image: environment = SambaNovaWebWire.vision
            case .audio: return SambaNovaWebWire.audio
            default: break
            }
        }
        return environment
    }
}
