import FuzzChecks
import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

/// The decoders of whole answers and of streams.
@Suite struct AnthropicDecoderTests {
    private let context = ProviderContext(
        model: .empty, arena: JSONArena(), ids: IDSource(seed: 1))

    @Test func readsAnswersAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "messages", "answer-")
        #expect(files.count >= 8)
        for file in files {
            let isInTool = file.block("text flags") == "answer in tool"
            var log = EventLog()
            try #require(file.block("json answer")).withByteSlice {
                AnthropicResponseDecoder.decode($0, isAnswerInTool: isInTool, context) {
                    log.add($0)
                }
            }
            #expect(log.isOver)
            #expect(file.complaint("events", found: log.text) == nil)
        }
    }

    @Test func readsStreamsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "messages", "stream-")
        #expect(files.count >= 15)
        for file in files {
            let isInTool = file.block("text flags") == "answer in tool"
            let text = try #require(file.block("sse"))
            let whole = read(text, 0, isInTool)
            #expect(file.complaint("events", found: whole) == nil)
            for cut in 1..<text.utf8.count {
                let cutText = read(text, cut, isInTool)
                #expect(cutText == whole, "\(file) cut at \(cut)")
                if cutText != whole { break }
            }
        }
    }

    private func read(_ text: String, _ cut: Int, _ isInTool: Bool) -> String {
        var log = EventLog()
        var decoder = AnthropicStreamDecoder(isAnswerInTool: isInTool)
        GoldenStream.events(of: text, cutAt: cut) { event in
            decoder.decode(event, context) { log.add($0) }
        }
        decoder.finish(context) { log.add($0) }
        #expect(decoder.isOver && log.isOver)
        return log.text
    }

    @Test(arguments: FuzzCorpus.inputs(of: "messages-stream"))
    func keepsOrderWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(MessagesStreamCheck.run(bytes) == nil, "\(name)")
    }
}
