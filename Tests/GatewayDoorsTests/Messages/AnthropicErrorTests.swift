import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct AnthropicErrorTests {
    private func body(_ failure: Failure) -> String {
        var buffer = ByteBuffer()
        AnthropicError(failure).appendBody(requestID: ByteSlice("req_1"), to: &buffer)
        return buffer.string
    }

    @Test func speaksTheDialect() {
        let failure = Failure(.unsupportedParameter, "No \"audio\".", parameter: "messages[0]")
        #expect(
            body(failure)
                == #"{"type":"error","error":{"type":"invalid_request_error","#
                + #""message":"messages[0]: No \"audio\"."},"request_id":"req_1"}"#)
        var event = ByteBuffer()
        AnthropicError(failure).appendEvent(requestID: .empty, to: &event)
        #expect(event.string.hasPrefix("event: error\ndata: {\"type\":\"error\","))
        #expect(event.string.hasSuffix("}}\n\n"))
    }

    @Test(
        arguments: [
            (.invalidKey, nil, 401, "authentication_error"),
            (.notPermitted, nil, 403, "permission_error"),
            (.unknownModel, nil, 404, "not_found_error"),
            (.bodyTooLarge, nil, 413, "request_too_large"),
            (.upstreamRateLimit, 429, 429, "rate_limit_error"),
            (.upstreamOverload, 529, 529, "overloaded_error"),
            (.upstreamOverload, 503, 503, "overloaded_error"),
            (.overloaded, nil, 503, "overloaded_error"),
            (.upstreamTimeout, nil, 504, "timeout_error"),
            (.upstreamFault, 500, 502, "api_error"),
            (.upstreamAuthentication, 401, 502, "api_error"),
            (.internalFault, nil, 500, "api_error"),
            (.upstreamRefusal, 404, 404, "not_found_error"),
            (.upstreamRefusal, 413, 413, "request_too_large"),
            (.upstreamRefusal, 409, 409, "conflict_error"),
            (.upstreamRefusal, 422, 422, "invalid_request_error"),
        ] as [(Failure.Kind, Int?, Int, String)])
    func maps(_ kind: Failure.Kind, _ upstream: Int?, _ status: Int, _ type: String) {
        let failure = Failure(kind, "m", upstreamStatus: upstream)
        #expect(AnthropicError(failure).status == status)
        #expect(body(failure).contains("\"type\":\"\(type)\""))
    }
}
