import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct ChatResponseObserverTests {
    private static let answer =
        #"{"id":"c","model":"gpt-x","choices":[{"index":0,"message":{"content":"{\"error\":1}"},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":4,"completion_tokens":5}}"#

    @Test func readsAnAnswer() {
        Self.answer.withByteSlice { body in
            let observer = ChatResponseObserver(observing: body)
            #expect(observer.failure == nil)
            #expect(observer.finishReason == .toolCalls)
            #expect(observer.usage?.inputTokens == 4)
            // The sum is made where it is missing.
            #expect(observer.usage?.totalTokens == 9)
            #expect(observer.places.model.map { body[$0].string } == "gpt-x")
        }
    }

    @Test func readsATextCompletion() {
        let body =
            #"{"id":"c","object":"text_completion","model":"m","choices":[{"text":"x","index":0,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#
        let observer = body.withByteSlice { ChatResponseObserver(observing: $0) }
        #expect(observer.failure == nil)
        #expect(observer.finishReason == .length)
        #expect(observer.usage?.totalTokens == 3)
    }

    @Test(
        arguments: [
            (#"{"error":{"message":"no","code":"c"}}"#, .upstreamFault), ("{}", .upstreamMalformed),
            ("[]", .upstreamMalformed), ("", .upstreamMalformed),
            ("<html></html>", .upstreamMalformed),
            (#"{"choices":{}}"#, .upstreamMalformed), (#"{"choices":[]"#, .upstreamMalformed),
            (#"{"choices":[]} "#, nil), (#"{"choices":[],"error":null}"#, nil),
        ] as [(String, Failure.Kind?)])
    func judges(_ body: String, _ kind: Failure.Kind?) {
        let failure = body.withByteSlice { ChatResponseObserver(observing: $0).failure }
        #expect(failure?.kind == kind)
    }

    @Test func refusesEveryPrefix() {
        for count in 0..<Self.answer.utf8.count {
            let failure = Self.answer.withByteSlice {
                ChatResponseObserver(observing: $0.prefix(count)).failure
            }
            #expect(failure?.kind == .upstreamMalformed, "\(count)")
        }
    }
}
