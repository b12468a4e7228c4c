import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct VertexProviderTests {
    @Test(
        arguments: [
            ("gemini-2.5-pro", .gemini), ("models/gemini-2.5-pro", .gemini),
            ("text-bison", .gemini),
            ("claude-sonnet-4-5@20250929", .anthropic), ("google/gemini-2.5-pro", .openAI),
            ("meta/llama-4-maverick-17b-128e-instruct-maas", .openAI), ("xclaude-1", .gemini),
        ] as [(String, VertexProvider.Surface)])
    func choosesTheSurface(_ model: String, _ surface: VertexProvider.Surface) {
        model.withByteSlice { #expect(VertexProvider.surface(of: $0) == surface) }
    }

    private struct Call {
        var target: String
        var body: String
        var codec: AnswerCodec
        var fields: String
    }

    private func encode(_ model: String, streams: Bool) throws -> Call {
        let provider = VertexProvider(project: "p")
        #expect(provider.defaultBaseURL == "https://us-central1-aiplatform.googleapis.com/v1")
        let sketch = #"{"messages":[{"role":"user","text":"Hi"}],"max":5,"streams":\#(streams)}"#
        return try sketch.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            let request = try RequestSketch.read(tree.root)
            return try model.withByteSlice { model in
                var call = ProviderCall()
                let context = ProviderContext(
                    model: model, arena: JSONArena(), ids: IDSource(seed: 1))
                try provider.encode(request, context, into: &call)
                #expect(call.streams == streams)
                return Call(
                    target: call.target.string, body: call.body.string, codec: call.codec,
                    fields: call.fields.string)
            }
        }
    }

    @Test(arguments: [false, true])
    func asksGemini(_ streams: Bool) throws {
        let call = try encode("gemini-2.5-pro", streams: streams)
        let method = streams ? "streamGenerateContent?alt=sse" : "generateContent"
        #expect(
            call.target
                == "/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:"
                + method)
        #expect(call.codec == .gemini)
        #expect(call.body.contains(#""contents""#))
    }

    @Test(arguments: [false, true])
    func asksClaude(_ streams: Bool) throws {
        let call = try encode("claude-sonnet-4-5@20250929", streams: streams)
        #expect(
            call.target
                == "/projects/p/locations/us-central1/publishers/anthropic/models/"
                + "claude-sonnet-4-5@20250929:" + (streams ? "streamRawPredict" : "rawPredict"))
        #expect(call.body.contains(#""anthropic_version":"vertex-2023-10-16""#))
        #expect(!call.body.contains(#""model""#))
        #expect(call.body.contains(#""stream":true"#) == streams)
        #expect(call.fields == "")
        #expect(call.codec == .messages(isAnswerInTool: false))
    }

    @Test(arguments: [false, true])
    func asksTheOpenAISurface(_ streams: Bool) throws {
        let call = try encode("meta/llama-4", streams: streams)
        #expect(
            call.target == "/projects/p/locations/us-central1/endpoints/openapi/chat/completions")
        #expect(call.body.contains(#""model":"meta/llama-4""#))
        #expect(call.codec == .chat)
    }
}
