// ChatStreamRepair.swift — looks after the tool calls of a chat stream that is relayed. A shadow of the
// translate lane runs beside the stream from the first chunk with a call on: what it would have
// written takes the place of those events, and of those only, in which something had to be set right;
// what a chunk tells beside its choices goes with it.
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
final class ChatStreamRepair {
    /// What of an upstream's chunk goes with it when it is rewritten, besides what the shadow tells:
    /// a longer member is left out, and what comes behind so many bytes of them.
    static let memberBytesMax = 1024
    static let membersBytesMax = 4096

    /// What the shadow wrote for the last event, in whole events.
    private(set) var output = ByteBuffer()
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
    /// Members of the last chunk that was rewritten, each with a comma behind it.
    private var members = ByteBuffer()

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
    init(
        _ repair: ToolCallRepair, requestID: ByteSlice, wantsUsage: Bool, isContinuation: Bool
    ) {
        self.repair = repair
        var id = ByteBuffer()
        id.append(requestID)
        self.requestID = id
        self.wantsUsage = wantsUsage
        self.isContinuation = isContinuation
    }

    var counts: RepairCounts {
        var counts = repair.counts
        if hasForm { counts.count(.form) }
        return counts
    }

    /// Takes one event.
    func take(_ event: EventStreamEvent, _ context: ProviderContext) -> RepairedEvent {
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
            keepMembers(of: event.data)
            return .precededBy(output.count)
        }
        if look.hasUsage { owesUsage = wantsUsage }
        keepMembers(of: event.data)
        return .rewritten
    }

    // MARK: Members

    /// What the shadow writes itself.
    private static let told = JSONNames(
        ChatWire.id, ChatWire.object, ChatWire.created, ChatWire.model, ChatWire.choices,
        ChatWire.usage)

    /// Puts what the upstream's chunk tells besides, as `system_fingerprint`, into each of the
    /// shadow's. The mark tells nothing: what is written for it has the last chunk's.
    private func keepMembers(of chunk: ByteSlice) {
        guard !output.isEmpty else { return }
        do throws(JSONFailure) { try readMembers(chunk) } catch { members.removeAll() }
        guard !members.isEmpty else { return }
        let head: StaticString = "data: {"
        var told = ByteBuffer()
        var rest = output.slice
        // The shadow's events are one line and an empty one each.
        while let end = rest.firstIndex(of: ASCII.lf) {
            var line = rest.prefix(end + 1)
            rest = rest.dropFirst(end + 1)
            if line.hasPrefix(head) {
                told.append(head)
                told.append(members.slice)
                line = line.dropFirst(head.utf8CodeUnitCount)
            }
            told.append(line)
        }
        swap(&output, &told)
    }

    private func readMembers(_ chunk: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(chunk)
        guard scanner.comesObject else { return }
        members.removeAll()
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            let (key, value) = (member.key, member.value)
            let name = chunk[key.range]
            let count = name.count + value.range.count
            guard !key.hasEscapes, !Self.told.contains(name), count <= Self.memberBytesMax,
                members.count + count <= Self.membersBytesMax
            else { continue }
            members.append(ASCII.quote)
            members.append(name)
            members.append("\":" as StaticString)
            members.append(chunk[value.range])
            members.append(ASCII.comma)
        }
    }

    /// The stream is whole. - Returns: whether `output` is its end, in place of the mark alone.
    func finish(_ context: ProviderContext) -> Bool {
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
