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
        if status == 402 || (status == 429 && reported?.isSpendLimit == true) {
            return UpstreamStatus.quota
        }
        var failure = UpstreamStatus.failure(status)
        if failure.kind == .upstreamRefusal {
            if let message = reported?.message { failure.message = message }
            failure.reportedType = reported?.type
        }
        return failure
    }

    /// Errors are rare: the memory to read one is not kept.
    private static func read(_ body: ByteSlice) -> AnthropicReportedError? {
        guard let tree = try? JSONArena().read(body) else { return nil }
        return AnthropicReportedError(tree.root)
    }
}
