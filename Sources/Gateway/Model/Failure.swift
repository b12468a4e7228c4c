// Failure.swift — the one way in which an exchange goes wrong, whoever's fault it is.
// Pure. Providers make failures from bytes, only doors turn them into bytes. A message never holds
// a credential or a prompt. Imported by every floor above.

/// Why an exchange cannot be answered as asked.
package struct Failure: Error, Equatable, Sendable {
    /// Whose fault it is.
    package enum Fault: Sendable { case caller, upstream, us }

    package enum Kind: Sendable, CaseIterable {
        // The caller's.
        case malformedRequest
        case invalidParameter
        case missingParameter
        case unsupportedParameter
        case missingKey
        case invalidKey
        case notPermitted
        case unknownModel
        case unknownPath
        case methodNotAllowed
        case requestTimeout
        case bodyTooLarge
        case targetTooLong
        case unsupportedMediaType
        case rateLimited
        /// The key has spent its budget.
        case budgetSpent
        case headTooLarge
        case unsupportedTransferCoding
        case unsupportedVersion
        // The upstream's.
        /// It says that the request is wrong; its status is kept.
        case upstreamRefusal
        /// It does not take our credential: never to be mistaken for the client's.
        case upstreamAuthentication
        case upstreamRateLimit
        case upstreamQuota
        case upstreamOverload
        case upstreamTimeout
        case upstreamUnreachable
        /// It says that it failed.
        case upstreamFault
        /// What it said makes no sense.
        case upstreamMalformed
        /// It stopped in the middle.
        case upstreamCut
        // Ours.
        case overloaded
        case shuttingDown
        case notImplemented
        case internalFault
    }

    /// Which clock ran out.
    package enum Clock: String, Sendable {
        case connect
        case poolWait = "pool wait"
        case responseHead = "response head"
        case idle
        case total
        case requestHead = "request head"
        case requestBody = "request body"
    }

    package var kind: Kind
    /// A sentence for the caller.
    package var message: String
    /// The request's parameter that is meant.
    package var parameter: String?
    /// The status that the upstream gave, if any.
    package var upstreamStatus: Int?
    /// The upstream's own word for the kind of error, and for this one.
    package var reportedType: String?
    package var reportedCode: String?
    /// Whole seconds to wait before another try.
    package var retryAfter: Int?
    package var clock: Clock?

    package init(
        _ kind: Kind, _ message: String, parameter: String? = nil, upstreamStatus: Int? = nil,
        retryAfter: Int? = nil, clock: Clock? = nil
    ) {
        self.kind = kind
        self.message = message
        self.parameter = parameter
        self.upstreamStatus = upstreamStatus
        self.retryAfter = retryAfter
        self.clock = clock
    }

    /// An upstream clock that ran out.
    package static func timeout(_ clock: Clock, after limit: Duration) -> Failure {
        Failure(
            .upstreamTimeout,
            "The upstream took too long: the \(clock.rawValue) time-out of "
                + "\(limit.components.seconds) s ran out.",
            clock: clock)
    }

    package var fault: Fault {
        switch kind {
        case .malformedRequest, .invalidParameter, .missingParameter, .unsupportedParameter,
            .missingKey, .invalidKey, .notPermitted, .unknownModel, .unknownPath, .methodNotAllowed,
            .requestTimeout, .bodyTooLarge, .targetTooLong, .unsupportedMediaType, .rateLimited,
            .budgetSpent, .headTooLarge, .unsupportedTransferCoding, .unsupportedVersion,
            .upstreamRefusal:
            .caller
        case .upstreamAuthentication, .upstreamRateLimit, .upstreamQuota, .upstreamOverload,
            .upstreamTimeout, .upstreamUnreachable, .upstreamFault, .upstreamMalformed,
            .upstreamCut:
            .upstream
        case .overloaded, .shuttingDown, .notImplemented, .internalFault: .us
        }
    }

    /// The HTTP status of the answer, while its head is not out.
    package var status: Int {
        switch kind {
        case .malformedRequest, .invalidParameter, .missingParameter, .unsupportedParameter: 400
        case .missingKey, .invalidKey: 401
        case .notPermitted: 403
        case .unknownModel, .unknownPath: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .unsupportedMediaType: 415
        case .rateLimited, .budgetSpent, .upstreamRateLimit, .upstreamQuota: 429
        case .headTooLarge: 431
        case .internalFault: 500
        case .unsupportedTransferCoding, .notImplemented: 501
        case .upstreamAuthentication, .upstreamUnreachable, .upstreamFault, .upstreamMalformed,
            .upstreamCut:
            502
        case .upstreamOverload, .overloaded, .shuttingDown: 503
        case .upstreamTimeout: 504
        case .unsupportedVersion: 505
        case .upstreamRefusal: upstreamStatus ?? 400
        }
    }

    /// Whether another target might answer the same request.
    package var mayBeTriedElsewhere: Bool {
        fault == .upstream
    }

    /// Whether the same request, sent again by the client, would fail again or cost twice: what
    /// the gateway has tried itself, what only an operator can cure, what the caller must change,
    /// and time-outs, behind which an answer may have been made and billed.
    package var isFinal: Bool {
        switch kind {
        case .requestTimeout, .rateLimited, .upstreamRateLimit, .upstreamOverload, .upstreamFault,
            .upstreamMalformed, .upstreamCut, .overloaded, .shuttingDown:
            false
        case .upstreamRefusal: upstreamStatus != 409
        default: true
        }
    }
}

extension Failure.Kind {
    /// One word for logs and metrics.
    package var reason: StaticString {
        switch self {
        case .malformedRequest, .invalidParameter, .missingParameter, .bodyTooLarge,
            .targetTooLong, .unsupportedMediaType, .headTooLarge, .unsupportedTransferCoding,
            .unsupportedVersion, .methodNotAllowed, .unknownPath:
            "bad_request"
        case .unsupportedParameter: "unsupported"
        case .missingKey, .invalidKey, .notPermitted: "access"
        case .unknownModel: "unknown_model"
        case .requestTimeout: "request_timeout"
        case .rateLimited: "limited"
        case .budgetSpent: "budget"
        case .upstreamRefusal: "refused"
        case .upstreamAuthentication: "authentication"
        case .upstreamRateLimit: "rate_limit"
        case .upstreamQuota: "quota"
        case .upstreamOverload: "overload"
        case .upstreamTimeout: "timeout"
        case .upstreamUnreachable: "unreachable"
        case .upstreamFault: "fault"
        case .upstreamMalformed: "malformed"
        case .upstreamCut: "cut"
        case .overloaded: "busy"
        case .shuttingDown: "shutting_down"
        case .notImplemented: "not_implemented"
        case .internalFault: "internal"
        }
    }
}
