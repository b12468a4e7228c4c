import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct OpenAIErrorTests {
    @Test(
        arguments: [
            (
                Failure(.invalidKey, "m"), 401, true,
                #""type":"invalid_request_error","param":null,"code":"invalid_api_key""#
            ),
            (
                Failure(.missingKey, "m"), 401, true,
                #""type":"invalid_request_error","param":null,"code":null"#
            ),
            (
                Failure(.unknownModel, "m", parameter: "model"), 404, true,
                #""type":"invalid_request_error","param":"model","code":"model_not_found""#
            ),
            (
                Failure(.unknownPath, "m"), 404, true,
                #""type":"invalid_request_error","param":null,"code":null"#
            ),
            (
                Failure(.rateLimited, "m", retryAfter: 3), 429, false,
                #""type":"rate_limit_error","param":null,"code":"rate_limit_exceeded""#
            ),
            (
                Failure(.budgetSpent, "m", retryAfter: 60), 429, true,
                #""type":"insufficient_quota","param":null,"code":"insufficient_quota""#
            ),
            (
                Failure(.upstreamQuota, "m"), 429, true,
                #""type":"insufficient_quota","param":null,"code":"insufficient_quota""#
            ),
            (
                Failure(.upstreamAuthentication, "m", upstreamStatus: 401), 502, true,
                #""type":"server_error","param":null,"code":"upstream_authentication_failed""#
            ),
            (
                Failure(.upstreamOverload, "m"), 503, false,
                #""type":"service_unavailable_error","param":null,"code":"overloaded""#
            ),
            (
                Failure(.upstreamTimeout, "m", clock: .idle), 504, true,
                #""type":"server_error","param":null,"code":"upstream_timeout""#
            ),
            (
                Failure(.internalFault, "m"), 500, true,
                #""type":"server_error","param":null,"code":null"#
            ),
        ] as [(Failure, Int, Bool, String)])
    func says(_ failure: Failure, _ status: Int, _ isFinal: Bool, _ rest: String) {
        let error = OpenAIError(failure)
        #expect(error.status == status)
        #expect(error.isFinal == isFinal)
        #expect(error.retryAfter == failure.retryAfter)
        var buffer = ByteBuffer()
        error.appendBody(to: &buffer)
        let body = buffer.string
        #expect(body == "{\"error\":{\"message\":\"m\",\(rest)}}")
        buffer.removeAll()
        error.appendEvent(to: &buffer)
        let event = buffer.string
        #expect(event == "data: \(body)\n\n")
    }

    @Test func keepsTheUpstreamsWords() {
        var failure = Failure(
            .upstreamRefusal, "too long", parameter: "messages", upstreamStatus: 400)
        failure.reportedType = "invalid_request_error"
        failure.reportedCode = "context_length_exceeded"
        var buffer = ByteBuffer()
        OpenAIError(failure).appendBody(to: &buffer)
        let body = buffer.string
        #expect(body.contains(#""param":"messages","code":"context_length_exceeded""#))
    }

    /// SDKs fall back to a text of their own where the message is empty; an event must be one line.
    @Test(arguments: Failure.Kind.allCases)
    func isAlwaysOneValidLine(_ kind: Failure.Kind) {
        for message in ["", "a\nb\r\n\ndata: [DONE]\n\n", "\u{0}\"\\"] {
            var buffer = ByteBuffer()
            OpenAIError(Failure(kind, message)).appendEvent(to: &buffer)
            let slice = buffer.slice
            let payload = slice[6..<slice.count - 2]
            #expect((try? JSONScanner.validate(payload)) == .object)
            #expect(payload.firstIndex(of: ASCII.lf) == nil)
            #expect(!payload.string.contains("\"message\":\"\""))
        }
    }
}
