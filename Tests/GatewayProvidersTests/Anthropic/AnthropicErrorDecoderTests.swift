import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct AnthropicErrorDecoderTests {
    private func decode(
        _ status: Int, _ body: String, _ retryAfter: String? = nil, secret: Secret? = nil
    ) -> Failure {
        body.withByteSlice { body in
            guard let retryAfter else {
                return AnthropicErrorDecoder.decode(
                    status: status, body: body, retryAfter: nil, secret: secret)
            }
            return retryAfter.withByteSlice {
                AnthropicErrorDecoder.decode(
                    status: status, body: body, retryAfter: $0, secret: secret)
            }
        }
    }

    @Test(
        arguments: [
            (400, .upstreamRefusal, 400), (401, .upstreamAuthentication, 502),
            (402, .upstreamQuota, 429), (403, .upstreamAuthentication, 502),
            (404, .upstreamRefusal, 404), (408, .upstreamTimeout, 504),
            (409, .upstreamRefusal, 409), (413, .upstreamRefusal, 413),
            (422, .upstreamRefusal, 422), (429, .upstreamRateLimit, 429),
            (500, .upstreamFault, 502), (502, .upstreamFault, 502), (503, .upstreamOverload, 503),
            (504, .upstreamTimeout, 504), (529, .upstreamOverload, 503),
            (302, .upstreamMalformed, 502), (410, .upstreamFault, 502),
        ] as [(Int, Failure.Kind, Int)])
    func maps(_ upstream: Int, _ kind: Failure.Kind, _ status: Int) {
        let failure = decode(
            upstream,
            #"{"type":"error","error":{"type":"invalid_request_error","message":"said so"}}"#,
            " 7 ")
        #expect(failure.kind == kind)
        #expect(failure.status == status)
        #expect(failure.upstreamStatus == upstream)
        #expect((failure.message == "said so") == (kind == .upstreamRefusal))
        #expect((failure.reportedType != nil) == (kind == .upstreamRefusal))
        let isPassed = kind == .upstreamRateLimit || kind == .upstreamOverload
        #expect(failure.retryAfter == (isPassed ? 7 : nil))
    }

    @Test func tellsMoneyFromSpeed() {
        let failure = decode(
            429,
            #"{"error":{"type":"rate_limit_error","message":"m","#
                + #""details":{"error_code":"enforced_spend_limit_reached"}}}"#, "3")
        #expect(failure.kind == .upstreamQuota)
        #expect(failure.retryAfter == nil)
    }

    @Test(arguments: [
        (#"{"error":{"message":"a"}}"#, "a"), (#"[{"error":{"code":400,"message":"b"}}]"#, "b"),
        (#"{"message":"c"}"#, "c"), (#"{"error":"d"}"#, "d"), ("<html>", nil), ("", nil),
        ("[]", nil), ("7", nil), (#"{"error":{"message":""}}"#, nil),
        (#"{"error":{"message":"cut"#, nil),
    ])
    func readsEveryShape(_ body: String, _ message: String?) {
        let found = decode(400, body).message
        if let message { #expect(found == message) } else { #expect(found.contains("reason")) }
    }

    @Test func boundsAndCleansTheMessage() {
        let long = decode(400, "{\"message\":\"\(String(repeating: "漢", count: 5000))\"}")
        #expect(long.message.utf8.count <= 2048)
        #expect(!long.message.contains("\u{FFFD}"))
        let secret = Secret("sk-ant-0123456789abcdef")
        let told = decode(
            400, #"{"message":"bad key sk-ant-0123456789abcdef here"}"#, secret: secret)
        #expect(told.message == "bad key *** here")
    }
}
