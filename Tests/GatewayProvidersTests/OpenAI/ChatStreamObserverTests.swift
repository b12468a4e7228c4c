import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct ChatStreamObserverTests {
    private static let role =
        #"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}"#
    private static let text =
        #"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}"#
    private static let finish =
        #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#
    private static let usage =
        #"{"id":"c","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"audio_tokens":1,"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":2}}}"#

    @Test func watchesAWholeStream() {
        var observer = ChatStreamObserver()
        #expect(observer.feed(Self.role) == .chunk)
        #expect(!observer.hasContent)
        #expect(observer.feed(Self.text) == .chunk)
        #expect(observer.hasContent)
        #expect(observer.isCut)
        #expect(observer.feed(Self.finish) == .chunk)
        #expect(observer.finishReason == .length)
        #expect(observer.feed(Self.usage) == .usageOnly)
        #expect(observer.feed("[DONE]") == .done)
        #expect(observer.isDone)
        #expect(observer.feed(Self.text) == .done)
        #expect(observer.chunkCount == 4)
        var expected = Usage()
        expected.inputTokens = 12
        expected.outputTokens = 3
        expected.totalTokens = 15
        expected.cachedTokens = 8
        expected.reasoningTokens = 2
        #expect(observer.usage == expected)
        #expect(!observer.isCut)
    }

    @Test func watchesTextCompletions() {
        func chunk(_ text: String, _ reason: String = "null") -> String {
            #"{"id":"c","object":"text_completion","choices":[{"text":"\#(text)","index":0,"logprobs":null,"finish_reason":\#(reason)}]}"#
        }
        var observer = ChatStreamObserver()
        #expect(observer.feed(chunk("")) == .chunk)
        #expect(!observer.hasContent)
        #expect(observer.feed(chunk("a")) == .chunk)
        #expect(observer.hasContent)
        // Of the shape that was learned.
        #expect(observer.feed(chunk("bc")) == .chunk)
        #expect(observer.isCut)
        #expect(observer.feed(chunk("", "\"length\"")) == .chunk)
        #expect(observer.finishReason == .length)
        #expect(!observer.isCut)
        #expect(observer.feed(Self.usage) == .usageOnly)
        #expect(observer.feed("[DONE]") == .done)
        #expect(observer.usage?.outputTokens == 3)
        #expect(observer.chunkCount == 5)
    }

    @Test func isWholeWithoutDoneOnceEveryChoiceFinished() {
        var observer = ChatStreamObserver()
        #expect(observer.isCut)
        _ = observer.feed(Self.text)
        #expect(observer.isCut)
        _ = observer.feed(#"{"choices":[{"index":1,"delta":{},"finish_reason":null}]}"#)
        _ = observer.feed(Self.finish)
        #expect(observer.isCut)
        _ = observer.feed(#"{"choices":[{"delta":{},"finish_reason":"stop","index":1}]}"#)
        #expect(!observer.isCut)
        #expect(observer.finishReason == .stop)
        for index in [64, 126, 5000] {
            _ = observer.feed("{\"choices\":[{\"index\":\(index),\"delta\":{}}]}")
            #expect(observer.isCut)
            _ = observer.feed(
                "{\"choices\":[{\"index\":\(index),\"delta\":{},\"finish_reason\":\"stop\"}]}")
            #expect(!observer.isCut)
        }
    }

    @Test(arguments: [
        (#"{"error":{"message":"boom","type":"server_error","code":"x","param":null}}"#, "boom"),
        (#"{"error":"just text"}"#, "just text"), (#"{"error":true}"#, nil),
        (#"{"choices":[],"error":{"code":500}}"#, nil),
    ])
    func raisesErrors(_ payload: String, _ message: String?) {
        var observer = ChatStreamObserver()
        guard case .failed(let failure) = observer.feed(payload) else {
            Issue.record("taken for a chunk")
            return
        }
        #expect(failure.kind == .upstreamFault)
        #expect(message == nil || failure.message == message)
        #expect(!failure.message.isEmpty)
    }

    /// What clients take for no error is none.
    @Test(arguments: [
        #"{"error":null,"choices":[]}"#, #"{"error":false}"#, #"{"error":""}"#, #"{"error":{}}"#,
        #"{"choices":[{"delta":{"content":"\"error\":{\"message\":\"no\"}"}}]}"#,
        #"{"choices":[],"prompt_filter_results":[]}"#, #"{"choices":null}"#, #"{"choices":[null]}"#,
    ])
    func passesChunks(_ payload: String) {
        var observer = ChatStreamObserver()
        #expect(observer.feed(payload) == .chunk)
        #expect(observer.usage == nil)
    }

    @Test(arguments: ["", " ", "{", "[]", "null", "{}x", "<html>", #"{"choices":[}"#, "DONE"])
    func refusesGarbage(_ payload: String) {
        var observer = ChatStreamObserver()
        guard case .malformed(let failure) = observer.feed(payload) else {
            Issue.record("taken for a chunk")
            return
        }
        #expect(failure.kind == .upstreamMalformed)
    }

    /// Content cannot end the stream, and a spaced marker does.
    @Test func knowsTheMarker() {
        var observer = ChatStreamObserver()
        #expect(observer.feed(#"{"choices":[{"delta":{"content":"[DONE]"}}]}"#) == .chunk)
        #expect(observer.feed(" [DONE] ") == .done)
    }

    /// What an observer has seen must not change what it says of the next chunk: each is judged as
    /// by an observer that sees it first.
    @Test func judgesEachChunkForItself() {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = [
            "Hi", "", "\\\"", "\\u00e9", "é", "\"",
            "\"},\"finish_reason\":\"stop\",\"x\":{\"a\":\"", "\\",
            "\n", "漢", "a\",\"content\":\"b", "\\ud800", String(repeating: "long ", count: 20),
        ]
        let alphabet = Array("\"\\{}[]:,0ae\n".utf8)
        var observer = ChatStreamObserver()
        var chunks = 0
        for round in 0..<20_000 {
            var payload = Array(
                "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\(pieces[below(pieces.count)])\"},\"finish_reason\":null}]}"
                    .utf8)
            if below(4) == 0 { payload[below(payload.count)] = alphabet[below(alphabet.count)] }
            var fresh = ChatStreamObserver()
            let verdict = payload.withUnsafeBytes { observer.observe(ByteSlice($0)) }
            let expected = payload.withUnsafeBytes { fresh.observe(ByteSlice($0)) }
            #expect(verdict == expected, "seed \(seed), round \(round)")
            if verdict == .chunk { chunks += 1 }
            #expect(observer.chunkCount == chunks, "seed \(seed), round \(round)")
            if fresh.hasContent { #expect(observer.hasContent) }
            if fresh.finishReason != nil { observer = ChatStreamObserver(); chunks = 0 }
        }
    }

    /// A chunk that ends a choice or carries usage never stands for another.
    @Test func learnsFromPlainChunksOnly() {
        let last =
            #"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#
        var observer = ChatStreamObserver()
        _ = observer.feed(last)
        _ = observer.feed(Self.text)
        _ = observer.feed(
            last.replacing("\"a\"", with: "\"bc\"").replacing("\"stop\"", with: "null"))
        #expect(observer.usage?.totalTokens == 3)
        _ = observer.feed(last.replacing("\"a\"", with: "\"bc\""))
        #expect(observer.finishReason == .stop)
        #expect(!observer.isCut)
    }

    @Test(arguments: [Self.role, Self.text, Self.finish, Self.usage])
    func refusesEveryPrefix(_ payload: String) {
        for count in 0..<payload.utf8.count {
            var observer = ChatStreamObserver()
            // One that has seen the whole, so that it knows the shape.
            _ = observer.feed(payload)
            let verdict = payload.withByteSlice { observer.observe($0.prefix(count)) }
            guard case .malformed = verdict else {
                Issue.record("\(count) bytes of \(payload)")
                continue
            }
            #expect(observer.chunkCount == 1)
        }
    }

    @Test(arguments: [
        #"{"delta":{"tool_calls":[{"index":0}]}}"#, #"{"delta":{"reasoning_content":"x"}}"#,
        #"{"delta":{"refusal":"no"}}"#,
    ])
    func seesContentInAnyForm(_ choice: String) {
        var observer = ChatStreamObserver()
        _ = observer.feed("{\"choices\":[\(choice)]}")
        #expect(observer.hasContent)
    }
}

extension ChatStreamObserver {
    fileprivate mutating func feed(_ payload: String) -> Verdict {
        payload.withByteSlice { observe($0) }
    }

    fileprivate var isCut: Bool { endOfStream() != .complete }

    private func chunk(_ delta: String, finish: String = "null") -> String {
        #"{"id":"x","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
    }

    /// What each chunk is said to add to the text of the ones before it.
    private func moreTexts(_ chunks: [String]) -> [String?] {
        var observer = ChatStreamObserver()
        return chunks.map { chunk in
            chunk.withByteSlice { payload in
                _ = observer.observe(payload)
                return observer.moreText(in: payload)?.string
            }
        }
    }

    @Test func tellsWhatALikeChunkAdds() {
        #expect(
            moreTexts([
                chunk(#"{"role":"assistant","content":""}"#), chunk(#"{"content":"a"}"#),
                chunk(#"{"content":"b\"\u00e9"}"#), chunk(#"{"content":""}"#),
                chunk("{}", finish: #""stop""#), chunk(#"{"content":"late"}"#),
            ]) == [nil, nil, #"b\"\u00e9"#, "", nil, nil])
    }

    @Test func saysNothingOfALikeChunkBehindAnother() {
        let (text, call) = (#"{"content":"a"}"#, #"{"tool_calls":[{"index":0}]}"#)
        #expect(
            moreTexts([text, text, call, text, text].map { chunk($0) }) == [
                nil, "a", nil, nil, nil,
            ])
    }

    @Test(arguments: [
        #"{"content":"a","reasoning":"b"}"#, #"{"reasoning":"b","content":""}"#,
        #"{"content":"a","tool_calls":[{"index":0}]}"#, #"{"content":"a","audio":{"id":1}}"#,
        #"{"content":"a","score":1}"#,
    ])
    func saysNothingWhereADeltaSaysMore(delta: String) {
        #expect(moreTexts([chunk(delta), chunk(delta), chunk(delta)]) == [nil, nil, nil])
    }

    @Test func whatIsEmptyBesideItIsNothing() {
        let delta = #"{"content":"","tool_calls":[],"refusal":null,"reasoning":"b"}"#
        #expect(moreTexts([chunk(delta), chunk(delta)]) == [nil, "b"])
    }
}
