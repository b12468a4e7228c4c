import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct ResponsesStreamObserverTests {
    private let usage = #"""
        "usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":1},
        "output_tokens":4,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":13}
        """#

    @Test func watchesAWholeStream() {
        var observer = ResponsesStreamObserver()
        let created =
            #"{"type":"response.created","response":{"status":"in_progress","usage":null}}"#
        #expect(observer.feed("response.created", created) == .event)
        #expect(!observer.hasContent)
        let delta = #"{"type":"response.output_text.delta","delta":"x","sequence_number":2}"#
        #expect(observer.feed("response.output_text.delta", delta) == .event)
        #expect(observer.hasContent)
        #expect(observer.endOfStream() != .complete)
        let completed =
            #"{"type":"response.completed","response":{"status":"completed","error":null,"output":[{"#
            + #""type":"function_call"}],\#(usage)}}"#
        #expect(observer.feed("response.completed", completed) == .last)
        #expect(observer.endOfStream() == .complete)
        #expect(observer.finishReason == .toolCalls)
        #expect(observer.eventCount == 3)
        #expect(observer.usage?.inputTokens == 9)
        #expect(observer.usage?.cachedTokens == 2)
        #expect(observer.usage?.cacheWriteTokens == 1)
        #expect(observer.usage?.outputTokens == 4)
        #expect(observer.usage?.reasoningTokens == 3)
        #expect(observer.usage?.totalTokens == 13)
        #expect(observer.feed("response.completed", completed) == .noise)
    }

    @Test(
        arguments: [
            ("max_output_tokens", .length), ("content_filter", .contentFilter), ("else", .other),
        ] as [(String, FinishReason)])
    func knowsWhyAnAnswerIsIncomplete(_ word: String, _ reason: FinishReason) {
        var observer = ResponsesStreamObserver()
        let event =
            #"{"response":{"status":"incomplete","incomplete_details":{"reason":"\#(word)"},"#
            + #""output":[]},"type":"response.incomplete"}"#
        #expect(observer.feed("", event) == .last)
        #expect(observer.finishReason == reason)
    }

    @Test func hearsAFailure() {
        var observer = ResponsesStreamObserver()
        let event =
            #"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","#
            + #""message":"broken"}}}"#
        guard case .failed(let failure) = observer.feed("response.failed", event) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.message == "broken")
        #expect(failure.reportedCode == "server_error")
        #expect(observer.endOfStream() == .complete)
    }

    @Test(
        arguments: [
            ("error", #"{"type":"error","code":"rate_limit","message":"slow down","param":null}"#),
            ("", #"{"type":"error","error":{"code":"rate_limit","message":"slow down"}}"#),
            ("", #"{"error":{"code":"rate_limit","message":"slow down"}}"#),
        ])
    func hearsAnError(_ name: String, _ event: String) {
        var observer = ResponsesStreamObserver()
        guard case .failed(let failure) = observer.feed(name, event) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.message == "slow down")
        #expect(failure.reportedCode == "rate_limit")
        #expect(failure.reportedType == nil)
    }

    @Test func theNameAboveCountsWhereTheDataSaysNothing() {
        var observer = ResponsesStreamObserver()
        #expect(observer.feed("response.completed", "{}") == .last)
    }

    @Test(arguments: ["", "{", "[]", "5", #"{"type":}"#])
    func refusesWhatIsNoEvent(_ data: String) {
        var observer = ResponsesStreamObserver()
        guard case .malformed = observer.feed("x", data) else {
            Issue.record("taken")
            return
        }
        #expect(observer.endOfStream() != .complete)
    }

    @Test func aMarkOfAnotherDialectEndsNothing() {
        var observer = ResponsesStreamObserver()
        #expect(observer.feed("", "[DONE]") == .noise)
        guard case .cut(let failure) = observer.endOfStream() else {
            Issue.record("whole")
            return
        }
        #expect(failure.kind == .upstreamCut)
    }
}

extension ResponsesStreamObserver {
    fileprivate mutating func feed(_ name: String, _ data: String) -> Verdict {
        name.withByteSlice { name in
            data.withByteSlice {
                observe(EventStreamEvent(name: name, data: $0, canonical: nil))
            }
        }
    }
}
