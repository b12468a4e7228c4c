import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct EmbeddingVectorsTests {
    private func decode(_ data: String, inputs: Int = 1) throws(Failure) -> [[Float]] {
        let context = ProviderContext(
            model: .empty, arena: JSONArena(bytesMax: 0), ids: IDSource(seed: 1))
        var outcome: Result<[[Float]], Failure> = .success([])
        "{\"data\":\(data)}".withByteSlice { body in
            do throws(Failure) {
                outcome = .success(
                    try EmbeddingCodec.openAI.decode(body, inputCount: inputs, context).vectors)
            } catch { outcome = .failure(error) }
        }
        return try outcome.get()
    }

    @Test func readsNumbersAndBase64Alike() throws {
        #expect(try decode(#"[{"embedding":[1,-2.5,1e-3]}]"#) == [[1, -2.5, 0.001]])
        // 1.0 and -2.5, little-endian.
        #expect(try decode(#"[{"embedding":"AACAPwAAIMA="}]"#) == [[1, -2.5]])
    }

    @Test func putsThemInTheirPlaces() throws {
        let data = #"[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]"#
        #expect(try decode(data, inputs: 2) == [[1], [2]])
        #expect(try decode(#"[{"embedding":[1]},{"embedding":[2]}]"#, inputs: 2) == [[1], [2]])
    }

    @Test(arguments: [
        "[]", "{}", "[1]", "[{}]", #"[{"embedding":[]}]"#, #"[{"embedding":["1"]}]"#,
        #"[{"embedding":{}}]"#, #"[{"embedding":[1e39]}]"#, #"[{"embedding":"AA=="}]"#,
        #"[{"embedding":"????"}]"#, #"[{"embedding":"AADAfw=="}]"#, #"[{"embedding":""}]"#,
        #"[{"embedding":[1]},{"embedding":[1]}]"#, #"[{"index":1,"embedding":[1]}]"#,
        #"[{"index":-1,"embedding":[1]}]"#,
        #"[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]"#,
    ])
    func refuses(_ data: String) {
        #expect { try decode(data) } throws: { ($0 as? Failure)?.kind == .upstreamMalformed }
    }

    @Test func isBounded() {
        let vector = "[" + String(repeating: "0,", count: 1 << 20) + "0]"
        let data = (0..<9).map { "{\"index\":\($0),\"embedding\":\(vector)}" }
        let all = "[\(data.joined(separator: ","))]"
        #expect { try decode(all, inputs: 9) } throws: {
            ($0 as? Failure)?.message.contains("more than 8388608") == true
        }
    }
}
