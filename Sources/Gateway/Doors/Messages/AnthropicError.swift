// AnthropicError.swift — a failure in the words of Anthropic's dialect.
// Pure. The mirror of OpenAIError. Imported by Exchange.

import GatewayModel
import GatewayWire
import ReactorCore

/// What an error answer is made of besides its body.
package struct AnthropicError: Sendable {
    package let status: Int
    /// Whether the answer says `x-should-retry: false`.
    package let isFinal: Bool
    /// The value of `retry-after`.
    package let retryAfter: Int?
    private let failure: Failure

    package init(_ failure: Failure) {
        self.failure = failure
        // This dialect has a status of its own for overload; clients of it know what to do.
        let isOverloaded = failure.kind == .upstreamOverload && failure.upstreamStatus == 529
        status = isOverloaded ? 529 : failure.status
        isFinal = failure.isFinal
        retryAfter = failure.retryAfter
    }

    /// Appends the body of an answer.
    package func appendBody(requestID: ByteSlice, to buffer: inout ByteBuffer) {
        var message = failure.message.isEmpty ? "The request failed." : failure.message
        if let parameter = failure.parameter { message = "\(parameter): \(message)" }
        message.withByteSlice {
            AnthropicErrorWire.append(
                message: $0, type: ByteSlice(type), requestID: requestID, to: &buffer)
        }
    }

    /// Appends the event that ends a stream whose head is out; nothing may follow it.
    package func appendEvent(requestID: ByteSlice, to buffer: inout ByteBuffer) {
        buffer.append("event: " as StaticString)
        buffer.append(MessagesWire.Event.error)
        buffer.append("\ndata: " as StaticString)
        appendBody(requestID: requestID, to: &buffer)
        buffer.append("\n\n" as StaticString)
    }

    private var type: StaticString {
        typealias Kind = AnthropicErrorWire.ErrorType
        return switch failure.kind {
        case .malformedRequest, .invalidParameter, .missingParameter, .unsupportedParameter,
            .methodNotAllowed, .requestTimeout, .targetTooLong, .unsupportedMediaType,
            .headTooLarge, .unsupportedTransferCoding, .unsupportedVersion, .notImplemented:
            Kind.invalidRequest
        case .bodyTooLarge: Kind.tooLarge
        case .missingKey, .invalidKey: Kind.authentication
        case .notPermitted: Kind.permission
        case .unknownModel, .unknownPath: Kind.notFound
        case .rateLimited, .budgetSpent, .upstreamRateLimit, .upstreamQuota: Kind.rateLimit
        case .upstreamOverload, .overloaded, .shuttingDown: Kind.overloaded
        case .upstreamTimeout: Kind.timeout
        case .upstreamRefusal: refusal
        case .upstreamAuthentication, .upstreamUnreachable, .upstreamFault, .upstreamMalformed,
            .upstreamCut, .internalFault:
            Kind.api
        }
    }

    private var refusal: StaticString {
        typealias Kind = AnthropicErrorWire.ErrorType
        return switch failure.upstreamStatus {
        case 404: Kind.notFound
        case 409: Kind.conflict
        case 413: Kind.tooLarge
        default: Kind.invalidRequest
        }
    }
}
