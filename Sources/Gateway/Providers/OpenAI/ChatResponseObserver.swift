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
    /// The inside of the reported model's name in the body, escapes as they stand.
    package private(set) var model: Range<Int>?
    /// Why the body is no answer; nil if it is one.
    package private(set) var failure: Failure?

    /// In the order in which OpenAI's servers write the members. Their numbers are those of `Pick`.
    private static let picks = JSONPicks(
        .known(ChatWire.id), .known(ChatWire.object), .known(ChatWire.created),
        .wanted(ChatWire.model),
        .within(
            ChatWire.choices,
            JSONPicks(
                .known(ChatWire.index), .known(ChatWire.message), .known(ChatWire.logprobs),
                .wanted(ChatWire.finishReason))),
        .within(ChatWire.usage, ChatUsageReader.picks), .wanted(ErrorWire.error))

    private enum Pick {
        static let (model, choices, usage, error) = (0, 1, 2, 3)
        static let finishReason = 4
        static let usageParts = 5
    }

    package init(observing body: ByteSlice) {
        do throws(JSONFailure) { try read(body) } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
    }

    private mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        var found = JSONFound()
        try scanner.find(Self.picks, &found)
        try scanner.finish()
        if let span = found[Pick.model], span.kind == .string { model = span.inside }
        if let span = found[Pick.finishReason], span.kind == .string {
            finishReason = ChatUsageReader.reason(body[span.inside])
        }
        if found[Pick.usage]?.kind == .object {
            usage = ChatUsageReader.usage(found, from: Pick.usageParts, scanner)
        }
        if let span = found[Pick.error] {
            var error = JSONScanner(body[span.range])
            failure = try ReportedError.read(&error)?.inBandFailure
        }
        if found[Pick.choices]?.kind != .array, failure == nil { failure = Self.shapeless }
    }

    private static var shapeless: Failure {
        Failure(.upstreamMalformed, "The upstream's answer is no chat completion.")
    }
}
