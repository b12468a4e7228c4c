// OpenAIError.swift — a failure in the words of the OpenAI dialects.
// Pure. Shared by the doors that speak them. Imported by Exchange.

import GatewayModel
import GatewayWire
import ReactorCore

/// What an error answer is made of besides its body.
package struct OpenAIError: Sendable {
    package let status: Int
    /// Whether the answer says `x-should-retry: false`.
    package let isFinal: Bool
    /// The value of `retry-after`.
    package let retryAfter: Int?
    fileprivate let failure: Failure
    fileprivate let type: StaticString
    fileprivate let code: StaticString?

    package init(_ failure: Failure) {
        self.failure = failure
        status = failure.status
        isFinal = failure.isFinal
        retryAfter = failure.retryAfter
        (type, code) = Self.words(for: failure)
    }

    /// Appends the body of an answer.
    package func appendBody(to buffer: inout ByteBuffer) {
        let type = failure.reportedType ?? "\(type)"
        let code = failure.reportedCode ?? code.map { "\($0)" }
        let message = failure.message.isEmpty ? "The request failed." : failure.message
        message.withByteSlice { message in
            type.withByteSlice { type in
                Self.withSlice(failure.parameter) { parameter in
                    Self.withSlice(code) { code in
                        ErrorWire.append(
                            message: message, type: type, parameter: parameter, code: code,
                            to: &buffer)
                    }
                }
            }
        }
    }

    /// Appends the event that ends a stream whose head is out; no `[DONE]` may follow it.
    package func appendEvent(to buffer: inout ByteBuffer) {
        buffer.append("data: " as StaticString)
        appendBody(to: &buffer)
        buffer.append("\n\n" as StaticString)
    }

    private static func withSlice(_ text: String?, _ body: (ByteSlice?) -> Void) {
        guard let text else { return body(nil) }
        text.withByteSlice { body($0) }
    }

    private static func words(for failure: Failure) -> (StaticString, StaticString?) {
        typealias Kind = ErrorWire.ErrorType
        typealias Code = ErrorWire.Code
        return switch failure.kind {
        case .malformedRequest, .unknownPath, .methodNotAllowed, .requestTimeout, .bodyTooLarge,
            .targetTooLong, .unsupportedMediaType, .headTooLarge, .unsupportedTransferCoding,
            .unsupportedVersion, .missingKey, .upstreamRefusal, .notImplemented:
            (Kind.invalidRequest, nil)
        case .invalidParameter: (Kind.invalidRequest, Code.invalidValue)
        case .missingParameter: (Kind.invalidRequest, Code.missingParameter)
        case .unsupportedParameter: (Kind.invalidRequest, Code.unsupportedParameter)
        case .invalidKey: (Kind.invalidRequest, Code.invalidAPIKey)
        case .notPermitted: (Kind.permission, nil)
        case .unknownModel: (Kind.invalidRequest, Code.modelNotFound)
        case .rateLimited, .upstreamRateLimit: (Kind.rateLimit, Code.rateLimitExceeded)
        case .budgetSpent, .upstreamQuota: (Kind.insufficientQuota, Code.insufficientQuota)
        case .upstreamAuthentication: (Kind.server, Code.upstreamAuthentication)
        case .upstreamOverload, .overloaded: (Kind.unavailable, Code.overloaded)
        case .shuttingDown: (Kind.unavailable, nil)
        case .upstreamTimeout: (Kind.server, Code.upstreamTimeout)
        case .upstreamUnreachable: (Kind.server, Code.upstreamUnreachable)
        case .upstreamFault: (Kind.server, Code.upstreamError)
        case .upstreamMalformed: (Kind.server, Code.upstreamInvalid)
        case .upstreamCut: (Kind.server, Code.upstreamCut)
        case .internalFault: (Kind.server, nil)
        }
    }
}
