// Exchange+Trace.swift — a request's trace: its place in the client's, what it keeps on its way, and
// its record for those who send it on. Nothing of this runs unless the configuration asks for it.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayTelemetry
import Reactor
import ReactorCore

extension Exchange {
    /// Reads the head's place in a trace, and where somebody records this one, goes on from there.
    func beginTrace(_ fields: HTTPFields, _ policy: TracePolicy) {
        switch door {
        case .answer, .embeddings: break
        default: return
        }
        var client: TraceContext?
        var session: ByteSlice?
        for index in 0..<fields.count {
            let name = fields.name(index)
            switch name.count {
            case 11 where name.equalsIgnoringCase("traceparent"):
                client = TraceContext(parsing: fields.value(index))
            case 12 where name.equalsIgnoringCase("x-session-id"): session = fields.value(index)
            case 24 where name.equalsIgnoringCase("x-claude-code-session-id"):
                if session == nil { session = fields.value(index) }
            default: break
            }
        }
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
        trace.record.words = (worker.random.next(), worker.random.next())
        trace.record.isForSpans = isForSpans
        trace.record.isForGenerations = isForGenerations
        trace.begin(policy)
        if let session { trace.take(session: session) }
        self.trace = trace
        followsTrace = client != nil
        guard trace.record.isTold else { return }
        // What Langfuse alone records says nothing of whether others should.
        let isSampled = isForSpans || client.map(\.isSampled) ?? true
        let next = TraceContext(trace: id, span: trace.record.modelSpan, isSampled: isSampled)
        forwarded.append("traceparent: " as StaticString)
        next.append(to: &forwarded)
        forwarded.append("\r\n" as StaticString)
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

    /// Ends the trace with the request.
    func finishTrace(_ trace: RequestTrace, _ access: AccessRecord, _ now: Instant) {
        if translation == nil, head.isSuccess, !isStreamed, !answer.isEmpty {
            if case .answer(let answerDoor) = door {
                trace.take(whole: answer.slice, at: answerDoor, providerContext)
            } else {
                trace.take(namesOf: answer.slice)
            }
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
            trace.record.system = upstream.system
            if let origin = upstream.place(for: lease)?.origin {
                trace.record.host = origin.host
                trace.record.port = origin.port
            }
        }
        trace.finish { record in
            if trace.logsBodies { noteBodies(record) }
            guard record.isTold else { return }
            var told = record
            if !trace.tellsContent { (told.input, told.output) = (.empty, .empty) }
            worker.traceSink?.take(told, access)
        }
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
