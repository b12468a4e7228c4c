// Failure.swift — everything that can go wrong with a request, once, for all dialects. Only doors
// turn it into bytes, only providers make it from bytes.

import ReactorCore

/// Why a request gets an error instead of an answer.
package struct Failure: Error, Equatable, Sendable {
    /// Which error it is. Each has one status and one code in each dialect.
    package enum Kind: Equatable, Sendable {
        // The caller's.
        /// The body is not JSON, or breaks a rule of the dialect.
        case invalidRequest
        case missingKey
        case invalidKey
        case modelNotAllowed
        case originNotAllowed
        case modelNotFound
        case routeNotFound
        case methodNotAllowed(allow: String)
        case requestTimeout
        case bodyTooLarge
        case unsupportedMediaType
        case headTooLarge
        case targetTooLong
        case notImplemented
        case unsupportedVersion
        case unsupportedFeature
        // The upstream's, passed on with its status: 400, 404, 409, 413, 422.
        case upstreamRefused(status: Int)
        case upstreamRateLimited
        case upstreamAuthentication
        /// It broke HTTP, JSON or its dialect, answered 5xx, or was lost.
        case badUpstream
        case upstreamUnavailable
        case upstreamOverloaded
        /// A clock ran out; it is named.
        case upstreamTimeout(clock: String)
        // Ours.
        /// No connection could be had: pool, drain, overload.
        case overloaded
        case internalError
    }

    package var kind: Kind
    /// One plain sentence; never holds a secret or a prompt.
    package var message: String
    /// The field of the request at fault.
    package var param: String?
    /// The upstream's own `code` and `type`, where they are passed on.
    package var upstreamCode: String?
    package var upstreamType: String?
    /// When to try again, in seconds.
    package var retryAfter: Int?

    package init(
        _ kind: Kind, _ message: String, param: String? = nil, upstreamCode: String? = nil,
        upstreamType: String? = nil, retryAfter: Int? = nil
    ) {
        self.kind = kind
        self.message = message
        self.param = param
        self.upstreamCode = upstreamCode
        self.upstreamType = upstreamType
        self.retryAfter = retryAfter
    }

    /// A mistake in the request's body.
    package static func invalid(_ message: String, param: String? = nil) -> Failure {
        Failure(.invalidRequest, message, param: param)
    }
}
