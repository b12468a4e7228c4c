// EmbeddingResponseObserver.swift — reads, of an answer with vectors that is passed on, what
// accounting needs, and whether it is one.
// Pure; borrows the body. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What an answer under a status of success says.
package struct EmbeddingResponseObserver {
    package private(set) var usage: Usage?
    /// The inside of the reported model's name in the body, escapes as they stand.
    package private(set) var model: Range<Int>?
    /// Why the body is no answer; nil if it is one.
    package private(set) var failure: Failure?

    private static let names = JSONNames(
        EmbeddingWire.data, EmbeddingWire.usage, EmbeddingWire.model, ErrorWire.error)

    package init(observing body: ByteSlice) {
        do throws(JSONFailure) { try read(body) } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
    }

    private mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        guard scanner.comesObject else {
            try scanner.value()
            try scanner.finish()
            failure = EmbeddingVectors.malformed("it is no object")
            return
        }
        var hasData = false
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            switch name.index {
            case 0: hasData = try scanner.value().kind == .array
            case 1: usage = try ChatUsageReader.usage(&scanner)
            case 2:
                let value = try scanner.value()
                model = value.kind == .string ? value.inside : nil
            default: failure = try ReportedError.read(&scanner)?.inBandFailure
            }
        }
        try scanner.finish()
        if !hasData, failure == nil { failure = EmbeddingVectors.malformed("it has no 'data'") }
    }
}
