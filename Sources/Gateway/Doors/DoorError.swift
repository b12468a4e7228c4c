// DoorError.swift — a failure in the words of the door that it leaves by.
// Pure. Imported by Exchange.

import GatewayModel
import ReactorCore

/// An error answer.
package enum DoorError {
    case openAI(OpenAIError)
    case anthropic(AnthropicError)
    /// OpenAI's, but for the event that ends a stream.
    case responses(OpenAIError, Failure)

    package init(_ failure: Failure, at door: Door) {
        switch door {
        case _ where door.speaksAnthropic: self = .anthropic(AnthropicError(failure))
        case .answer(.responses): self = .responses(OpenAIError(failure), failure)
        default: self = .openAI(OpenAIError(failure))
        }
    }

    package var status: Int {
        switch self {
        case .openAI(let error), .responses(let error, _): error.status
        case .anthropic(let error): error.status
        }
    }

    /// Whether the answer says `x-should-retry: false`.
    package var isFinal: Bool {
        switch self {
        case .openAI(let error), .responses(let error, _): error.isFinal
        case .anthropic(let error): error.isFinal
        }
    }

    /// The value of `retry-after`.
    package var retryAfter: Int? {
        switch self {
        case .openAI(let error), .responses(let error, _): error.retryAfter
        case .anthropic(let error): error.retryAfter
        }
    }

    /// Appends the body of an answer.
    package func appendBody(requestID: ByteSlice, to buffer: inout ByteBuffer) {
        switch self {
        case .openAI(let error), .responses(let error, _): error.appendBody(to: &buffer)
        case .anthropic(let error): error.appendBody(requestID: requestID, to: &buffer)
        }
    }

    /// Appends the event that ends a stream whose head is out; nothing may follow it.
    /// - Parameter eventCount: how many events the stream has had, where they are numbered.
    package func appendEvent(
        requestID: ByteSlice, eventCount: Int = 0, to buffer: inout ByteBuffer
    ) {
        switch self {
        case .openAI(let error): error.appendEvent(to: &buffer)
        case .anthropic(let error): error.appendEvent(requestID: requestID, to: &buffer)
        case .responses(_, let failure):
            ResponsesStreamEncoder.appendError(failure, eventCount: eventCount, to: &buffer)
        }
    }
}
