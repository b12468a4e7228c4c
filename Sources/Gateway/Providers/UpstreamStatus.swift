// UpstreamStatus.swift — what a status of failure means, whoever's it is; dialects that say more in
// the body look there first. The table is docs/errors.md's.
// Pure. Every provider's error decoder uses it.

import GatewayModel
import ReactorCore

enum UpstreamStatus {
    /// The failure behind a status, in general words.
    static func failure(_ status: Int) -> Failure {
        var failure =
            switch status {
            case 400, 404, 409, 413, 422:
                Failure(
                    .upstreamRefusal,
                    "The upstream refused the request (status \(status)) without a reason.")
            case 401, 403:
                Failure(
                    .upstreamAuthentication,
                    "The upstream did not accept the gateway's credential (status \(status)).")
            case 408, 504:
                Failure(.upstreamTimeout, "The upstream timed out (status \(status)).")
            case 429: Failure(.upstreamRateLimit, "The upstream's rate limit has been reached.")
            case 503, 529:
                Failure(.upstreamOverload, "The upstream is overloaded (status \(status)).")
            case 300...399:
                Failure(
                    .upstreamMalformed,
                    "The upstream answered with a redirect (status \(status)), which is not "
                        + "followed.")
            default: Failure(.upstreamFault, "The upstream failed (status \(status)).")
            }
        failure.upstreamStatus = status
        return failure
    }

    /// The same with the `retry-after` header where waiting helps; only whole seconds are understood.
    static func failure(_ status: Int, retryAfter: ByteSlice?) -> Failure {
        var failure = failure(status)
        switch failure.kind {
        case .upstreamRateLimit, .upstreamOverload:
            failure.retryAfter = retryAfter?.trimmed.decimalValue
        default: break
        }
        return failure
    }

    static var quota: Failure {
        Failure(.upstreamQuota, "The gateway's quota at the upstream is used up.")
    }
}
