import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct ChatStreamDecoderTests {
    @Test(arguments: GoldenFile.all(in: "chat").map(\.description)) func decodes(_ name: String) {
        for golden in GoldenFile.all(in: "chat") where golden.description == name {
            #expect(StreamPlay.complaint(golden, .chat) == nil)
        }
    }

    @Test func readsTheGoldenFiles() {
        #expect(GoldenFile.all(in: "chat").count >= 20)
    }

    /// A shape that was learned must not swallow what differs elsewhere.
    @Test func tellsLikeChunksFromOthers() {
        func chunk(_ text: String, index: Int = 0) -> String {
            """
            data: {"id":"c","choices":[{"index":\(index),"delta":{"content":"\(text)"}}]}\n\n
            """
        }
        let log = StreamPlay.log(
            chunk("a") + chunk("b") + chunk("", index: 0) + chunk("\\u00e9\\n")
                + chunk("c", index: 1)
                + chunk("d") + chunk("e"), .chat(ChatStreamDecoder()))
        #expect(
            log.lines.dropLast() == [
                #"started id="c" model="""#, "0 open text", #"0 delta "a""#, #"0 delta "b""#,
                #"0 delta "é\n""#, "1 open text", #"1 delta "c""#, #"0 delta "d""#,
                #"0 delta "e""#,
            ])
        #expect(log.lines.last?.hasPrefix("failed upstreamCut") == true)
    }

    @Test func boundsWhatWaits() {
        let piece = String(repeating: "x", count: 1 << 20)
        var stream = Self.call(0, id: "a", name: "f", arguments: "{")
        for _ in 0..<5 { stream += Self.call(1, id: "b", name: "g", arguments: piece) }
        let log = StreamPlay.log(stream, .chat(ChatStreamDecoder()))
        #expect(!log.text.contains("!"))
        #expect(log.lines.last?.hasPrefix("failed upstreamMalformed") == true)
    }

    @Test func boundsTheCalls() {
        var stream = ""
        for number in 0..<2000 {
            stream += Self.call(number, id: "c\(number)", name: "f", arguments: "{}")
        }
        let log = StreamPlay.log(stream, .chat(ChatStreamDecoder()))
        #expect(!log.text.contains("!"))
        #expect(log.lines.last?.hasPrefix("failed upstreamMalformed") == true)
    }

    @Test func refusesChoicesOutOfRange() {
        for index in ["128", "-1", "1.5"] {
            let log = StreamPlay.log(
                "data: {\"choices\":[{\"index\":\(index),\"delta\":{\"content\":\"a\"}}]}\n\n",
                .chat(ChatStreamDecoder()))
            #expect(log.lines.last?.hasPrefix("failed upstreamMalformed") == true, "\(index)")
        }
    }

    @Test func isOverOnce() {
        var decoder = ChatStreamDecoder()
        var log = EventLog()
        StreamPlay.withContext { context in
            for text in ["{", #"{"choices":[]}"#, "[DONE]"] {
                text.withByteSlice {
                    decoder.decode(
                        EventStreamEvent(name: .empty, data: $0, canonical: nil), context
                    ) { log.add($0) }
                }
            }
            decoder.finish(context) { log.add($0) }
        }
        #expect(log.lines.count == 1)
        #expect(!log.text.contains("!"))
        let isOver = decoder.isOver
        #expect(isOver)
    }

    private static func call(
        _ index: Int, id: String, name: String, arguments: String
    ) -> String {
        """
        data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":\(index),"id":"\(id)",\
        "function":{"name":"\(name)","arguments":"\(arguments)"}}]}}]}\n\n
        """
    }
}
