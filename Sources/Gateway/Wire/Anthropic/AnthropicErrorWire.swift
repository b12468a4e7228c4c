// AnthropicErrorWire.swift — the spelling of errors in Anthropic's dialect.
// Names and one writer: which failure gets which words is the door's to say. Imported by doors and
// providers.

import GatewayCodec
import ReactorCore

package enum AnthropicErrorWire {
    package static let error: StaticString = "error"
    package static let type: StaticString = "type"
    package static let message: StaticString = "message"
    package static let requestID: StaticString = "request_id"
    package static let details: StaticString = "details"
    package static let errorCode: StaticString = "error_code"

    /// A code among the details of a rate limit: money, not speed.
    package static let spendLimit: StaticString = "enforced_spend_limit_reached"

    package enum ErrorType {
        package static let invalidRequest: StaticString = "invalid_request_error"
        package static let authentication: StaticString = "authentication_error"
        package static let billing: StaticString = "billing_error"
        package static let permission: StaticString = "permission_error"
        package static let notFound: StaticString = "not_found_error"
        package static let conflict: StaticString = "conflict_error"
        package static let tooLarge: StaticString = "request_too_large"
        package static let rateLimit: StaticString = "rate_limit_error"
        package static let api: StaticString = "api_error"
        package static let timeout: StaticString = "timeout_error"
        package static let overloaded: StaticString = "overloaded_error"
    }

    /// Appends `{"type":"error","error":{"type":...,"message":...},"request_id":...}`.
    package static func append(
        message: ByteSlice, type: ByteSlice, requestID: ByteSlice, to buffer: inout ByteBuffer
    ) {
        buffer.writeJSON { json in
            json.beginObject()
            json.field(self.type, error)
            json.beginObject(error)
            json.field(self.type, type)
            json.field(self.message, message)
            json.endObject()
            if !requestID.isEmpty { json.field(self.requestID, requestID) }
            json.endObject()
        }
    }
}
