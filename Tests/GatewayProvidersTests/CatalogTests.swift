import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

/// That every row leads to its own dialect.
@Suite struct CatalogTests {
    private let context = ProviderContext(
        model: ByteSlice("m"), arena: JSONArena(), ids: IDSource(seed: 1))

    private static let codecs: [AnswerCodec] = [
        .chat, .messages(isAnswerInTool: false), .gemini, .salesforce,
    ]

    /// An answer of one word in each dialect, and an event that begins a stream.
    private func answer(_ codec: AnswerCodec) -> (body: String, event: String) {
        switch codec {
        case .chat:
            (
                #"""
                {"id":"i","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
                "message":{"role":"assistant","content":"word"},"finish_reason":"stop"}]}
                """#,
                #"{"id":"i","choices":[{"index":0,"delta":{"role":"assistant","content":"word"}}]}"#
            )
        case .messages:
            (
                #"""
                {"id":"i","type":"message","role":"assistant","model":"m","content":[{"type":"text",
                "text":"word"}],"stop_reason":"end_turn","usage":{"input_tokens":1,
                "output_tokens":1}}
                """#,
                #"""
                {"type":"message_start","message":{"id":"i","type":"message","role":"assistant",
                "model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}
                """#
            )
        case .salesforce:
            (
                #"{"id":"i","generation":{"generatedText":"word"}}"#,
                #"{"id":"i","generation_details":{"generations":[{"content":"word"}]}}"#
            )
        case .gemini:
            (
                #"{"candidates":[{"content":{"parts":[{"text":"word"}]},"finishReason":"STOP"}]}"#,
                #"{"candidates":[{"content":{"parts":[{"text":"word"}]}}]}"#
            )
        }
    }

    /// What each provider does with a request that says nothing of length and thoughts.
    @Test func everyProviderTellsItsPace() {
        func pace(
            _ provider: Provider, _ model: String, _ surface: UpstreamSurface? = nil
        ) -> ModelPace {
            var settings = ModelSettings()
            settings.surface = surface
            return model.withByteSlice { provider.pace(of: $0, settings) }
        }
        #expect(pace(.openAI(OpenAIProvider()), "o3") == ModelPace())
        let claude = Provider.anthropic(AnthropicProvider())
        #expect(
            pace(claude, "claude-3-haiku-20240307")
                == ModelPace(outputTokensMax: 4096, reasons: false))
        #expect(
            pace(claude, "claude-opus-4-6") == ModelPace(outputTokensMax: 32_000, reasons: false))
        #expect(pace(claude, "claude-fable-5-5").reasons == true)
        let gemini = Provider.gemini(GeminiProvider())
        #expect(pace(gemini, "gemini-2.5-pro") == ModelPace(reasons: true))
        #expect(pace(gemini, "gemini-2.0-flash") == ModelPace(reasons: false))
        #expect(pace(gemini, "gemini-2.5-flash-lite") == ModelPace(reasons: false))
        let vertex = Provider.vertex(VertexProvider(project: "p"))
        #expect(pace(vertex, "gemini-2.5-flash") == ModelPace(reasons: true))
        #expect(pace(vertex, "claude-sonnet-4@20250514").outputTokensMax == 32_000)
        #expect(pace(vertex, "meta/llama-4") == ModelPace())
        // Salesforce's gateway is told 256 where nothing is asked for; its Models API takes no bound.
        let salesforce = Provider.salesforce(SalesforceProvider())
        #expect(pace(salesforce, "m") == ModelPace())
        #expect(pace(salesforce, "m", .llmGateway) == ModelPace(outputTokensMax: 256))
    }

    @Test(arguments: codecs)
    func readsAnswers(_ codec: AnswerCodec) {
        var log = EventLog()
        answer(codec).body.withByteSlice { codec.decode($0, context) { log.add($0) } }
        #expect(log.text.contains("0 delta \"word\""))
        #expect(log.text.hasSuffix("ended"))
        // No dialect takes another one's answer, but that of a gateway to all makers.
        for other in Self.codecs where other != codec && codec != .salesforce {
            var log = EventLog()
            answer(other).body.withByteSlice { codec.decode($0, context) { log.add($0) } }
            #expect(log.text.contains("failed"), "\(codec) takes \(other)")
        }
    }

    @Test(arguments: codecs)
    func readsStreams(_ codec: AnswerCodec) {
        var log = EventLog()
        var decoder = codec.openStream()
        answer(codec).event.withByteSlice { data in
            let event = EventStreamEvent(
                name: codec == .messages(isAnswerInTool: false)
                    ? ByteSlice("message_start") : .empty,
                data: data, canonical: nil)
            decoder.decode(event, context) { log.add($0) }
        }
        #expect(log.text.hasPrefix("started"))
        var isOver = decoder.isOver
        #expect(!isOver)
        decoder.finish(context) { log.add($0) }
        isOver = decoder.isOver
        #expect(isOver)
        #expect(log.text.contains("failed upstreamCut"))
    }

    @Test func readsErrors() {
        let failure = #"[{"error":{"code":400,"message":"API key not valid."}}]"#.withByteSlice {
            AnswerCodec.gemini.failure(status: 400, body: $0, retryAfter: nil, secret: nil)
        }
        #expect(failure.kind == .upstreamAuthentication)
        for codec in Self.codecs {
            let failure = codec.failure(status: 503, body: .empty, retryAfter: nil, secret: nil)
            #expect(failure.kind == .upstreamOverload)
        }
    }

    @Test func relaysWhereBothSidesSpeakTheSame() {
        let openAI = Provider.openAI(OpenAIProvider())
        #expect(openAI.relays(.chat) && !openAI.relays(.messages))
        // A server that departs from OpenAI's own form is brought into it.
        #expect(!Provider.openAI(OpenAIProvider(quirks: .sambaNova)).relays(.chat))
        let anthropic = Provider.anthropic(AnthropicProvider())
        #expect(anthropic.relays(.messages) && !anthropic.relays(.chat))
        #expect(!Provider.anthropic(AnthropicProvider(flavour: .vertex)).relays(.messages))
        for provider in [
            Provider.gemini(GeminiProvider()), .vertex(VertexProvider(project: "p")),
            .salesforce(SalesforceProvider()),
            .sambaNovaWeb(SambaNovaWebProvider(fingerprint: "f", target: "/t")),
        ] {
            #expect(!Dialect.allCases.contains { provider.relays($0) })
        }
    }
}
