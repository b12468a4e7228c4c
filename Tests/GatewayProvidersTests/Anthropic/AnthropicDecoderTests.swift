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

    /// An event spelled as Anthropic's servers do takes another way than one with a space more.
    @Test(
        arguments: [
            "", "a", "Gr\u{FC}\u{DF} \u{1F600} dich, lange und ohne ein Ende zu finden",
            #"\n\t\"\\\u00e4\ud83d\ude00"#, #"\ud83d"#, "tab\t", #"a"b"#, "\u{7F}", #"}}"#, #"\"#,
        ])
    func readsPlainDeltasLikeOthers(_ inside: String) {
        for (block, type, member) in [
            (#"{"type":"text","text":""}"#, "text_delta", "text"),
            (#"{"type":"thinking","thinking":""}"#, "thinking_delta", "thinking"),
            (
                #"{"type":"tool_use","id":"t","name":"f","input":{}}"#, "input_json_delta",
                "partial_json"
            ),
            (#"{"type":"redacted_thinking","data":"x"}"#, "text_delta", "text"),
        ] {
            for (index, tail) in [
                ("7", "}}"), ("7", "}   } "), ("7", "}"), ("7", "}}}"), ("7", ",\"x\":1}}"),
                ("8", "}}"),
                ("", "}}"), ("77777", "}}"), ("07", "}}"),
            ] {
                let logs = ["", " "].map { space in
                    read(
                        """
                        data: {"type":"message_start","message":{"id":"m","model":"c"}}

                        data: {"type":"content_block_start","index":7,"content_block":\(block)}

                        data: {"type":"content_block_delta","index":\(space)\(index),"delta":{"type":"\(type)","\(member)":"\(inside)"\(tail)

                        data: {"type":"content_block_stop","index":7}

                        data: {"type":"message_stop"}


                        """, 0, false
                    )
                    // Where a fault is told, the space counts.
                    .split(separator: " at byte ", maxSplits: 1)[0]
                }
                #expect(logs[0] == logs[1], "\(type) \(index) \(tail)")
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
