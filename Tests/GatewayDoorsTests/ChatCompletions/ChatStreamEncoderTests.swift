import FuzzChecks
import GatewayDoors
import ReactorCore
import TestSupport
import Testing

@Suite struct ChatStreamEncoderTests {
    @Test(arguments: FuzzCorpus.inputs(of: "chat-encode"))
    func keepsTheGrammar(_ name: String, _ bytes: [UInt8]) {
        #expect(ChunkEncodeCheck.chat(bytes) == nil, "\(name)")
    }

    @Test func keepsTheGrammarAtRandom() {
        var random = SeededRandom(seed: 23)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let complaint = ChunkEncodeCheck.chat(bytes)
            #expect(complaint == nil, "\(bytes)")
            if complaint != nil { return }
        }
    }

    private static let stream = """
        data: {"id":"a","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,\
        "delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"a","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,\
        "delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

        data: {"id":"a","object":"chat.completion.chunk","created":7,"model":"m","choices":[],\
        "usage":{"prompt_tokens":1}}

        data: [DONE]


        """

    /// The checker itself must be able to fail.
    @Test(
        arguments: [
            ("", "", nil), ("\"role\":\"assistant\",", "", "another role"),
            ("\"delta\":{}", "\"delta\":{\"role\":\"assistant\"}", "another role"),
            (
                "\"finish_reason\":\"stop\"", "\"finish_reason\":null",
                "a mark behind an open choice"
            ),
            ("data: [DONE]\n\n", "", "no end"), ("\"choices\":[],", "", "no choices"),
            ("\"usage\":{\"prompt_tokens\":1}", "\"usage\":null", "an empty chunk"),
            ("data: [DONE]\n\n", "data: [DONE]\n\ndata: [DONE]\n\n", "an event behind the end"),
            ("\"created\":7,\"model\":\"m\",\"choices\":[]", "\"choices\":[]", "another head"),
        ] as [(String, String, String?)])
    func aBrokenStreamIsFoundOut(_ good: String, _ bad: String, _ complaint: String?) {
        let broken = good.isEmpty ? Self.stream : Self.stream.replacing(good, with: bad)
        #expect(good.isEmpty || broken != Self.stream)
        let found = broken.withByteSlice {
            ChunkEncodeCheck.complaint($0, at: .chat, wantsUsage: true)
        }
        #expect(found == complaint)
    }
}
