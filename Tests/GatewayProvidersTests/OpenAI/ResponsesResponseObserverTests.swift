import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct ResponsesResponseObserverTests {
    @Test func readsAnAnswer() {
        let body =
            #"{"id":"resp_1","status":"completed","error":null,"model":"gpt-5","#
            + #""output":[{"type":"message"}],"usage":{"input_tokens":3,"output_tokens":4}}"#
        body.withByteSlice { bytes in
            let observer = ResponsesResponseObserver(observing: bytes)
            #expect(observer.failure == nil)
            #expect(observer.finishReason == .stop)
            #expect(observer.usage?.totalTokens == 7)
            #expect(observer.model.map { bytes[$0].string } == "gpt-5")
        }
    }

    @Test(
        arguments: [
            (#"{"status":"queued","output":[]}"#, nil, nil),
            (
                #"{"status":"failed","error":{"code":"c","message":"m"},"output":[]}"#,
                .upstreamFault, "m"
            ),
            (#"{"error":{"message":"m"}}"#, .upstreamFault, "m"),
            (#"{"status":"failed"}"#, .upstreamFault, "The upstream reported an error."),
            ("{}", .upstreamMalformed, "The upstream's answer is no response."),
            ("[]", .upstreamMalformed, "The upstream's answer is no response."),
        ] as [(String, Failure.Kind?, String?)])
    func judges(_ body: String, _ kind: Failure.Kind?, _ message: String?) {
        body.withByteSlice {
            let observer = ResponsesResponseObserver(observing: $0)
            #expect(observer.failure?.kind == kind)
            #expect(observer.failure?.message == message)
        }
    }

    @Test func refusesWhatIsCut() {
        #"{"output":[]"#.withByteSlice {
            #expect(ResponsesResponseObserver(observing: $0).failure?.kind == .upstreamMalformed)
        }
    }
}
