// ChatStreamRepair.swift — looks after the tool calls of a chat stream that is relayed. A shadow of the
// translate lane runs beside the stream from the first chunk with a call on: what it would have
// written takes the place of those events, and of those only, in which something had to be set right;
// what a chunk tells besides goes with it (ChatChunkMembers).
// Pure: events in, verdicts out. Used by Exchange.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTools
import GatewayWire
import ReactorCore

/// One stream's shadow.
///
/// An event may leave as it came if nothing in it was repaired, and if the shadow has told all that
/// came so far: pieces of calls that come in turns are put in order, and from where they wait to
/// where they have been told the shadow's words are the stream.
package final class ChatStreamRepair {
    /// What the shadow wrote for the last event, in whole events.
    package private(set) var output = ByteBuffer()
    private var decoder = ChatStreamDecoder()
    private var repair: ToolCallRepair
    private var encoder: ChatStreamEncoder?
    private let requestID: ByteBuffer
    private let wantsUsage: Bool
    private let isContinuation: Bool
    /// Whether the shadow could not follow: everything leaves as it came.
    private var isLost = false
    private var hasForm = false
    /// Whether an event that told the usage was replaced by words that do not.
    private var owesUsage = false
    private var look = Look()
    private var members = ChatChunkMembers()

    /// What is seen of one event.
    private struct Look {
        var taken = 0
        var told = 0
        /// Where the shadow's words for the end of a choice begin.
        var finishStart: Int?
        /// Whether there is nothing but ends in it.
        var isEnd = true
        var hasUsage = false
        var reasonsTaken: [FinishReason] = []
        var reasonsTold: [FinishReason] = []

        var isChanged: Bool { taken != told || reasonsTaken != reasonsTold }
    }

    /// - Parameter isContinuation: whether the client has had chunks before.
    package init(
        _ repair: ToolCallRepair, requestID: ByteSlice, wantsUsage: Bool, isContinuation: Bool
    ) {
        self.repair = repair
        var id = ByteBuffer()
        id.append(requestID)
        self.requestID = id
        self.wantsUsage = wantsUsage
        self.isContinuation = isContinuation
    }

    package var counts: RepairCounts {
        var counts = repair.counts
        if hasForm { counts.count(.form) }
        return counts
    }

    /// Takes one event.
    package func take(_ event: EventStreamEvent, _ context: ProviderContext) -> RepairedEvent {
        guard !isLost else { return .asItCame }
        output.removeAll()
        look = Look()
        let wasHolding = decoder.isHolding
        let before = repair.counts
        decoder.decode(event, context) { shadow($0, context) }
        if isLost { return .asItCame }
        if decoder.departs { hasForm = true }
        let holds = wasHolding || decoder.isHolding
        let isChanged = look.isChanged || repair.counts != before || decoder.departs
        guard isChanged || holds else { return .asItCame }
        if let start = look.finishStart, look.isEnd, !holds, !decoder.departs,
            look.reasonsTaken == look.reasonsTold, look.reasonsTaken.count == 1
        {
            output.truncate(to: start)
            // What its choice tells besides stays where it stands.
            members.add(from: event.data, withChoices: false, to: &output, &encoder)
            return .precededBy(output.count)
        }
        if look.hasUsage { owesUsage = wantsUsage }
        members.add(from: event.data, to: &output, &encoder)
        return .rewritten
    }

    /// The stream is whole. - Returns: whether `output` is its end, in place of the mark alone.
    package func finish(_ context: ProviderContext) -> Bool {
        let mark = EventStreamEvent(name: .empty, data: ByteSlice("[DONE]"), canonical: nil)
        let owed = owesUsage
        return take(mark, context) == .rewritten || (owed && !isLost)
    }

    private func shadow(_ event: ModelEvent, _ context: ProviderContext) {
        note(event)
        repair.pass(event) { tell($0, context) }
    }

    private func note(_ event: ModelEvent) {
        look.taken += 1
        switch event {
        case .finished(_, let finish): look.reasonsTaken.append(finish.reason)
        case .usage: look.hasUsage = true
        case .partClosed, .ended: break
        case .failed: isLost = true
        case .started, .partOpened, .delta, .signature: look.isEnd = false
        }
    }

    private func tell(_ event: ModelEvent, _ context: ProviderContext) {
        look.told += 1
        switch event {
        case .started(let start):
            var answer = AnswerContext(
                requestID: requestID.slice, requestedModel: context.model, createdSeconds: 0,
                wantsUsage: wantsUsage)
            answer.answerID = start.id
            encoder = ChatStreamEncoder(answer, isContinuation: isContinuation)
        case .finished(_, let finish):
            look.reasonsTold.append(finish.reason)
            if look.finishStart == nil { look.finishStart = output.count }
        default: break
        }
        encoder?.encode(event, to: &output)
    }
}
