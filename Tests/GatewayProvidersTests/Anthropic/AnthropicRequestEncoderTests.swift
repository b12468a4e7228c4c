import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct AnthropicRequestEncoderTests {
    /// The provider that the words behind a model's name describe.
    private func provider(_ words: [Substring], model: Substring) -> AnthropicProvider {
        var provider = AnthropicProvider()
        for word in words {
            if word == "vertex" { provider.flavour = .vertex }
            if word == "bedrock" { provider.flavour = .bedrock }
            if word.hasPrefix("betas=") {
                provider.betas = word.dropFirst(6).split(separator: ",").map(String.init)
            }
            if word.hasPrefix("rule-max=") {
                var rule = AnthropicCapabilityRule(pattern: String(model))
                rule.outputTokensMax = Int(word.dropFirst(9))
                provider.rules = [rule]
            }
        }
        return provider
    }

    @Test func writesAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "messages", "encode-")
        #expect(files.count >= 30)
        for file in files {
            let words = try #require(file.block("text model")).split(separator: " ")
            let provider = provider(Array(words.dropFirst()), model: words[0])
            let text = try #require(file.block("json request"))
            try text.withByteSlice { bytes in
                let tree = try JSONArena().read(bytes)
                let request = try RequestSketch.read(tree.root)
                try String(words[0]).withByteSlice { model in
                    try check(file, request, provider, model)
                }
            }
        }
    }

    private func check(
        _ file: GoldenFile, _ request: ModelRequest, _ provider: AnthropicProvider,
        _ model: ByteSlice
    ) throws {
        let context = ProviderContext(model: model, arena: JSONArena(), ids: IDSource(seed: 1))
        var call = ProviderCall()
        var failure: Failure?
        do throws(Failure) { try provider.encode(request, context, into: &call) } catch {
            failure = error
        }
        if let failure {
            let words = "\(failure.kind) \(failure.parameter ?? "-")\n\(failure.message)"
            #expect(file.complaint("text failure", found: words) == nil)
            return
        }
        #expect(file.complaint("json body", json: call.body.slice) == nil)
        var dropped: [String] = []
        call.dropped.forEach { dropped.append("\($0.name)") }
        if !call.droppedExtras.isEmpty { dropped.append(call.droppedExtras.string) }
        if !dropped.isEmpty || file.block("text dropped") != nil {
            let words = dropped.joined(separator: "\n")
            #expect(file.complaint("text dropped", found: words) == nil)
        }
        #expect(call.streams == request.streams)
        let hasAnswerTool = call.body.string.contains("answer_as_json")
        #expect(call.codec == .messages(isAnswerInTool: hasAnswerTool))
        let isNative = provider.flavour == .native
        #expect(call.target.string == (isNative ? "/v1/messages" : ""))
        var fields = isNative ? "anthropic-version: 2023-06-01\r\n" : ""
        if isNative, !provider.betas.isEmpty {
            fields += "anthropic-beta: \(provider.betas.joined(separator: ","))\r\n"
        }
        #expect(call.fields.string == fields)
    }

    @Test func keepsIDsApart() throws {
        // They differ in characters that the dialect does not take.
        let sketch = #"""
            {"messages":[{"role":"assistant","parts":[{"call":{"id":"a.b","name":"x"}},
            {"call":{"id":"a:b","name":"x"}}]},{"role":"tool","call":"a:b","text":"1"},
            {"role":"tool","call":"a.b","text":"2"}]}
            """#
        try sketch.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            let request = try RequestSketch.read(tree.root)
            var call = ProviderCall()
            let context = ProviderContext(
                model: ByteSlice("claude-sonnet-4-5"), arena: JSONArena(), ids: IDSource(seed: 1))
            try AnthropicProvider().encode(request, context, into: &call)
            let body = try JSONArena().read(call.body.slice)
            let turns = body.root["messages"]?.elements.map { $0 } ?? []
            let calls = turns[0]["content"]?.elements.map { $0["id"]?.string?.string } ?? []
            let results =
                turns[1]["content"]?.elements.map { $0["tool_use_id"]?.string?.string } ?? []
            #expect(calls[0] != calls[1])
            #expect(results == [calls[1], calls[0]])
        }
    }
}
