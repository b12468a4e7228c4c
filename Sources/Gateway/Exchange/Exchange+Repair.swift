// Exchange+Repair.swift — tools of requests and answers that are relayed: definitions are looked at before
// a request leaves, and an answer leaves byte for byte unless one of its calls is broken.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTools
import Reactor
import ReactorCore

extension Exchange {
    /// What was set right in this answer.
    var repairs: RepairCounts {
        if let translation { return translation.repairs }
        return chatRepair?.counts ?? namedRepair?.counts ?? unaryRepairs
    }

    // MARK: Definitions

    /// Refuses definitions that no provider could be told, in the words of the translate lane. A tree
    /// is built only for those that are not plainly in order. How many there may be and how long
    /// their names is the upstream's to say: it may be any that speaks the dialect.
    func checkDefinitions(_ scan: DoorScan, at answerDoor: AnswerDoor) throws(Failure) {
        guard let range = scan.tools,
            !ScannedTools.arePlain(body.slice[range], at: answerDoor)
        else { return }
        let tree = try readBody()
        let request = try answerDoor.decodeTools(tree.root)
        // Names may lie in the request's own memory.
        try withExtendedLifetime(request) { () throws(Failure) -> Void in
            try ToolDefinitionCheck(relayedAt: answerDoor.dialect).check(request.tools)
        }
    }

    // MARK: Repair

    /// A filter for the answer to the request in `body`; nil if that is not understood here.
    private func makeRepair(_ mode: ToolCallRepair.Mode) -> ToolCallRepair? {
        guard case .answer(let answerDoor) = door, let tree = try? worker.arena.read(body.slice),
            let request = try? answerDoor.decodeTools(tree.root, withChoice: true)
        else { return nil }
        return ToolCallRepair(request, mode: mode, seed: worker.random.next())
    }

    private var repairContext: ProviderContext {
        var context = providerContext
        context.tellsNamelessCalls = true
        return context
    }

    // MARK: Whole answers

    /// Sets the calls of a whole answer right, and touches nothing else of it.
    func repairAnswer(at answerDoor: AnswerDoor, _ reason: FinishReason?) {
        // Some servers say that they stopped although they called.
        guard checksCalls, reason == .toolCalls || reason == .stop,
            AnswerSplice.hasCalls(answer.slice, at: answerDoor), let repair = makeRepair(.hold)
        else { return }
        var splice = AnswerSplice(CallSplicer(repair, ids: worker.ids))
        var repaired = worker.loop.takeBuffer()
        if splice.mend(answer.slice, at: answerDoor, into: &repaired) {
            unaryRepairs = splice.counts
            swap(&answer, &repaired)
        }
        giveBack(&repaired)
    }

    // MARK: Streams

    /// Passes one chunk on that may hold a piece of a call.
    func relayRepairing(_ event: EventStreamEvent) {
        guard let chatRepair = chatRepair ?? openChatRepair() else { return write(event) }
        switch chatRepair.take(event, repairContext) {
        case .asItCame: write(event)
        case .precededBy(let count):
            prepareEvent()
            client?.writeBody(chatRepair.output.slice.prefix(count))
            write(event)
        case .rewritten:
            prepareEvent()
            client?.writeBody(chatRepair.output.slice)
        }
    }

    private func openChatRepair() -> ChatStreamRepair? {
        guard let repair = makeRepair(.stream) else {
            checksCalls = false
            return nil
        }
        let made = ChatStreamRepair(
            repair, requestID: requestID.slice, wantsUsage: scan?.wantsUsage ?? false,
            isContinuation: streamObserver.chunkCount > 1)
        chatRepair = made
        giveBack(&body)
        return made
    }

    /// Passes on one event of a dialect whose events have names, if something in it is set right.
    /// - Returns: whether it did.
    func repairNamed(_ event: EventStreamEvent) -> Bool {
        guard let namedRepair = namedRepair ?? openNamedRepair(for: event) else { return false }
        let verdict = namedRepair.take(event) { output in
            prepareEvent()
            client?.writeBody(output)
        }
        if case .precededBy = verdict { writeNamed(event) }
        return verdict != .asItCame
    }

    private func openNamedRepair(for event: EventStreamEvent) -> NamedStreamRepair? {
        guard case .answer(let answerDoor) = door, NamedStreamRepair.isDue(event, at: answerDoor)
        else { return nil }
        guard let repair = makeRepair(.stream), let whole = makeRepair(.hold) else {
            checksCalls = false
            return nil
        }
        namedRepair = NamedStreamRepair(
            at: answerDoor, repair, whole: CallSplicer(whole, ids: worker.ids))
        giveBack(&body)
        return namedRepair
    }

    /// Writes the end of a relayed stream.
    func writeMark() {
        prepareEvent()
        guard let chatRepair, chatRepair.finish(repairContext) else {
            client?.writeBody(ByteSlice("data: [DONE]\n\n"))
            return
        }
        client?.writeBody(chatRepair.output.slice)
    }
}
