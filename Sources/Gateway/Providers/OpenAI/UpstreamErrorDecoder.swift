// UpstreamErrorDecoder.swift — an upstream's answer with a status of failure, as a Failure.
// Pure. Imported by Exchange. Invariant: no byte of the provider's credential gets into a message,
// and no message is taken from anything but JSON.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum UpstreamErrorDecoder {
    /// How much of an error's body is worth keeping for this decoder.
    package static let bodyBytesMax = 64 << 10

    /// - Parameters:
    ///   - body: as much of the body as was kept, at most `bodyBytesMax`.
    ///   - retryAfter: the value of that header; only whole seconds are understood.
    ///   - secret: the credential that was sent, which servers like to quote.
    package static func decode(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        let body = body.prefix(min(body.count, bodyBytesMax))
        var failure: Failure
        switch status {
        case 400, 404, 409, 413, 422: failure = refusal(status, body, secret)
        case 401, 403:
            failure = Failure(
                .upstreamAuthentication,
                "The upstream did not accept the gateway's credential (status \(status)).")
        case 408, 504:
            failure = Failure(.upstreamTimeout, "The upstream timed out (status \(status)).")
        case 429: failure = rateLimit(body)
        case 503, 529:
            failure = Failure(.upstreamOverload, "The upstream is overloaded (status \(status)).")
        case 300...399:
            failure = Failure(
                .upstreamMalformed,
                "The upstream answered with a redirect (status \(status)), which is not followed.")
        default: failure = Failure(.upstreamFault, "The upstream failed (status \(status)).")
        }
        failure.upstreamStatus = status
        switch failure.kind {
        case .upstreamRateLimit, .upstreamOverload:
            failure.retryAfter = retryAfter?.trimmed.decimalValue
        default: break
        }
        return failure
    }

    /// The caller's request is wrong: the upstream knows best how.
    private static func refusal(_ status: Int, _ body: ByteSlice, _ secret: Secret?) -> Failure {
        let reported = ReportedError.read(body: body)
        var failure = Failure(
            .upstreamRefusal,
            reported?.message
                ?? "The upstream refused the request (status \(status)) without a reason.",
            parameter: reported?.parameter, upstreamStatus: status)
        failure.reportedType = reported?.type
        failure.reportedCode = reported?.code
        return secret.map { SecretEraser.erase($0, from: failure) } ?? failure
    }

    private static func rateLimit(_ body: ByteSlice) -> Failure {
        let quota = "\(ErrorWire.Code.insufficientQuota)"
        let reported = ReportedError.read(body: body)
        if reported?.code == quota || reported?.type == quota {
            return Failure(.upstreamQuota, "The gateway's quota at the upstream is used up.")
        }
        return Failure(.upstreamRateLimit, "The upstream's rate limit has been reached.")
    }
}
