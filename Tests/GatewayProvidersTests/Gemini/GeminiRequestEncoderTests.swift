import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct GeminiRequestEncoderTests {
    @Test func writesAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "gemini", "encode-")
        #expect(files.count >= 50)
        for file in files {
            let words = try #require(file.block("text model")).split(separator: " ")
            var provider = GeminiProvider()
            if words.contains("vertex") {
                provider = GeminiProvider(host: .vertex(project: "p", location: "us-central1"))
            }
            try #require(file.block("json request")).withByteSlice { bytes in
                let tree = try JSONArena().read(bytes)
                let request = try RequestSketch.read(tree.root)
                String(words[0]).withByteSlice { check(file, request, provider, $0) }
            }
        }
    }

    private func check(
        _ file: GoldenFile, _ request: ModelRequest, _ provider: GeminiProvider,
        _ model: ByteSlice
    ) {
        let signatures = ThoughtSignatures()
        for id in ["remembered", "own"] {
            id.withByteSlice {
                signatures.remember(ByteSlice("cmVtZW1iZXJlZA=="), ofCall: $0, model: model)
            }
        }
        let context = ProviderContext(
            model: model, arena: JSONArena(), ids: IDSource(seed: 1), signatures: signatures)
        var call = ProviderCall()
        do throws(Failure) { try provider.encode(request, context, into: &call) } catch {
            let words = "\(error.kind) \(error.parameter ?? "-")\n\(error.message)"
            #expect(file.complaint("text failure", found: words) == nil)
            return
        }
        #expect(file.block("text failure") == nil, "\(file)")
        #expect(file.complaint("json body", json: call.body.slice) == nil)
        var dropped: [String] = []
        call.dropped.forEach { dropped.append("\($0.name)") }
        if !call.droppedExtras.isEmpty { dropped.append(call.droppedExtras.string) }
        if !dropped.isEmpty || file.block("text dropped") != nil {
            let words = dropped.joined(separator: "\n")
            #expect(file.complaint("text dropped", found: words) == nil)
        }
        #expect(call.streams == request.streams)
        #expect(call.fields.string == "")
        let prefix =
            provider.host == .developer
            ? "/models/" : "/projects/p/locations/us-central1/publishers/google/models/"
        let method =
            request.streams ? ":streamGenerateContent?alt=sse" : ":generateContent"
        #expect(call.target.string == prefix + model.string + method)
    }

    @Test func asksTheModelWhoseProofItIs() throws {
        let signatures = ThoughtSignatures()
        signatures.remember(
            ByteSlice("b3RoZXI="), ofCall: ByteSlice("a"), model: ByteSlice("gemini-3-other"))
        let sketch =
            #"{"messages":[{"role":"assistant","parts":[{"call":{"id":"a","name":"x"}}]}]}"#
        try sketch.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            let request = try RequestSketch.read(tree.root)
            var call = ProviderCall()
            let context = ProviderContext(
                model: ByteSlice("gemini-3-flash"), arena: JSONArena(), ids: IDSource(seed: 1),
                signatures: signatures)
            try GeminiProvider().encode(request, context, into: &call)
            #expect(call.body.string.contains("skip_thought_signature_validator"))
            #expect(!call.body.string.contains("b3RoZXI="))
        }
    }
}
