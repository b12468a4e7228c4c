import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct EmbeddingResponseObserverTests {
    private static let answer =
        #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2]}],"model":"e","usage":{"prompt_tokens":2,"total_tokens":2}}"#

    @Test func readsAnAnswer() {
        Self.answer.withByteSlice { body in
            let observer = EmbeddingResponseObserver(observing: body)
            #expect(observer.failure == nil)
            #expect(observer.usage?.inputTokens == 2)
            #expect(observer.usage?.totalTokens == 2)
            #expect(observer.model.map { body[$0].string } == "e")
        }
    }

    @Test(
        arguments: [
            (#"{"error":{"message":"no","code":"c"}}"#, .upstreamFault), ("{}", .upstreamMalformed),
            ("[]", .upstreamMalformed), ("", .upstreamMalformed),
            ("<html></html>", .upstreamMalformed), (#"{"data":{}}"#, .upstreamMalformed),
            (#"{"data":[]"#, .upstreamMalformed), (#"{"data":[]} "#, nil),
            (#"{"data":[],"error":null}"#, nil),
        ] as [(String, Failure.Kind?)])
    func judges(_ body: String, _ kind: Failure.Kind?) {
        let observer = body.withByteSlice { EmbeddingResponseObserver(observing: $0) }
        #expect(observer.failure?.kind == kind)
    }

    @Test func refusesEveryPrefix() {
        Self.answer.withByteSlice { body in
            for count in 0..<body.count {
                let observer = EmbeddingResponseObserver(observing: body.prefix(count))
                #expect(observer.failure?.kind == .upstreamMalformed)
            }
        }
    }
}
