// ReportedError.swift — what an OpenAI-compatible server says about an error, in whatever shape.
// Pure; leaves the scanner behind the value. Texts are bounded, and a failure is never made here of
// anything that did not come as an error.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The words of an error, each bounded.
struct ReportedError: Equatable {
    static let messageBytesMax = 2048
    static let wordBytesMax = 64

    var message: String?
    var type: String?
    var code: String?
    var parameter: String?

    /// Reads the value of `error`: an object, or a sentence. Nil if it says that there is none
    /// (null, false, or an empty value, which clients take for no error, too).
    static func read(_ scanner: inout JSONScanner) throws(JSONFailure) -> ReportedError? {
        guard scanner.comesObject else {
            let value = try scanner.value()
            if value.kind == .string {
                let message = text(value, scanner, messageBytesMax)
                return message.map { ReportedError(message: $0) }
            }
            return value.kind == .true ? ReportedError() : nil
        }
        var error = ReportedError()
        var isEmpty = true
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            isEmpty = false
            error.take(member.key, member.value, scanner)
        }
        return isEmpty ? nil : error
    }

    /// Reads a whole body, which may be the error itself, hold it, or hold it in an array. Nil if
    /// it says nothing of an error.
    static func read(body: ByteSlice) -> ReportedError? {
        do throws(JSONFailure) {
            var scanner = JSONScanner(body)
            if scanner.comesArray {
                try scanner.beginArray()
                guard try scanner.nextElement() else { return nil }
            }
            guard scanner.comesObject else { return nil }
            var outer = ReportedError()
            var inner: ReportedError?
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if scanner.bytes(key.range) == ErrorWire.error {
                    inner = try read(&scanner)
                } else {
                    outer.take(key, try scanner.value(), scanner)
                }
            }
            // What is half there is no answer of the server's.
            try JSONScanner.validate(body)
            return inner ?? (outer.message == nil ? nil : outer)
        } catch { return nil }
    }

    /// What an error inside a stream that began well, or under a status of success, amounts to.
    var inBandFailure: Failure {
        var failure = Failure(.upstreamFault, message ?? "The upstream reported an error.")
        failure.reportedType = type
        failure.reportedCode = code
        return failure
    }

    private mutating func take(_ key: JSONKey, _ value: JSONSpan, _ scanner: JSONScanner) {
        let name = scanner.bytes(key.range)
        if name == ErrorWire.message || (name == ErrorWire.detail && message == nil) {
            message = Self.text(value, scanner, Self.messageBytesMax) ?? message
        } else if name == ErrorWire.type {
            type = Self.text(value, scanner, Self.wordBytesMax)
        } else if name == ErrorWire.parameter {
            parameter = Self.text(value, scanner, Self.wordBytesMax)
        } else if name == ErrorWire.code {
            // A number in this place is an HTTP status again.
            code = Self.text(value, scanner, Self.wordBytesMax)
        }
    }

    /// A string that is not empty, cut between two characters where it is longer than `bytesMax`.
    private static func text(
        _ value: JSONSpan, _ scanner: JSONScanner, _ bytesMax: Int
    ) -> String? {
        guard value.kind == .string, !value.inside.isEmpty else { return nil }
        let inside = scanner.bytes(value.inside)
        var plain = ByteBuffer()
        plain.append(jsonUnescaping: inside)
        guard plain.count > bytesMax else { return plain.string }
        var end = bytesMax
        while end > 0, plain.slice[end] & 0xC0 == 0x80 { end -= 1 }
        plain.truncate(to: end)
        return plain.string
    }
}
