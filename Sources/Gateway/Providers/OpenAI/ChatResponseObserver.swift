// ChatResponseObserver.swift — reads, of a whole chat answer (or text completion) that is passed on,
// what accounting needs, and whether it is one.
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
    package private(set) var places = Places()
    /// Why the body is no answer; nil if it is one.
    package private(set) var failure: Failure?

    /// Where things are in the body.
    package struct Places {
        /// The inside of its id, escapes as they stand.
        package fileprivate(set) var id: Range<Int>?
        /// The inside of the reported model's name, escapes as they stand, and whether there are any.
        package fileprivate(set) var model: Range<Int>?
        package fileprivate(set) var hasEscapes = false
        /// The message, where there is one choice.
        package fileprivate(set) var message: Range<Int>?
    }

    // In the order in which OpenAI's servers write the members, those that do not matter too: to
    // know the next is a quarter of looking it up.
    private static let names = JSONNames(
        ChatWire.id, ChatWire.object, ChatWire.created, ChatWire.model, ChatWire.choices,
        ChatWire.usage, ErrorWire.error)
    private static let choiceNames = JSONNames(
        ChatWire.index, ChatWire.message, ChatWire.logprobs, ChatWire.finishReason)

    package init(observing body: ByteSlice) {
        do throws(JSONFailure) { try read(body) } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
    }

    private mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        var hasChoices = false
        guard scanner.comesObject else {
            try scanner.value()
            try scanner.finish()
            failure = Self.shapeless
            return
        }
        try scanner.beginObject()
        var likely = 0
        while let name = try scanner.nextName(in: Self.names, likely: likely) {
            likely = name.index + 1
            switch name.index {
            case 0:
                let value = try scanner.value()
                places.id = value.kind == .string ? value.inside : nil
            case 3:
                let value = try scanner.value()
                places.model = value.kind == .string ? value.inside : nil
                places.hasEscapes = value.hasEscapes
            case 4 where scanner.comesArray:
                hasChoices = true
                try readChoices(&scanner)
            case 5: usage = try ChatUsageReader.usage(&scanner)
            case 6: failure = try ReportedError.read(&scanner)?.inBandFailure
            default: try scanner.value()
            }
        }
        try scanner.finish()
        if !hasChoices, failure == nil { failure = Self.shapeless }
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) {
        var choiceCount = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            choiceCount += 1
            guard scanner.comesObject else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            var likely = 0
            while let name = try scanner.nextName(in: Self.choiceNames, likely: likely) {
                likely = name.index + 1
                switch name.index {
                case 1:
                    let value = try scanner.value()
                    places.message = value.kind == .object && choiceCount == 1 ? value.range : nil
                case 3: finishReason = try ChatUsageReader.finishReason(&scanner)
                default: try scanner.value()
                }
            }
        }
    }

    private static var shapeless: Failure {
        Failure(.upstreamMalformed, "The upstream's answer is no chat completion.")
    }
}
