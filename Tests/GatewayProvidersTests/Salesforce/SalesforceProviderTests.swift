import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct SalesforceProviderTests {
    private func accepted(
        _ model: String, _ surface: UpstreamSurface, streams: Bool
    ) throws -> String {
        var provider = SalesforceProvider()
        provider.surface = surface
        let sketch = #"{"messages":[{"role":"user","text":"Hi"}],"streams":\#(streams)}"#
        return try sketch.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            let request = try RequestSketch.read(tree.root)
            return try model.withByteSlice { model in
                var call = ProviderCall()
                let context = ProviderContext(
                    model: model, arena: JSONArena(), ids: IDSource(seed: 1))
                try provider.encode(request, context, into: &call)
                return ByteSlice(call.accept).string
            }
        }
    }

    @Test func asksForTheFormInWhichTheAnswerComes() throws {
        let claude = "sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet"
        let gpt = "sfdc_ai__DefaultGPT4Omni"
        #expect(
            try accepted(claude, .llmGateway, streams: true)
                == "application/vnd.amazon.eventstream")
        #expect(try accepted(claude, .llmGateway, streams: false) == "application/json")
        #expect(try accepted(gpt, .llmGateway, streams: true) == "text/event-stream")
        #expect(try accepted(claude, .models, streams: true) == "application/json")
    }
}
