// AnthropicErrorDecoder.swift — an answer with a status of failure, as a Failure.
// Pure. Imported by Catalog. Invariant: no byte of the provider's credential gets into a message,
// and no message is taken from anything but JSON.

import GatewayCodec
import GatewayModel
import ReactorCore

package enum AnthropicErrorDecoder {
    /// So much of an error's body is read.
    package static let bodyBytesMax = 64 << 10

    /// - Parameters:
    ///   - retryAfter: the value of that header; only whole seconds are understood.
    ///   - secret: the credential that was sent, which servers like to quote.
    package static func decode(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        let reported = read(body.prefix(min(body.count, bodyBytesMax)))
        var failure = failure(status, reported)
        failure.upstreamStatus = status
        switch failure.kind {
        case .upstreamRateLimit, .upstreamOverload:
            failure.retryAfter = retryAfter?.trimmed.decimalValue
        default: break
        }
        return secret.map { SecretEraser.erase($0, from: failure) } ?? failure
    }

    private static func failure(_ status: Int, _ reported: AnthropicReportedError?) -> Failure {
        switch status {
        case 400, 404, 409, 413, 422:
            var failure = Failure(
                .upstreamRefusal,
                reported?.message
                    ?? "The upstream refused the request (status \(status)) without a reason.")
            failure.reportedType = reported?.type
            return failure
        case 401, 403:
            return Failure(
                .upstreamAuthentication,
                "The upstream did not accept the gateway's credential (status \(status)).")
        case 402: return quota
        case 408, 504:
            return Failure(.upstreamTimeout, "The upstream timed out (status \(status)).")
        case 429:
            if reported?.isSpendLimit == true { return quota }
            return Failure(.upstreamRateLimit, "The upstream's rate limit has been reached.")
        case 503, 529:
            return Failure(.upstreamOverload, "The upstream is overloaded (status \(status)).")
        case 300...399:
            return Failure(
                .upstreamMalformed,
                "The upstream answered with a redirect (status \(status)), which is not followed.")
        default: return Failure(.upstreamFault, "The upstream failed (status \(status)).")
        }
    }

    private static var quota: Failure {
        Failure(.upstreamQuota, "The gateway's quota at the upstream is used up.")
    }

    /// Errors are rare: the memory to read one is not kept.
    private static func read(_ body: ByteSlice) -> AnthropicReportedError? {
        guard let tree = try? JSONArena().read(body) else { return nil }
        return AnthropicReportedError(tree.root)
    }
}
