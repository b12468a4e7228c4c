// AccessToken.swift — a credential that runs out, and why one could not be had.
// Pure. Made by providers from bytes, kept by Policy, put on a wire by Exchange.

/// A bearer token or session cookie, with the seconds since 1970 between which it holds by our own
/// clock.
package struct AccessToken: Equatable, Sendable {
    /// What a provider may claim: longer lives are cut to this.
    package static let lifetimeMax = 366 * 86_400

    package let secret: Secret
    package let createdAt: Int
    package let expiresAt: Int
    /// `host` or `host:port` to send it to over TLS, where the issuer names one.
    package let apiHost: String?

    package init(secret: Secret, createdAt: Int, expiresAt: Int, apiHost: String? = nil) {
        self.secret = secret
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.apiHost = apiHost
    }

    /// Seconds from its making to its end, at least 0.
    package var lifetime: Int { max(0, expiresAt - createdAt) }
}

/// Why no token could be had. Never holds a credential.
package struct TokenFailure: Error, Equatable, Sendable {
    package enum Kind: Sendable {
        /// The endpoint does not accept what we are.
        case refused
        /// It asks for patience.
        case rateLimited
        /// It says that it failed.
        case fault
        /// What it said makes no sense.
        case malformed
        case unreachable
        case timedOut
    }

    package let kind: Kind
    /// The rest of a sentence that says that there is no token: no capital, no full stop.
    package let reason: String
    /// Whole seconds to wait before another try.
    package let retryAfter: Int?

    package init(_ kind: Kind, _ reason: String, retryAfter: Int? = nil) {
        self.kind = kind
        self.reason = reason
        self.retryAfter = retryAfter
    }

    /// Whether the same question, asked again in a moment, would get the same answer.
    package var isFinal: Bool {
        switch kind {
        case .refused, .malformed: true
        case .rateLimited, .fault, .unreachable, .timedOut: false
        }
    }
}
