// GeminiRequestEncoder.swift — a request in the words of generateContent.
// Pure; allocates only for tool results and signatures. One a request; its aspects are extensions:
// contents, media, tools, generation, extras. What is dropped and refused: docs/wire-fidelity.md.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Writes one request.
struct GeminiRequestEncoder {
    let request: ModelRequest
    let context: ProviderContext
    let capabilities: GeminiCapabilities
    let host: GeminiProvider.Host

    private var dropped = ParameterSet()
    private var droppedExtras: [ByteSlice] = []

    /// So many stop texts are taken.
    static let stopCountMax = 5
    static let candidateCountMax = 8

    init(
        _ request: ModelRequest, _ context: ProviderContext, _ capabilities: GeminiCapabilities,
        host: GeminiProvider.Host
    ) {
        self.request = request
        self.context = context
        self.capabilities = capabilities
        self.host = host
    }

    mutating func encode(into call: inout ProviderCall) throws(Failure) {
        noteWhatHasNoWord()
        var failure: Failure?
        call.body.writeJSON { json in
            do throws(Failure) {
                json.beginObject()
                try writeSystem(&json)
                try writeContents(&json)
                try writeTools(&json)
                try writeGeneration(&json)
                writeExtras(&json)
                json.endObject()
            } catch { failure = error }
        }
        if let failure { throw failure }
        dropped.forEach { call.drop($0) }
        for name in droppedExtras { call.drop(extra: name) }
    }

    mutating func drop(_ parameter: Parameter) { dropped.insert(parameter) }

    mutating func drop(extra name: ByteSlice) { droppedExtras.append(name) }

    private mutating func noteWhatHasNoWord() {
        if request.sampling.logitBias != nil { drop(.logitBias) }
        if request.allowsParallelCalls == false, !request.tools.isEmpty { drop(.parallelToolCalls) }
        // Asked for or not, the model in the middle has no word for those of the answer.
        if request.sampling.wantsLogprobs { drop(.logprobs) }
        for message in request.messages where message.name != nil { drop(.participantName) }
        for part in request.parts where part.cacheControl != nil { drop(.cacheControl) }
        for tool in request.tools where tool.cacheControl != nil { drop(.cacheControl) }
    }

    /// A failure that names one part of a message.
    static func failure(
        _ kind: Failure.Kind, _ text: String, message: Int, part: Int? = nil
    ) -> Failure {
        let content = part.map { ".content[\($0)]" } ?? ""
        return Failure(kind, text, parameter: "messages[\(message)]\(content)")
    }
}
