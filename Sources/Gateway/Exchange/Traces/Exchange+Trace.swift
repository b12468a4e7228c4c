// Exchange+Trace.swift — a request's trace: its place in the client's, what it keeps on its way, and
// its record for those who send it on. Nothing of this runs unless the configuration asks for it.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayTelemetry
import Reactor
import ReactorCore

extension Exchange {
    /// Takes the head's place in a trace, and where somebody records this request, goes on from there.
    /// - Parameters:
    ///   - parent: the value of `traceparent`, or empty.
    ///   - session: what the head calls the client's session, or empty.
    func beginTrace(_ policy: TracePolicy, parent: ByteSlice, session: ByteSlice) {
        switch door {
        case .answer, .embeddings: break
        default: return
        }
        let client = parent.isEmpty ? nil : TraceContext(parsing: parent)
        let id =
            client?.trace
            ?? TraceID(high: worker.random.nextID(), low: worker.random.next())
        let isForSpans = policy.spans?.takes(id, client: client?.isSampled) ?? false
        let isForGenerations = policy.generations?.takes(id, client: client?.isSampled) ?? false
        guard isForSpans || isForGenerations || policy.logsBodies else { return }
        let trace = worker.takeTrace()
        trace.record.trace = id
        trace.record.clientSpan = client?.span ?? 0
        trace.record.serverSpan = worker.random.nextID()
        trace.record.modelSpan = worker.random.nextID()
        trace.record.isForSpans = isForSpans
        trace.record.isForGenerations = isForGenerations
        trace.begin(policy)
        if !session.isEmpty { trace.take(session: session) }
        self.trace = trace
        followsTrace = client != nil
        guard trace.record.isTold else { return }
        // What Langfuse alone records says nothing of whether others should.
        let isSampled = isForSpans || client.map(\.isSampled) ?? true
        forwarded.append(upTo: TraceContext.fieldBytes + 16) { cursor in
            cursor.put("traceparent: ")
            trace.record.putTraceParent(isSampled: isSampled, to: &cursor)
            cursor.put("\r\n")
        }
    }

    /// Keeps what the body says, while it is there.
    /// - Parameter answerDoor: nil where no conversation is asked for.
    func traceRequest(_ scan: DoorScan, at answerDoor: AnswerDoor?) {
        guard let trace else { return }
        trace.take(scan, of: body.slice)
        guard trace.keepsMessages, let answerDoor else { return }
        // What is wrong with it is told where it is served.
        do throws(JSONFailure) {
            let tree = try worker.arena.read(body.slice)
            do throws(Failure) { trace.take(try answerDoor.decode(tree.root)) } catch {}
        } catch {}
    }

    /// Completes the record of a request that has ended.
    func complete(
        _ trace: RequestTrace, _ access: AccessRecord, _ upstream: Upstream?, _ now: Instant
    ) {
        if translation == nil, head.isSuccess, !isStreamed, !answer.isEmpty {
            takeAnswer(trace)
        }
        let end = access.secondsSince1970 * 1_000_000_000 + access.milliseconds * 1_000_000
        func time(_ instant: Instant) -> Int { end - Int(now.nanoseconds(since: instant)) }
        trace.record.ended = end
        trace.record.began = time(began)
        // Both may be an earlier request's.
        if dispatched > received { trace.record.dispatched = time(dispatched) }
        if let firstEvent { trace.record.firstEvent = time(firstEvent) }
        switch door {
        case .answer(.completions): trace.record.operation = "text_completion"
        case .embeddings: trace.record.operation = TraceRecord.embeddings
        default: break
        }
        if let upstream {
            trace.record.system = upstream.systemBytes
            if let (host, port) = upstream.address(for: lease) {
                (trace.record.host, trace.record.port) = (host, port)
            }
        }
        trace.complete()
        if trace.logsBodies { noteBodies(trace.record) }
        if trace.logsBodies, !trace.tellsContent {
            (trace.record.input, trace.record.output) = (.empty, .empty)
        }
    }

    /// Takes what a whole answer says that was relayed.
    private func takeAnswer(_ trace: RequestTrace) {
        let isRead = trace.takeNoted(of: answer.slice)
        guard trace.keepsAnswer, case .answer(let answerDoor) = door else {
            if !isRead { trace.take(namesOf: answer.slice) }
            return
        }
        if !isRead || !trace.takeNotedMessage(of: answer.slice) {
            trace.take(whole: answer.slice, at: answerDoor, providerContext)
        }
    }

    /// Tells of it, and ends the trace with the request.
    func finish(
        _ trace: RequestTrace, _ access: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>
    ) {
        if trace.record.isTold { worker.traceSink?.take(trace.record, access, template) }
        self.trace = nil
        worker.giveTrace(trace)
    }
}

extension SeededRandom {
    /// A word that is not zero: no id may be.
    fileprivate mutating func nextID() -> UInt64 {
        let word = next()
        return word == 0 ? 1 : word
    }
}
