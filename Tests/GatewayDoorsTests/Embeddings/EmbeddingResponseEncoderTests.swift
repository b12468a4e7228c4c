import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct EmbeddingResponseEncoderTests {
    private func encoded(
        _ response: EmbeddingResponse, _ format: EmbeddingRequest.Format
    ) -> String {
        var buffer = ByteBuffer()
        EmbeddingResponseEncoder.encode(
            response, as: format,
            AnswerContext(
                requestID: ByteSlice("req_0a"), requestedModel: ByteSlice("fast"),
                createdSeconds: 7, wantsUsage: false), to: &buffer)
        return buffer.string
    }

    @Test func writesNumbers() {
        var usage = Usage()
        usage.inputTokens = 2
        let response = EmbeddingResponse(
            vectors: [[0.1, -2.5], [1e-7]], model: ByteSlice("e"), usage: usage)
        #expect(
            encoded(response, .float)
                == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2.5]},{"object":"embedding","index":1,"embedding":[1e-07]}],"model":"e","usage":{"prompt_tokens":2,"total_tokens":2}}"#
        )
    }

    @Test func writesBase64() {
        let response = EmbeddingResponse(vectors: [[1, -2.5]])
        #expect(
            encoded(response, .base64)
                == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAIMA="}],"model":"fast","usage":{"prompt_tokens":0,"total_tokens":0}}"#
        )
    }

    @Test func bothFormsSayTheSame() throws {
        var random = SeededRandom(seed: 9)
        let vector = (0..<200).map { _ in Float.random(in: -1...1, using: &random) }
        let response = EmbeddingResponse(vectors: [vector])
        let arena = JSONArena()
        try encoded(response, .float).withByteSlice { json in
            let tree = try arena.read(json)
            var elements = try #require(tree.root["data"]).elements
            let numbers = try #require(elements.next()?["embedding"]).elements.compactMap {
                $0.double.map { Float($0) }
            }
            #expect(numbers == vector)
        }
        try encoded(response, .base64).withByteSlice { json in
            let tree = try arena.read(json)
            var elements = try #require(tree.root["data"]).elements
            let text = try #require(elements.next()?["embedding"]?.string)
            var bytes = ByteBuffer()
            #expect(Base64.standard.decode(text, into: &bytes))
            let numbers = (0..<200).map { place in
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.slice.raw.loadUnaligned(
                            fromByteOffset: place * 4, as: UInt32.self)))
            }
            #expect(numbers == vector)
        }
    }
}
