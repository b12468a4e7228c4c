// OpenAIEmbeddings.swift — embeddings in OpenAI's words, both ways.
// Pure; borrows the request and the body. Imported by EmbeddingCatalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum OpenAIEmbeddings {
    static func encode(
        _ request: EmbeddingRequest, _ context: ProviderContext, _ quirks: OpenAIQuirks,
        into call: inout ProviderCall
    ) throws(Failure) {
        let isSambaNova = quirks.contains(.sambaNova)
        if isSambaNova { try refuse(request) }
        call.target.append(EmbeddingWire.target)
        call.codec = .chat
        call.body.writeJSON { json in
            json.beginObject()
            json.field(EmbeddingWire.model, context.model)
            json.key(EmbeddingWire.input)
            if !request.isSingle { json.beginArray() }
            for input in request.inputs {
                switch input {
                case .text(let text): json.value(text)
                case .tokens(let list): json.value(list)
                }
            }
            if !request.isSingle { json.endArray() }
            if let dimensions = request.dimensions {
                json.field(EmbeddingWire.dimensions, dimensions)
            }
            // Numbers are what every server gives without being asked.
            if request.format == .base64, !isSambaNova {
                json.field(EmbeddingWire.encodingFormat, EmbeddingWire.base64)
            }
            if let user = request.user, !isSambaNova { json.field(EmbeddingWire.user, user) }
            for member in request.extras.members where !isSambaNova {
                json.key(member.name)
                json.value(member.value)
            }
            json.endObject()
        }
        guard isSambaNova else { return }
        if request.user != nil { call.drop(.user) }
        for member in request.extras.members { call.drop(extra: member.name) }
    }

    /// SambaNova takes texts and a model's name (its API reference, "Create embeddings").
    private static func refuse(_ request: EmbeddingRequest) throws(Failure) {
        if let index = request.firstTokenInput {
            throw Failure(
                .unsupportedParameter, "SambaNova's models embed texts, not tokens.",
                parameter: request.place(ofInput: index))
        }
        // Left out in silence, vectors would come that do not fit where they are kept.
        if request.dimensions != nil {
            throw Failure(
                .unsupportedParameter, "SambaNova's models cannot be asked for 'dimensions'.",
                parameter: "\(EmbeddingWire.dimensions)")
        }
    }

    static func decode(
        _ body: ByteSlice, inputCount: Int, _ context: ProviderContext
    ) throws(Failure) -> EmbeddingResponse {
        try EmbeddingVectors.withTree(body, context) { (root) throws(Failure) in
            if let reported = ReportedError.read(body: body), root[ErrorWire.error] != nil {
                throw reported.inBandFailure
            }
            guard let data = root[EmbeddingWire.data], data.kind == .array else {
                throw EmbeddingVectors.malformed("it has no 'data'")
            }
            var vectors = EmbeddingVectors(count: inputCount)
            for (place, element) in data.elements.enumerated() {
                guard let vector = element[EmbeddingWire.embedding] else {
                    throw EmbeddingVectors.malformed("an element without a vector")
                }
                try vectors.put(vector, at: element[EmbeddingWire.index]?.int ?? place)
            }
            return EmbeddingResponse(
                vectors: try vectors.finish(),
                model: root[EmbeddingWire.model]?.string ?? .empty,
                usage: usage(root[EmbeddingWire.usage]))
        }
    }

    private static func usage(_ value: JSONValue?) -> Usage? {
        guard let value, let input = value[EmbeddingWire.promptTokens]?.int, input >= 0 else {
            return nil
        }
        var usage = Usage()
        usage.inputTokens = min(input, 1 << 48)
        let total = value[EmbeddingWire.totalTokens]?.int ?? input
        usage.totalTokens = min(max(total, usage.inputTokens), 1 << 48)
        return usage
    }
}
