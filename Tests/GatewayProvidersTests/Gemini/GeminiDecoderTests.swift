import FuzzChecks
import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

/// The decoders of whole answers and of streams.
@Suite struct GeminiDecoderTests {
    private func context(_ signatures: ThoughtSignatures? = nil) -> ProviderContext {
        ProviderContext(
            model: ByteSlice("gemini-3-flash"), arena: JSONArena(), ids: IDSource(seed: 1),
            signatures: signatures)
    }

    @Test func readsAnswersAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "gemini", "answer-")
        #expect(files.count >= 8)
        for file in files {
            var log = EventLog()
            try #require(file.block("json answer")).withByteSlice {
                GeminiResponseDecoder.decode($0, context()) { log.add($0) }
            }
            #expect(log.isOver)
            #expect(!log.text.contains("! "), "\(file)")
            #expect(file.complaint("events", found: log.text) == nil)
        }
    }

    @Test func readsStreamsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "gemini", "stream-")
        #expect(files.count >= 19)
        for file in files {
            let text = try #require(file.block("sse"))
            let whole = read(text, 0)
            #expect(!whole.contains("! "), "\(file)")
            #expect(file.complaint("events", found: whole) == nil)
            // Google ends lines with CRLF.
            var returns = ""
            for character in text { returns += character == "\n" ? "\r\n" : "\(character)" }
            returns += "\r\n\r\n"
            for form in [text, returns] {
                for cut in 0..<form.utf8.count {
                    let found = read(form, cut)
                    #expect(found == whole, "\(file) cut at \(cut)")
                    if found != whole { break }
                }
            }
        }
    }

    private func read(_ text: String, _ cut: Int) -> String {
        var log = EventLog()
        var decoder = GeminiStreamDecoder()
        let context = context()
        GoldenStream.events(of: text, cutAt: cut) { event in
            decoder.decode(event, context) { log.add($0) }
        }
        decoder.finish(context) { log.add($0) }
        #expect(decoder.isOver && log.isOver)
        return log.text
    }

    @Test func remembersProofsByTheIDsItTells() {
        let signatures = ThoughtSignatures()
        let context = context(signatures)
        let body = #"""
            {"candidates":[{"content":{"parts":[{"functionCall":{"name":"x"},
            "thoughtSignature":"Q2lR"}]}}]}
            """#
        var told: [UInt8] = []
        body.withByteSlice {
            GeminiResponseDecoder.decode($0, context) { event in
                if case .partOpened(_, .toolCall(let id, _, _)) = event { told = Array(id.raw) }
            }
        }
        #expect(told.count == 29)
        told.withUnsafeBytes {
            let found = signatures.signature(ofCall: ByteSlice($0), model: context.model)
            #expect(found?.string == "Q2lR")
        }
    }

    @Test(arguments: FuzzCorpus.inputs(of: "gemini-stream"))
    func keepsOrderWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(GeminiStreamCheck.run(bytes) == nil, "\(name)")
    }

    @Test func keepsOrderWhateverIsBroken() {
        var random = SeededRandom(seed: 20)
        let corpus = FuzzCorpus.inputs(of: "gemini-stream").map(\.1)
        for _ in 0..<1500 {
            let bytes = FuzzMutation.mutated(corpus, using: &random)
            let complaint = GeminiStreamCheck.run(bytes)
            #expect(complaint == nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
