// ChatStreamObserver.swift — watches a stream of chat chunks, or of text completion chunks, that is
// passed on as it is.
// Pure; fed one SSE payload at a time, answers what to do with it. Knows when the answer is whole.
// Imported by Exchange. Invariant: exactly one of `done`, `failed`, `malformed` ends a stream.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's observer.
package struct ChatStreamObserver {
    package enum Verdict: Equatable {
        /// To be passed on.
        case chunk
        /// The extra chunk with the usage and no choice: for a client that asked for it.
        case usageOnly
        /// `[DONE]`.
        case done
        /// The upstream says, in the stream, that it failed.
        case failed(Failure)
        /// No chunk at all.
        case malformed(Failure)
    }

    package enum End: Equatable {
        /// `[DONE]` came, or would have had nothing to add.
        case complete
        /// The answer stops in the middle.
        case cut(Failure)
    }

    /// Chunks seen, those with usage only included.
    package private(set) var chunkCount = 0
    package private(set) var usage: Usage?
    /// The last choice's to end.
    package private(set) var finishReason: FinishReason?
    /// Whether a chunk carried anything of the answer: text, reasoning, refusal or a tool call.
    package private(set) var hasContent = false
    package private(set) var isDone = false
    /// Whether a chunk carried a piece of a tool call.
    package private(set) var hasCalls = false

    private var choices = ChoiceSet()
    private var shape = ChunkShape()
    /// The inside of a string of the delta that is being read.
    private var hole: Range<Int>?
    /// Whether that delta says more than the one string.
    private var saysMore = false
    /// Whether the last chunk that was read, and not only compared, is the one that others are like.
    private var isShapeLast = false
    /// Whether the last chunk was like that one.
    private var isLike = false

    private static let chunkNames = JSONNames(ChatWire.choices, ChatWire.usage, ErrorWire.error)
    private static let choiceNames = JSONNames(
        ChatWire.index, ChatWire.finishReason, ChatWire.delta, ChatWire.text)

    package init() {}

    /// Takes the data of one event.
    package mutating func observe(_ payload: ByteSlice) -> Verdict {
        if isDone { return .done }
        if payload.count < 16, payload.trimmed.hasPrefix(ChatWire.done) {
            isDone = true
            return .done
        }
        // Like the last one, but for its text.
        if let count = shape.holeCount(in: payload) {
            chunkCount += 1
            isLike = true
            if count > 0 { hasContent = true }
            return .chunk
        }
        isLike = false
        isShapeLast = false
        do throws(JSONFailure) { return try read(payload) } catch {
            return .malformed(
                Failure(
                    .upstreamMalformed,
                    "The upstream sent a chunk that is not valid JSON: \(error)."))
        }
    }

    /// What the chunk that was observed last adds to the same text as the ones before it, back to one that
    /// was read: the inside of a string, escapes as they stand. Nil where it may say anything else.
    package func moreText(in payload: ByteSlice) -> ByteSlice? {
        isLike && isShapeLast ? shape.text(in: payload) : nil
    }

    /// The upstream's stream has ended. Without `[DONE]` it is whole only if every choice that
    /// began has said why it stopped: clients take a silent end for success.
    package func endOfStream() -> End {
        if isDone || choices.areFinished { return .complete }
        return .cut(
            Failure(.upstreamCut, "The upstream's stream ended before the answer was complete."))
    }

    private mutating func read(_ payload: ByteSlice) throws(JSONFailure) -> Verdict {
        var scanner = JSONScanner(payload)
        guard scanner.comesObject else {
            try scanner.value()
            try scanner.finish()
            return .malformed(
                Failure(.upstreamMalformed, "The upstream sent a chunk that is no JSON object."))
        }
        hole = nil
        saysMore = false
        var choiceCount: Int?
        var usage: Usage?
        var failure: Failure?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.chunkNames) {
            switch name.index {
            case 0: choiceCount = try readChoices(&scanner)
            case 1: usage = try ChatUsageReader.usage(&scanner)
            default: failure = try ReportedError.read(&scanner)?.inBandFailure
            }
        }
        try scanner.finish()
        chunkCount += 1
        if let usage { self.usage = usage }
        if let failure { return .failed(failure) }
        // Only a chunk that changes nothing but the text may stand for others.
        if usage == nil, choiceCount == 1, let hole {
            isShapeLast = shape.learn(payload, hole: hole) && !saysMore
        }
        return choiceCount == 0 && usage != nil ? .usageOnly : .chunk
    }

    /// - Returns: how many choices there are; nil unless it is an array.
    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) -> Int? {
        guard scanner.comesArray else {
            try scanner.value()
            return nil
        }
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            count += 1
            if scanner.comesObject {
                try readChoice(&scanner)
            } else {
                try scanner.value()
            }
        }
        return count
    }

    private mutating func readChoice(_ scanner: inout JSONScanner) throws(JSONFailure) {
        var index = 0
        var reason: FinishReason?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.choiceNames) {
            switch name.index {
            case 0:
                let value = try scanner.value()
                index = scanner.bytes(value.range).decimalValue ?? 0
            case 1: reason = try ChatUsageReader.finishReason(&scanner)
            case 2: try readDelta(&scanner)
            // A text completion's chunk has its text here.
            default:
                let value = try scanner.value()
                if value.kind == .string {
                    hole = value.inside
                    if !value.inside.isEmpty { hasContent = true }
                }
            }
        }
        choices.began(index)
        if let reason {
            hole = nil
            finishReason = reason
            choices.finished(index)
        }
    }

    /// Looks for anything that a delta says besides the role, and for a string of text in it.
    private mutating func readDelta(_ scanner: inout JSONScanner) throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            return
        }
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let value = try scanner.value()
            if scanner.bytes(key.range) == ChatWire.role { continue }
            switch value.kind {
            case .null: break
            case .string:
                if let hole, !hole.isEmpty { saysMore = true }
                hole = value.inside
                if !value.inside.isEmpty { hasContent = true }
            case .array, .object:
                guard value.range.count > 2 else { continue }
                hasContent = true
                saysMore = true
                if scanner.bytes(key.range) == ChatWire.toolCalls { hasCalls = true }
            default:
                hasContent = true
                saysMore = true
            }
        }
    }
}

/// Which choices began and which ended, by index: a bit each for as many as the dialect allows.
private struct ChoiceSet {
    private var begun: (UInt64, UInt64) = (0, 0)
    private var ended: (UInt64, UInt64) = (0, 0)

    /// Indexes above 127, which the dialect does not have, share the last bit.
    mutating func began(_ index: Int) {
        if index < 64 { begun.0 |= 1 << UInt64(index) } else { begun.1 |= Self.highBit(index) }
    }

    mutating func finished(_ index: Int) {
        if index < 64 { ended.0 |= 1 << UInt64(index) } else { ended.1 |= Self.highBit(index) }
    }

    /// Whether at least one began, and all that began have ended.
    var areFinished: Bool {
        begun.0 | begun.1 != 0 && begun.0 & ~ended.0 == 0 && begun.1 & ~ended.1 == 0
    }

    private static func highBit(_ index: Int) -> UInt64 { 1 << UInt64(min(index, 127) - 64) }
}
