import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct EmbeddingCatalogTests {
    private static func provider(_ word: Substring) -> Provider? {
        switch word {
        case "openai": .openAI(OpenAIProvider())
        case "sambanova": .openAI(OpenAIProvider(quirks: .sambaNova))
        case "gemini": .gemini(GeminiProvider())
        case "vertex": .vertex(VertexProvider(project: "p"))
        case "salesforce": .salesforce(SalesforceProvider())
        case "anthropic": .anthropic(AnthropicProvider())
        default: nil
        }
    }

    private static func context(_ model: ByteSlice = .empty) -> ProviderContext {
        ProviderContext(model: model, arena: JSONArena(), ids: IDSource(seed: 1))
    }

    @Test func writesAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "embeddings", "encode-")
        #expect(files.count >= 15)
        for file in files {
            let words = try #require(file.block("text model")).split(separator: " ")
            let provider = try #require(Self.provider(words[0]))
            try #require(file.block("json request")).withByteSlice { bytes in
                let tree = try JSONArena().read(bytes)
                let request = EmbeddingSketch.read(tree.root)
                String(words[1]).withByteSlice { check(file, request, provider, $0) }
            }
        }
    }

    private func check(
        _ file: GoldenFile, _ request: EmbeddingRequest, _ provider: Provider, _ model: ByteSlice
    ) {
        var call = ProviderCall()
        let codec: EmbeddingCodec
        do throws(Failure) {
            codec = try provider.encode(request, Self.context(model), into: &call)
        } catch {
            #expect(file.complaint("text failure", found: EmbeddingSketch.text(error)) == nil)
            return
        }
        #expect(file.block("text failure") == nil, "\(file)")
        #expect(file.complaint("json body", json: call.body.slice) == nil)
        var lines = [call.target.string, "answers \(codec)"]
        call.dropped.forEach { lines.append("dropped \($0.name)") }
        if !call.droppedExtras.isEmpty { lines.append("extras \(call.droppedExtras.string)") }
        lines += call.fields.string.split(separator: "\r\n").map(String.init)
        let told = lines.joined(separator: "\n")
        #expect(file.complaint("text call", found: told) == nil)
        let streams = call.streams
        #expect(!streams)
    }

    private static func codec(_ word: Substring) -> EmbeddingCodec? {
        switch word {
        case "openai": .openAI
        case "gemini": .gemini
        case "vertex": .vertex
        case "salesforce": .salesforce
        default: nil
        }
    }

    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "embeddings", "answer-")
        #expect(files.count >= 10)
        for file in files {
            let words = try #require(file.block("text codec")).split(separator: " ")
            let codec = try #require(Self.codec(words[0]))
            let count = try #require(Int(words[1]))
            let answer = try #require(file.block("json answer"))
            var found = ""
            answer.withByteSlice { body in
                do throws(Failure) {
                    found = EmbeddingSketch.text(
                        try codec.decode(body, inputCount: count, Self.context()))
                } catch { found = "failed " + EmbeddingSketch.text(error) }
            }
            #expect(file.complaint("text answer", found: found) == nil)
        }
    }

    @Test func survivesAnyBytes() throws {
        let files = GoldenFile.all(in: "embeddings", "answer-")
        let corpus = files.compactMap { $0.block("json answer").map { Array($0.utf8) } }
        #expect(!corpus.isEmpty)
        var random = SeededRandom(seed: 11)
        let context = Self.context()
        for _ in 0..<3000 {
            let bytes = FuzzMutation.mutated(corpus, using: &random)
            for codec in [EmbeddingCodec.openAI, .gemini, .vertex, .salesforce] {
                bytes.withUnsafeBytes { bytes in
                    let count = Int.random(in: 1...3, using: &random)
                    guard
                        let response = try? codec.decode(
                            ByteSlice(bytes), inputCount: count, context)
                    else { return }
                    #expect(response.vectors.count == count)
                    let isWhole = response.vectors.allSatisfy { vector in
                        !vector.isEmpty && vector.allSatisfy { $0.isFinite }
                    }
                    #expect(isWhole)
                }
            }
        }
    }

    @Test func refusesEveryPrefix() {
        let body = #"{"data":[{"index":0,"embedding":[0.5,-1]}],"usage":{"prompt_tokens":1}}"#
        body.withByteSlice { body in
            for count in 0..<body.count {
                #expect(throws: Failure.self) {
                    try EmbeddingCodec.openAI.decode(
                        body.prefix(count), inputCount: 1, Self.context())
                }
            }
        }
    }

    @Test func classifiesFailures() {
        for codec in [EmbeddingCodec.openAI, .gemini, .vertex, .salesforce] {
            let failure = codec.failure(status: 503, body: .empty, retryAfter: nil, secret: nil)
            #expect(failure.kind == .upstreamOverload)
        }
        let bad = #"[{"error":{"code":400,"message":"API key not valid."}}]"#.withByteSlice {
            EmbeddingCodec.vertex.failure(status: 400, body: $0, retryAfter: nil, secret: nil)
        }
        #expect(bad.kind == .upstreamAuthentication)
    }

    @Test func relaysWhereTheDialectIsTheSame() {
        for (word, embeddings, completions) in [
            ("openai", true, true), ("sambanova", false, false), ("gemini", false, false),
        ] {
            let provider = Self.provider(word[...])
            #expect(provider?.relaysEmbeddings == embeddings)
            #expect(provider?.relays(.completions) == completions)
        }
        #expect(Self.provider("anthropic")?.relays(.completions) == false)
        #expect(Provider.openAI(OpenAIProvider()).relays(.chat))
        #expect(!Provider.openAI(OpenAIProvider(quirks: .topK)).relays(.chat))
    }
}
