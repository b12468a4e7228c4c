// EmbeddingResponseEncoder.swift — vectors as an answer of OpenAI's embeddings.
// Pure. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum EmbeddingResponseEncoder {
    /// Appends the body of an answer.
    package static func encode(
        _ response: EmbeddingResponse, as format: EmbeddingRequest.Format,
        _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        buffer.reserve(roomFor(response, format))
        var scratch = ByteBuffer()
        buffer.writeJSON { json in
            json.beginObject()
            json.field(EmbeddingWire.object, EmbeddingWire.list)
            json.beginArray(EmbeddingWire.data)
            for (index, vector) in response.vectors.enumerated() {
                json.beginObject()
                json.field(EmbeddingWire.object, EmbeddingWire.embedding)
                json.field(EmbeddingWire.index, index)
                json.key(EmbeddingWire.embedding)
                write(vector, as: format, &scratch, to: &json)
                json.endObject()
            }
            json.endArray()
            json.key(EmbeddingWire.model)
            if response.model.isEmpty {
                json.value(context.requestedModel)
            } else {
                response.model.withUnsafeBytes { json.value(ByteSlice($0)) }
            }
            // Clients read it without asking whether it is there.
            let usage = response.usage ?? Usage()
            json.beginObject(EmbeddingWire.usage)
            json.field(EmbeddingWire.promptTokens, usage.inputTokens)
            json.field(
                EmbeddingWire.totalTokens,
                usage.totalTokens == 0 ? usage.inputTokens : usage.totalTokens)
            json.endObject()
            json.endObject()
        }
    }

    private static func write(
        _ vector: [Float], as format: EmbeddingRequest.Format, _ scratch: inout ByteBuffer,
        to json: inout JSONWriter
    ) {
        switch format {
        case .float:
            json.beginArray()
            for value in vector { json.value(value) }
            json.endArray()
        case .base64:
            scratch.removeAll()
            for value in vector {
                withUnsafeBytes(of: value.bitPattern.littleEndian) {
                    scratch.append(ByteSlice($0))
                }
            }
            let bytes = scratch.slice
            json.string { Base64.standard.encode(bytes, into: &$0) }
        }
    }

    /// About what the vectors take, so that a large answer is not moved as it grows.
    private static func roomFor(
        _ response: EmbeddingResponse, _ format: EmbeddingRequest.Format
    ) -> Int {
        let values = response.vectors.reduce(0) { $0 + $1.count }
        return values * (format == .float ? 14 : 6) + response.vectors.count * 64 + 256
    }
}
