// DoorError.swift — a failure in the words of the door that it leaves by.
// Pure. Imported by Exchange.

import GatewayModel
import ReactorCore

/// An error answer.
package enum DoorError {
    case openAI(OpenAIError)
    case anthropic(AnthropicError)

    package init(_ failure: Failure, at door: Door) {
        switch door {
        case .answer(.messages), .countTokens: self = .anthropic(AnthropicError(failure))
        default: self = .openAI(OpenAIError(failure))
        }
    }

    package var status: Int {
        switch self {
        case .openAI(let error): error.status
        case .anthropic(let error): error.status
        }
    }

    /// Whether the answer says `x-should-retry: false`.
    package var isFinal: Bool {
        switch self {
        case .openAI(let error): error.isFinal
        case .anthropic(let error): error.isFinal
        }
    }

    /// The value of `retry-after`.
    package var retryAfter: Int? {
        switch self {
        case .openAI(let error): error.retryAfter
        case .anthropic(let error): error.retryAfter
        }
    }

    /// Appends the body of an answer.
    package func appendBody(requestID: ByteSlice, to buffer: inout ByteBuffer) {
        switch self {
        case .openAI(let error): error.appendBody(to: &buffer)
        case .anthropic(let error): error.appendBody(requestID: requestID, to: &buffer)
        }
    }

    /// Appends the event that ends a stream whose head is out; nothing may follow it.
    package func appendEvent(requestID: ByteSlice, to buffer: inout ByteBuffer) {
        switch self {
        case .openAI(let error): error.appendEvent(to: &buffer)
        case .anthropic(let error): error.appendEvent(requestID: requestID, to: &buffer)
        }
    }
}
