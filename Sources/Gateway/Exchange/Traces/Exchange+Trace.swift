// Exchange+Trace.swift — a request's trace: its place in the client's, what it keeps on its way, and
// its record for those who send it on. Nothing of this runs unless the configuration asks for it. What
// is done with a trace is a function of its own: that counts no references to what it has for good.

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
        trace.begin(
            policy, id, client, isForSpans: isForSpans, isForGenerations: isForGenerations,
            &worker.random)
        if !session.isEmpty { trace.take(session: session) }
        if trace.isTold {
            // What Langfuse alone records says nothing of whether others should.
            trace.append(
                traceParentTo: &forwarded, isSampled: isForSpans || client.map(\.isSampled) ?? true)
        }
        // Who knows one of the two ids knows the other.
        if requestID.isEmpty, client == nil { trace.append(requestIDTo: &requestID) }
        followsTrace = client != nil
        tracesEvents = trace.keepsAnswer
        self.trace = trace
    }

    /// Keeps what the body says, while it is there.
    /// - Parameter answerDoor: nil where no conversation is asked for.
    func traceRequest(_ scan: DoorScan, at answerDoor: AnswerDoor?) {
        tracePlace?._withUnsafeGuaranteedRef { trace in
            trace.take(scan, of: body.slice)
            if trace.keepsMessages, let answerDoor {
                trace.take(body: body.slice, at: answerDoor, worker.arena)
            }
        }
    }

    /// A whole answer that was relayed.
    fileprivate func traceAnswer(_ trace: RequestTrace) {
        guard translation == nil, head.isSuccess, !isStreamed, !answer.isEmpty,
            case .answer(let answerDoor) = door
        else { return }
        trace.take(
            whole: answer.slice, message: answerPlaces?.message, at: answerDoor, providerContext)
    }

    /// An event of a stream that is relayed.
    func traceEvent(_ event: EventStreamEvent) {
        guard case .answer(let answerDoor) = door else { return }
        tracePlace?._withUnsafeGuaranteedRef { trace in
            if let text = streamObserver.moreText(in: event.data),
                trace.take(more: text, at: answerDoor)
            {
                return
            }
            trace.take(event, at: answerDoor, providerContext)
        }
    }
}

extension RequestTrace {
    fileprivate func append(traceParentTo fields: inout ByteBuffer, isSampled: Bool) {
        record.append(traceParentTo: &fields, isSampled: isSampled)
    }

    fileprivate func append(requestIDTo buffer: inout ByteBuffer) {
        record.append(requestIDTo: &buffer)
    }

    /// Completes the record of a request that has ended.
    /// - Parameter end: `now` in nanoseconds since 1970.
    func complete(of exchange: Exchange, _ access: AccessRecord, _ now: Instant, end: Int) {
        func time(_ instant: Instant) -> Int { end - Int(now.nanoseconds(since: instant)) }
        record.ended = end
        record.began = time(exchange.began)
        // Both may be an earlier request's.
        if exchange.dispatched > exchange.received {
            record.dispatched = time(exchange.dispatched)
        }
        if let firstEvent = exchange.firstEvent { record.firstEvent = time(firstEvent) }
        if let upstream = exchange.upstream {
            record.system = upstream.systemBytes
            if let (host, port) = upstream.address(for: exchange.lease) {
                (record.host, record.port) = (host, port)
            }
        }
        if keepsAnswer { exchange.traceAnswer(self) }
        complete()
        if isTold { access.trace = record.traceDigits }
        guard logsBodies else { return }
        exchange.noteBodies(record)
        if !tellsContent { (record.input, record.output) = (.empty, .empty) }
    }

    /// The template of such requests. Inlined, it would count references.
    @inline(never)
    func template(
        of access: AccessRecord, in templates: RecordTemplates, known: inout Int
    ) -> UnsafeMutablePointer<RecordTemplate> {
        templates.template(of: access, record, known: &known)
    }

    /// Tells of the request that has ended. Inlined, it would count references.
    @inline(never)
    func tell(
        _ outlet: Unmanaged<TraceOutlet>, _ access: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>
    ) {
        guard isTold else { return }
        outlet._withUnsafeGuaranteedRef { $0.take(record, access, template) }
    }
}

/// Where records go. What is there for good has its references counted once, and not for each request.
final class TraceOutlet {
    private let sink: any TraceSink

    init(_ sink: any TraceSink) { self.sink = sink }

    func take(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>
    ) {
        sink.take(trace, record, template)
    }
}
