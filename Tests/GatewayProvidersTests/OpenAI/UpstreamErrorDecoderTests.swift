import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct UpstreamErrorDecoderTests {
    @Test(
        arguments: [
            (400, .upstreamRefusal, 400), (404, .upstreamRefusal, 404),
            (409, .upstreamRefusal, 409),
            (413, .upstreamRefusal, 413), (422, .upstreamRefusal, 422),
            (401, .upstreamAuthentication, 502), (403, .upstreamAuthentication, 502),
            (408, .upstreamTimeout, 504), (504, .upstreamTimeout, 504),
            (429, .upstreamRateLimit, 429), (503, .upstreamOverload, 503),
            (529, .upstreamOverload, 503),
            (500, .upstreamFault, 502), (502, .upstreamFault, 502), (410, .upstreamFault, 502),
            (424, .upstreamFault, 502), (418, .upstreamFault, 502), (302, .upstreamMalformed, 502),
        ] as [(Int, Failure.Kind, Int)])
    func maps(_ upstream: Int, _ kind: Failure.Kind, _ status: Int) {
        let failure = decode(upstream, #"{"error":{"message":"said so","code":"c"}}"#, " 7 ")
        #expect(failure.kind == kind)
        #expect(failure.status == status)
        #expect(failure.upstreamStatus == upstream)
        #expect((failure.message == "said so") == (kind == .upstreamRefusal))
        #expect((failure.reportedCode == "c") == (kind == .upstreamRefusal))
        let isPassed = kind == .upstreamRateLimit || kind == .upstreamOverload
        #expect(failure.retryAfter == (isPassed ? 7 : nil))
    }

    @Test(arguments: [
        (#"{"error":{"message":"a \u00e9\n","param":"p","type":"t"}}"#, "a é\n"),
        (#"{"error":"b"}"#, "b"), (#"{"object":"error","message":"c","code":400}"#, "c"),
        (#"{"detail":"d"}"#, "d"), (#"[{"error":{"code":400,"message":"e"}}]"#, "e"),
        ("<html><body>Bad Request</body></html>", nil), ("", nil),
        (#"{"error":{"message":"cut"#, nil),
        (#"{"error":{"message":"x"}} trailing"#, nil), (#"{"error":{"message":""}}"#, nil),
        (#"{"error":{"message":17}}"#, nil), ("[]", nil), ("7", nil),
    ])
    func readsEveryShape(_ body: String, _ message: String?) {
        let failure = decode(400, body)
        if let message {
            #expect(failure.message == message)
        } else {
            #expect(failure.message.contains("without a reason"))
        }
    }

    @Test func boundsTheMessage() {
        let failure = decode(
            400, "{\"error\":{\"message\":\"\(String(repeating: "漢", count: 5000))\"}}")
        #expect(failure.message.utf8.count <= 2048)
        #expect(failure.message.utf8.count > 2040)
        #expect(failure.message.allSatisfy { $0 == "漢" })
    }

    @Test func tellsQuotaFromRate() {
        let failure = decode(429, #"{"error":{"message":"m","code":"insufficient_quota"}}"#, "9")
        #expect(failure.kind == .upstreamQuota)
        #expect(failure.isFinal)
        #expect(decode(429, "{}", "Wed, 21 Oct 2026 07:28:00 GMT").retryAfter == nil)
    }

    @Test(arguments: [
        "the key sk-proj-0123456789abcdWXYZ is bad", "'sk-proj-0123456789abcdWXYZ'",
        "Bearer=sk-proj-0123456789abcdWXYZ.", "key sk-proj-01***", "key sk-proj-****WXYZ: no",
        "ends with ....WXYZ", "xsk-proj-0123456789abcdWXYZx",
    ])
    func removesTheCredential(_ message: String) {
        let failure = decode(400, "{\"error\":{\"message\":\"\(message)\"}}")
        #expect(!failure.message.contains("0123"))
        #expect(!failure.message.contains("sk-proj-"))
        #expect(!failure.message.contains("WXYZ"))
        #expect(failure.message.contains("***"))
    }

    @Test func removesACredentialThatIsNoWord() {
        let failure = "{\"error\":{\"message\":\"a:b=c d is bad\"}}".withByteSlice {
            UpstreamErrorDecoder.decode(
                status: 400, body: $0, retryAfter: nil, secret: Secret("a:b=c d"))
        }
        #expect(failure.message == "*** is bad")
    }

    private func decode(_ status: Int, _ body: String, _ retryAfter: String = "") -> Failure {
        body.withByteSlice { body in
            retryAfter.withByteSlice {
                UpstreamErrorDecoder.decode(
                    status: status, body: body, retryAfter: $0,
                    secret: Secret("sk-proj-0123456789abcdWXYZ"))
            }
        }
    }
}
