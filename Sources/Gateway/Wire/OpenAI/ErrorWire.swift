// ErrorWire.swift — the spelling of errors in the OpenAI dialects.
// Names and one writer: which failure gets which words is the door's to say. Imported by doors and
// providers.

import GatewayCodec
import ReactorCore

package enum ErrorWire {
    package static let error: StaticString = "error"
    package static let message: StaticString = "message"
    package static let type: StaticString = "type"
    package static let parameter: StaticString = "param"
    package static let code: StaticString = "code"
    /// Where other servers put the sentence.
    package static let detail: StaticString = "detail"

    package enum ErrorType {
        package static let invalidRequest: StaticString = "invalid_request_error"
        package static let permission: StaticString = "permission_error"
        package static let rateLimit: StaticString = "rate_limit_error"
        package static let insufficientQuota: StaticString = "insufficient_quota"
        package static let server: StaticString = "server_error"
        package static let unavailable: StaticString = "service_unavailable_error"
    }

    package enum Code {
        package static let invalidValue: StaticString = "invalid_value"
        package static let missingParameter: StaticString = "missing_required_parameter"
        package static let unsupportedParameter: StaticString = "unsupported_parameter"
        package static let invalidAPIKey: StaticString = "invalid_api_key"
        package static let modelNotFound: StaticString = "model_not_found"
        package static let rateLimitExceeded: StaticString = "rate_limit_exceeded"
        package static let insufficientQuota: StaticString = "insufficient_quota"
        package static let overloaded: StaticString = "overloaded"
        package static let upstreamAuthentication: StaticString = "upstream_authentication_failed"
        package static let upstreamTimeout: StaticString = "upstream_timeout"
        package static let upstreamUnreachable: StaticString = "upstream_unreachable"
        package static let upstreamError: StaticString = "upstream_error"
        package static let upstreamInvalid: StaticString = "upstream_invalid_response"
        package static let upstreamCut: StaticString = "upstream_connection_lost"
    }

    /// Appends `{"error":{...}}` with all four members, which the schema requires.
    package static func append(
        message: ByteSlice, type: ByteSlice, parameter: ByteSlice?, code: ByteSlice?,
        to buffer: inout ByteBuffer
    ) {
        buffer.writeJSON { json in
            json.beginObject()
            json.beginObject(error)
            json.field(self.message, message)
            json.field(self.type, type)
            field(self.parameter, parameter, &json)
            field(self.code, code, &json)
            json.endObject()
            json.endObject()
        }
    }

    private static func field(
        _ name: StaticString, _ value: ByteSlice?, _ json: inout JSONWriter
    ) {
        if let value { json.field(name, value) } else { json.null(name) }
    }
}
