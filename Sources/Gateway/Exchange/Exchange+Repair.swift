// Exchange+Repair.swift — tool calls in answers that are relayed: an answer leaves byte for byte unless
// one of its calls is broken.

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
        return relayRepair?.counts ?? unaryRepairs
    }

    /// A filter for the answer to the request in `body`; nil if that is not understood here.
    private func makeRepair(_ mode: ToolCallRepair.Mode) -> ToolCallRepair? {
        guard let tree = try? worker.arena.read(body.slice),
            let request = try? ChatRequestDecoder.decode(tree.root)
        else { return nil }
        return ToolCallRepair(request, mode: mode, seed: worker.random.next())
    }

    private var repairContext: ProviderContext {
        var context = providerContext
        context.tellsNamelessCalls = true
        return context
    }

    // MARK: Whole answers

    /// Writes a whole answer anew if it ends in calls of which one is broken.
    func repairAnswer() {
        guard checksCalls, responseObserver?.finishReason == .toolCalls,
            var repair = makeRepair(.hold)
        else { return }
        var response = ModelResponse()
        let departs = ChatResponseDecoder.decode(answer.slice, repairContext) { event in
            repair.pass(event) { response.add($0) }
        }
        guard response.failure == nil, departs || !repair.counts.isEmpty else { return }
        unaryRepairs = repair.counts
        if departs { unaryRepairs.count(.form) }
        var repaired = worker.loop.takeBuffer()
        response.id.withUnsafeBytes { id in
            var context = AnswerContext(
                requestID: requestID.slice, requestedModel: requestedModel.slice,
                createdSeconds: worker.loop.secondsSince1970, wantsUsage: true)
            context.answerID = ByteSlice(id)
            ChatResponseEncoder.encode(response, context, to: &repaired)
        }
        swap(&answer, &repaired)
        giveBack(&repaired)
    }

    // MARK: Streams

    /// Passes one chunk on that may hold a piece of a call.
    func relayRepairing(_ event: EventStreamEvent) {
        guard let relayRepair = relayRepair ?? openRepair() else { return write(event) }
        switch relayRepair.take(event, repairContext) {
        case .asItCame: write(event)
        case .precededBy(let count):
            prepareEvent()
            client?.writeBody(relayRepair.output.slice.prefix(count))
            write(event)
        case .rewritten:
            prepareEvent()
            client?.writeBody(relayRepair.output.slice)
        }
    }

    private func openRepair() -> RelayRepair? {
        guard let repair = makeRepair(.stream) else {
            checksCalls = false
            return nil
        }
        let made = RelayRepair(
            repair, requestID: requestID.slice, wantsUsage: scan?.wantsUsage ?? false,
            isContinuation: streamObserver.chunkCount > 1)
        relayRepair = made
        giveBack(&body)
        return made
    }

    /// Writes the end of a relayed stream.
    func writeMark() {
        prepareEvent()
        guard let relayRepair, relayRepair.finish(repairContext) else {
            client?.writeBody(ByteSlice("data: [DONE]\n\n"))
            return
        }
        client?.writeBody(relayRepair.output.slice)
    }
}
