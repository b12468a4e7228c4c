// ChatStreamDecoder.swift — a stream of chat chunks as events.
// Pure; fed one event of the stream at a time. Imported by Catalog. Invariant: what is emitted is in
// the order of ModelEvent.swift, whatever the server sends.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's decoder.
package struct ChatStreamDecoder: ~Copyable, StreamDecoder {
    package private(set) var isOver = false
    /// Made with the first event, which brings the source of ids.
    private var reader: ChatAnswerReader?
    private var shape = ChunkShape()
    private var lesson: ChatAnswerReader.Lesson?

    package init() {}

    /// Whether anything that has come is not told yet.
    package var isHolding: Bool {
        switch reader {
        case .some(let reader): reader.assembler.isHolding
        case .none: false
        }
    }

    /// Whether the last chunk spells a call otherwise than the dialect has it.
    package var departs: Bool {
        switch reader {
        case .some(let reader): reader.departs
        case .none: false
        }
    }

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        guard !isOver else { return }
        if event.name == ErrorWire.error {
            let reported = ReportedError.read(body: event.data) ?? ReportedError()
            return fail(reported.inBandFailure, emit)
        }
        let payload = event.data
        if payload.count < 16, payload.trimmed.hasPrefix(ChatWire.done) { return end(emit) }
        if payload.isEmpty { return }
        if reader == nil { reader = ChatAnswerReader(context, isChunk: true) }
        // Like the last one, but for its text.
        if let lesson, let hole = shape.hole(in: payload) {
            if hole.isEmpty { return }
            if let failure = reader?.add(payload[hole], like: lesson, emit) { fail(failure, emit) }
            return
        }
        do throws(JSONFailure) {
            let failure = try reader?.read(payload, emit)
            if let failure = failure ?? nil { return fail(failure, emit) }
            lesson = reader?.lesson
            if let lesson { shape.learn(payload, hole: lesson.hole) } else { shape.forget() }
        } catch {
            fail(
                Failure(
                    .upstreamMalformed,
                    "The upstream sent a chunk that is not valid JSON: \(error)."), emit)
        }
    }

    package mutating func finish(_ context: ProviderContext, _ emit: (ModelEvent) -> Void) {
        guard !isOver else { return }
        // Without its mark a stream is whole only if every choice has said why it stopped.
        guard let areFinished = reader?.assembler.areFinished, areFinished else {
            return fail(
                Failure(
                    .upstreamCut, "The upstream's stream ended before the answer was complete."),
                emit)
        }
        isOver = true
        emit(.ended)
    }

    /// The server has told all.
    private mutating func end(_ emit: (ModelEvent) -> Void) {
        reader?.assembler.finishAll(emit)
        if let failure = reader?.assembler.failure { return fail(failure, emit) }
        guard let areFinished = reader?.assembler.areFinished, areFinished else {
            return fail(
                Failure(.upstreamMalformed, "The upstream's stream held no answer."), emit)
        }
        isOver = true
        emit(.ended)
    }

    private mutating func fail(_ failure: Failure, _ emit: (ModelEvent) -> Void) {
        isOver = true
        emit(.failed(failure))
    }
}
