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

    @Test(arguments: [Self.role, Self.text, Self.finish, Self.usage])
    func refusesEveryPrefix(_ payload: String) {
        for count in 0..<payload.utf8.count {
            var observer = ChatStreamObserver()
            let verdict = payload.withByteSlice { observer.observe($0.prefix(count)) }
            guard case .malformed = verdict else {
                Issue.record("\(count) bytes of \(payload)")
                continue
            }
            #expect(observer.chunkCount == 0)
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
}
