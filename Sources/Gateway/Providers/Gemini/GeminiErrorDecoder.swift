// GeminiErrorDecoder.swift — Google's errors as a Failure: alone, in an array, or inside an answer.
// Pure; allocates, for errors are rare. Invariant: no byte of the provider's credential gets into a
// message, and no message is taken from anything but JSON.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum GeminiErrorDecoder {
    /// How much of an error's body is looked at.
    package static let bodyBytesMax = 64 << 10
    package static let messageBytesMax = 2048
    /// So many details are looked at.
    static let detailCountMax = 16
    /// Longer waits than a day are nobody's.
    static let retrySecondsMax = 86_400

    /// What Google says about an error.
    private struct Report {
        var code: Int?
        var message: String?
        var isAboutKey = false
        var retrySeconds: Int?
    }

    /// - Parameters:
    ///   - retryAfter: the value of that header; only whole seconds are understood.
    ///   - secret: the credential that was sent.
    package static func decode(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        var report = Report()
        let arena = JSONArena(bytesMax: 0)
        if body.count <= bodyBytesMax, let tree = try? arena.read(body) {
            var root: JSONValue? = tree.root
            if tree.root.kind == .array {
                var elements = tree.root.elements
                root = elements.next()
            }
            if let error = root?[GeminiErrorWire.error] { report = read(error) }
        }
        var failure = failure(status, report)
        if mayWait(failure), let seconds = retryAfter?.trimmed.decimalValue {
            failure.retryAfter = seconds
        }
        return secret.map { SecretEraser.erase($0, from: failure) } ?? failure
    }

    /// An error inside an answer that began well; its own code stands for the status.
    static func failure(inAnswer error: JSONValue) -> Failure {
        let report = read(error)
        var failure = failure(report.code ?? 500, report)
        if failure.kind == .upstreamFault, let message = report.message {
            failure.message = message
        }
        return failure
    }

    private static func mayWait(_ failure: Failure) -> Bool {
        failure.kind == .upstreamRateLimit || failure.kind == .upstreamOverload
    }

    private static func failure(_ status: Int, _ report: Report) -> Failure {
        // A bad key is a bad request in Google's words.
        var failure = UpstreamStatus.failure(status == 400 && report.isAboutKey ? 401 : status)
        failure.upstreamStatus = status
        if failure.kind == .upstreamRefusal {
            if let message = report.message { failure.message = message }
            if status == 404 { failure.reportedCode = "\(GeminiErrorWire.modelNotFound)" }
        }
        if mayWait(failure) { failure.retryAfter = report.retrySeconds }
        return failure
    }

    private static func read(_ error: JSONValue) -> Report {
        var report = Report()
        if let code = error[GeminiErrorWire.code]?.int, (400...599).contains(code) {
            report.code = code
        } else if let word = error[GeminiErrorWire.status]?.string {
            report.code = GeminiErrorWire.statuses.first { word == $0.word }?.code
        }
        if let message = error[GeminiErrorWire.message]?.string, !message.isEmpty {
            report.message = cut(message)
            // Not every surface gives the details.
            report.isAboutKey =
                message.hasPrefix(GeminiErrorWire.invalidKeyMessage)
                || message.hasPrefix(GeminiErrorWire.expiredKeyMessage)
        }
        guard let details = error[GeminiErrorWire.details] else { return report }
        for detail in details.elements.prefix(detailCountMax) {
            if let reason = detail[GeminiErrorWire.reason]?.string,
                reason == GeminiErrorWire.invalidKey
            {
                report.isAboutKey = true
            }
            if let delay = detail[GeminiErrorWire.retryDelay]?.string {
                report.retrySeconds = seconds(delay)
            }
        }
        return report
    }

    /// A duration such as `17s` or `3.5s` in whole seconds, rounded up.
    private static func seconds(_ text: ByteSlice) -> Int? {
        guard text.count > 1, text[text.count - 1] == UInt8(ascii: "s") else { return nil }
        let number = text.prefix(text.count - 1)
        let point = number.firstIndex(of: UInt8(ascii: ".")) ?? number.count
        guard let whole = number.prefix(point).decimalValue else { return nil }
        let isMore = number.dropFirst(point).raw.contains {
            $0 != ASCII.zero && $0 != UInt8(ascii: ".")
        }
        return min(whole, retrySecondsMax) + (isMore ? 1 : 0)
    }

    private static func cut(_ text: ByteSlice) -> String {
        guard text.count > messageBytesMax else { return text.string }
        var end = messageBytesMax
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return text.prefix(end).string
    }
}
