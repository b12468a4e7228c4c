// ChatResponseObserver.swift — reads, of a whole chat answer that is passed on, what accounting
// needs, and whether it is one.
// Pure; borrows the body. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What a unary answer under a status of success says.
package struct ChatResponseObserver {
    package private(set) var usage: Usage?
    /// The last choice's.
    package private(set) var finishReason: FinishReason?
    /// The inside of the reported model's name in the body, escapes as they stand.
    package private(set) var model: Range<Int>?
    /// Why the body is no answer; nil if it is one.
    package private(set) var failure: Failure?

    package init(observing body: ByteSlice) {
        do throws(JSONFailure) { try read(body) } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
    }

    private mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        var hasChoices = false
        guard scanner.valueKind == .object else {
            try scanner.value()
            try scanner.finish()
            failure = Self.shapeless
            return
        }
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let name = scanner.bytes(key.range)
            if name == ChatWire.choices, scanner.valueKind == .array {
                hasChoices = true
                try readChoices(&scanner)
            } else if name == ChatWire.usage {
                usage = try ChatUsageReader.usage(&scanner)
            } else if name == ChatWire.model {
                let value = try scanner.value()
                model = value.kind == .string ? value.inside : nil
            } else if name == ErrorWire.error {
                failure = try ReportedError.read(&scanner)?.inBandFailure
            } else {
                try scanner.value()
            }
        }
        try scanner.finish()
        if !hasChoices, failure == nil { failure = Self.shapeless }
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) {
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.valueKind == .object else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if scanner.bytes(key.range) == ChatWire.finishReason {
                    finishReason = try ChatUsageReader.finishReason(&scanner)
                } else {
                    try scanner.value()
                }
            }
        }
    }

    private static var shapeless: Failure {
        Failure(.upstreamMalformed, "The upstream's answer is no chat completion.")
    }
}
