import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct GeminiErrorDecoderTests {
    @Test(
        arguments: [
            (400, .upstreamRefusal, 400), (404, .upstreamRefusal, 404),
            (409, .upstreamRefusal, 409), (413, .upstreamRefusal, 413),
            (422, .upstreamRefusal, 422), (401, .upstreamAuthentication, 502),
            (403, .upstreamAuthentication, 502), (408, .upstreamTimeout, 504),
            (504, .upstreamTimeout, 504), (429, .upstreamRateLimit, 429),
            (503, .upstreamOverload, 503), (500, .upstreamFault, 502),
            (499, .upstreamFault, 502), (501, .upstreamFault, 502),
            (302, .upstreamMalformed, 502),
        ] as [(Int, Failure.Kind, Int)])
    func maps(_ upstream: Int, _ kind: Failure.Kind, _ status: Int) {
        let failure = decode(
            upstream, #"{"error":{"code":1,"message":"said so","status":"X"}}"#, " 7 ")
        #expect(failure.kind == kind)
        #expect(failure.status == status)
        #expect(failure.upstreamStatus == upstream)
        #expect((failure.message == "said so") == (kind == .upstreamRefusal))
        #expect(failure.reportedCode == (upstream == 404 ? "model_not_found" : nil))
        let waits = kind == .upstreamRateLimit || kind == .upstreamOverload
        #expect(failure.retryAfter == (waits ? 7 : nil))
    }

    @Test(arguments: [
        #"{"error":{"code":400,"message":"m","details":[{},{"reason":"API_KEY_INVALID"}]}}"#,
        #"[{"error":{"code":400,"message":"API key not valid. Please pass one.","status":"S"}}]"#,
        #"{"error":{"code":400,"message":"API key expired. Please renew it."}}"#,
    ])
    func knowsABadKey(_ body: String) {
        #expect(decode(400, body).kind == .upstreamAuthentication)
        #expect(decode(400, body).status == 502)
    }

    @Test(arguments: [
        ("17s", 17), ("3.5s", 4), ("3.000s", 3), ("0.2s", 1), ("99999999s", 86_400), ("s", nil),
        ("1", nil), ("-1s", nil), ("", nil),
    ])
    func readsHowLongToWait(_ delay: String, _ seconds: Int?) {
        let body = """
            [{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED",
            "details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\(delay)"}]}}]
            """
        let failure = decode(429, body)
        #expect(failure.kind == .upstreamRateLimit)
        #expect(failure.retryAfter == seconds)
        // The header is the nearer word.
        #expect(decode(429, body, "5").retryAfter == 5)
    }

    @Test(arguments: [
        "", "<html>", "[]", "7", "{}", #"{"error":"x"}"#, #"{"error":{"message":7}}"#,
    ])
    func takesNoWordsFromAnythingElse(_ body: String) {
        #expect(decode(400, body).message.contains("without a reason"))
        #expect(decode(500, body).kind == .upstreamFault)
    }

    @Test func boundsTheMessage() {
        let long = String(repeating: "漢", count: 5000)
        let failure = decode(400, #"{"error":{"message":"\#(long)"}}"#)
        #expect((2041...2048).contains(failure.message.utf8.count))
        #expect(failure.message.allSatisfy { $0 == "漢" })
    }

    @Test func removesTheCredential() {
        let failure = decode(400, #"{"error":{"message":"key AIzaSyA-secret-123 is odd"}}"#)
        #expect(!failure.message.contains("secret"))
        #expect(failure.message.contains("***"))
    }

    private func decode(_ status: Int, _ body: String, _ retryAfter: String? = nil) -> Failure {
        body.withByteSlice { body in
            guard let retryAfter else {
                return GeminiErrorDecoder.decode(
                    status: status, body: body, retryAfter: nil,
                    secret: Secret("AIzaSyA-secret-123"))
            }
            return retryAfter.withByteSlice {
                GeminiErrorDecoder.decode(
                    status: status, body: body, retryAfter: $0,
                    secret: Secret("AIzaSyA-secret-123"))
            }
        }
    }
}
