// UpstreamErrorDecoder.swift — what an upstream's error status means for the client. The table is
// in docs/errors.md.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// An error answer of an OpenAI-compatible upstream, as a Failure.
package enum UpstreamErrorDecoder {
    /// Bytes of an error body that are read; the rest is dropped.
    package static let bodyBytesMax = 64 * 1024

    /// - Parameter secret: the key that was sent; wherever the upstream echoes it, it is blotted
    ///   out.
    package static func decode(
        status: Int, body: ByteSlice, retryAfter: Int?, secret: Secret
    ) -> Failure {
        switch status {
        case 400, 404, 409, 413, 422:
            return passedOn(status: status, body: body, secret: secret)
        case 401, 403:
            return Failure(
                .upstreamAuthentication,
                "The upstream refused the gateway's own credentials (status \(status)).")
        case 408, 504:
            return Failure(
                .upstreamTimeout(clock: "upstream"), "The upstream timed out (status \(status)).")
        case 429:
            return Failure(
                .upstreamRateLimited,
                message(in: body, secret: secret) ?? "The upstream's rate limit is reached.",
                retryAfter: retryAfter)
        case 503:
            return Failure(
                .upstreamUnavailable, "The upstream is unavailable (status 503).",
                retryAfter: retryAfter ?? 1)
        case 529:
            return Failure(
                .upstreamOverloaded, "The upstream is overloaded (status 529).",
                retryAfter: retryAfter ?? 1)
        case 300..<400:
            return Failure(
                .badUpstream, "The upstream answered with a redirect, which is never followed.")
        default:
            return Failure(.badUpstream, "The upstream failed (status \(status)).")
        }
    }

    private static func passedOn(status: Int, body: ByteSlice, secret: Secret) -> Failure {
        guard let error = errorValue(in: body) else {
            return Failure(
                .upstreamRefused(status: status),
                "The upstream refused the request (status \(status)).")
        }
        let read = ErrorReader.read(error)
        return Failure(
            .upstreamRefused(status: status), blot(secret, in: read.message),
            param: read.param.map { blot(secret, in: $0) },
            upstreamCode: read.code.map { blot(secret, in: $0) },
            upstreamType: read.type.map { blot(secret, in: $0) })
    }

    private static func message(in body: ByteSlice, secret: Secret) -> String? {
        errorValue(in: body).map { blot(secret, in: ErrorReader.read($0).message) }
    }

    /// The value of the top-level `error` member of a JSON body.
    private static func errorValue(in body: ByteSlice) -> ByteSlice? {
        do throws(JSONFailure) {
            var scanner = JSONScanner(body)
            var found: Range<Int>?
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                if scanner.bytes(member.key.range) == ChatWire.error { found = member.value.range }
            }
            try scanner.finish()
            return found.map { body[$0] }
        } catch {
            return nil
        }
    }

    /// `text` without the secret, nor any word that starts like a key.
    private static func blot(_ secret: Secret, in text: String) -> String {
        let key = secret.withBytes { $0.string }
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let isKey =
                word.contains("sk-") || (!key.isEmpty && key.utf8.count >= 4 && word.contains(key))
            return isKey ? "***" : String(word)
        }
        return words.joined(separator: " ")
    }
}
