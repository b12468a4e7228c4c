import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct OpenAIModelKindTests {
    @Test(
        arguments: [
            ("gpt-4o", OpenAIModelKind.plain), ("gpt-4.1-mini", .plain), ("gpt-3.5-turbo", .plain),
            ("chatgpt-4o-latest", .plain), ("gpt-5-chat-latest", .plain), ("gpt-5", .thinking),
            ("gpt-5.2-codex", .thinking), ("o3-mini", .thinking), ("o1", .thinking),
            ("gpt-oss-120b", .unknown), ("o3x", .unknown), ("llama-4", .unknown), ("", .unknown),
        ])
    func isToldByTheName(name: String, kind: OpenAIModelKind) {
        name.withByteSlice { #expect(OpenAIModelKind($0) == kind) }
    }

    /// The body for a request with everything in which the kinds differ, and what was dropped.
    private func encode(_ model: StaticString) throws -> (body: String, dropped: String) {
        var request = ModelRequest()
        request.append(.user, [ContentPart(.text(ByteSlice("hi")))])
        request.sampling.temperature = 0.5
        request.sampling.seed = 7
        request.sampling.stop = [ByteSlice("END")]
        var wish = ReasoningRequest()
        wish.budgetTokens = 31999
        request.reasoning = wish
        var call = ProviderCall()
        let context = ProviderContext(
            model: ByteSlice(model), arena: JSONArena(), ids: IDSource(seed: 1))
        try OpenAIProvider().encode(request, context, into: &call)
        var dropped = ByteBuffer()
        call.appendDropped(to: &dropped)
        return (call.body.string, dropped.string)
    }

    @Test func eachKindIsToldWhatItTakes() throws {
        let plain = try encode("gpt-4o")
        #expect(plain.body.contains("temperature") && plain.body.contains("stop"))
        #expect(!plain.body.contains("reasoning_effort"))
        #expect(plain.dropped == "reasoning_effort")
        let thinking = try encode("gpt-5")
        #expect(!thinking.body.contains("temperature") && !thinking.body.contains("stop"))
        #expect(thinking.body.contains(#""reasoning_effort":"high""#))
        #expect(thinking.body.contains(#""seed":7"#))
        #expect(thinking.dropped == "temperature, stop")
        let unknown = try encode("local")
        for word in ["temperature", "stop", "reasoning_effort", "seed"] {
            #expect(unknown.body.contains(word))
        }
        #expect(unknown.dropped.isEmpty)
    }
}
