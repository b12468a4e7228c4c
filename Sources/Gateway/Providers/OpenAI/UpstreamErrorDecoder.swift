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
        let failure = UpstreamStatus.failure(status, retryAfter: retryAfter)
        switch failure.kind {
        case .upstreamRefusal: return refusal(failure, body, secret)
        case .upstreamRateLimit: return rateLimit(failure, body)
        default: return failure
        }
    }

    /// The caller's request is wrong: the upstream knows best how.
    private static func refusal(
        _ general: Failure, _ body: ByteSlice, _ secret: Secret?
    ) -> Failure {
        guard let reported = ReportedError.read(body: body) else { return general }
        var failure = general
        if let message = reported.message { failure.message = message }
        failure.parameter = reported.parameter
        failure.reportedType = reported.type
        failure.reportedCode = reported.code
        return secret.map { SecretEraser.erase($0, from: failure) } ?? failure
    }

    private static func rateLimit(_ general: Failure, _ body: ByteSlice) -> Failure {
        let quota = "\(ErrorWire.Code.insufficientQuota)"
        let reported = ReportedError.read(body: body)
        guard reported?.code == quota || reported?.type == quota else { return general }
        var failure = UpstreamStatus.quota
        failure.upstreamStatus = general.upstreamStatus
        return failure
    }
}
