// SalesforceEmbeddings.swift — embeddings of Salesforce's Models API, both ways. Whatever surface
// serves the other models, vectors come from this one (Models REST API reference, embeddings).
// Pure; borrows the request and the body. Imported by EmbeddingCatalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum SalesforceEmbeddings {
    static func encode(
        _ request: EmbeddingRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        if let index = request.firstTokenInput {
            throw Failure(
                .unsupportedParameter, "Salesforce's models embed texts, not tokens.",
                parameter: request.place(ofInput: index))
        }
        // Left out in silence, vectors would come that do not fit where they are kept.
        if request.dimensions != nil {
            throw Failure(
                .unsupportedParameter, "Salesforce's models cannot be asked for 'dimensions'.",
                parameter: "\(EmbeddingWire.dimensions)")
        }
        call.target.append(SalesforceWire.modelsPath)
        call.target.append(pathSegment: context.model)
        call.target.append(SalesforceWire.embeddings)
        call.fields.append(SalesforceWire.headerFields)
        call.codec = .salesforce
        call.body.writeJSON { json in
            json.beginObject()
            json.beginArray(SalesforceWire.input)
            for case .text(let text) in request.inputs { json.value(text) }
            json.endArray()
            json.endObject()
        }
        if request.user != nil { call.drop(.user) }
        for member in request.extras.members { call.drop(extra: member.name) }
    }

    static func decode(
        _ body: ByteSlice, inputCount: Int, _ context: ProviderContext
    ) throws(Failure) -> EmbeddingResponse {
        try EmbeddingVectors.withTree(body, context) { (root) throws(Failure) in
            guard let list = root[SalesforceWire.embeddingList], list.kind == .array else {
                if root[SalesforceWire.error] != nil || root[SalesforceWire.errorCode] != nil {
                    throw Failure(.upstreamFault, SalesforceErrorDecoder.message(in: root))
                }
                throw EmbeddingVectors.malformed("it has no 'embeddings'")
            }
            var vectors = EmbeddingVectors(count: inputCount)
            for (place, element) in list.elements.enumerated() {
                guard let vector = element[SalesforceWire.embedding] else {
                    throw EmbeddingVectors.malformed("an element without a vector")
                }
                try vectors.put(vector, at: element[SalesforceWire.index]?.int ?? place)
            }
            let about = root[SalesforceWire.parameters]
            return EmbeddingResponse(
                vectors: try vectors.finish(),
                model: about?[SalesforceWire.model]?.string ?? .empty,
                usage: usage(about?[SalesforceWire.usage]))
        }
    }

    private static func usage(_ value: JSONValue?) -> Usage? {
        guard let value else { return nil }
        for name in SalesforceWire.inputTokens {
            guard let count = value[name]?.int else { continue }
            var usage = Usage()
            usage.inputTokens = max(0, min(count, 1 << 48))
            usage.totalTokens = usage.inputTokens
            return usage
        }
        return nil
    }
}
