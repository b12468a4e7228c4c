// Exchange+Relay.swift — the upstream's answer on its way to the client: observed, not rewritten.

import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTelemetry
import Reactor
import ReactorCore

/// What is kept of an upstream response's head.
struct UpstreamHead {
    var status = 0
    /// 201 is what some servers say for an answer that they made.
    var isSuccess: Bool { status == 200 || status == 201 }
    var isEventStream = false
    /// The event stream is of AWS's binary kind.
    var hasFrames = false
    /// The value of `retry-after`, copied.
    var retryAfter: [UInt8]?
    var arrived = Instant(nanoseconds: 0)
}

extension Exchange: HTTPClientCallDelegate {
    package func writeRequest(on connection: HTTPRequestWriter) {
        connection.withOutput { appendRequest(to: &$0) }
        dispatched = worker.loop.clock()
    }

    package func responseHeadArrived(_ response: HTTPHead) {
        attempts = attemptsBefore + call.attempts
        if response.status == 401, renewLease() { return }
        if !keepsBody { giveBack(&body) }
        let fields = readFields(response.fields)
        guard accepts(fields.encoding) else {
            call.cancel()
            fail(Failure(.upstreamMalformed, "The upstream sent an encoding that is not known."))
            return
        }
        head.retryAfter = response.status == 200 ? nil : fields.retryAfter.map { Array($0.raw) }
        upstreamHead(status: response.status, contentType: fields.contentType ?? .empty)
    }

    private struct ResponseFields {
        var encoding: ByteSlice?
        var retryAfter: ByteSlice?
        var contentType: ByteSlice?
    }

    /// One walk over the fields; of several of one name the first counts. Rate limits and the
    /// request's id of the upstream are kept, to be told under names of their own.
    private func readFields(_ fields: HTTPFields) -> ResponseFields {
        var found = ResponseFields()
        forwarded.removeAll()
        for index in 0..<fields.count {
            let name = fields.name(index)
            switch name.count {
            case 11 where found.retryAfter == nil && name.equalsIgnoringCase("retry-after"):
                found.retryAfter = fields.value(index)
            case 12 where found.contentType == nil && name.equalsIgnoringCase("content-type"):
                found.contentType = fields.value(index)
            case 16 where found.encoding == nil && name.equalsIgnoringCase("content-encoding"):
                found.encoding = fields.value(index)
            // Anthropic's names for the same two begin otherwise.
            case 10 where name.equalsIgnoringCase("request-id"):
                keep(name, fields.value(index))
            case 12...:
                // Two bytes tell nearly all others apart: `x-re`quest-id and `x-ra`telimit-.
                if name[0] | 0x20 == 0x78, name[2] | 0x20 == 0x72 {
                    keep(name.dropFirst(2), fields.value(index))
                } else if name.count > 20, name[9] == 0x2D,
                    name.prefix(10).equalsIgnoringCase("anthropic-")
                {
                    keep(name.dropFirst(10), fields.value(index))
                }
            default: break
            }
        }
        return found
    }

    /// - Parameter name: without what a vendor puts in front.
    private func keep(_ name: ByteSlice, _ value: ByteSlice) {
        let isKept =
            name.count == 10
            ? name.equalsIgnoringCase("request-id")
            : name.prefix(10).equalsIgnoringCase("ratelimit-")
        guard isKept, forwarded.count < 4096 else { return }
        forwarded.reserve(name.count + value.count + 16)
        forwarded.append("x-upstream-" as StaticString)
        if name.end + 2 == value.base, name.end[1] == ASCII.space {
            // As they lie in the head.
            forwarded.append(ByteSlice(name.base, count: value.end - name.base))
        } else {
            forwarded.append(name)
            forwarded.append(": " as StaticString)
            forwarded.append(value)
        }
        forwarded.append("\r\n" as StaticString)
    }

    /// Identity was asked for; some servers send gzip all the same.
    private func accepts(_ encoding: ByteSlice?) -> Bool {
        inflater = nil
        guard let encoding, !encoding.equalsIgnoringCase("identity") else { return true }
        inflater = Inflater(coding: encoding)
        return inflater != nil
    }

    package func responseBodyArrived(_ bytes: ByteSlice) {
        guard let inflater else { return upstreamBody(bytes) }
        do throws(Inflater.Failure) {
            try inflater.inflate(bytes) { upstreamBody($0) }
        } catch {
            stopUpstream()
            fail(Failure(.upstreamMalformed, "The upstream's compressed answer is broken."))
        }
    }

    package func responseEnded() {
        if let inflater, !inflater.isFinished, machine.hasUpstream {
            return fail(Failure(.upstreamCut, "The upstream's compressed answer was cut."))
        }
        upstreamEnded()
    }

    package func callFailed(_ failure: HTTPClientFailure) {
        if case .network? = upstream?.transport { attempts = attemptsBefore + call.attempts }
        upstreamLost(Self.failure(failure, provider: upstream?.name ?? ""))
    }

    static func failure(_ failure: HTTPClientFailure, provider: String) -> Failure {
        switch failure {
        case .unresolved:
            return Failure(
                .upstreamUnreachable, "The name of the provider '\(provider)' was not found.")
        case .refused(let code):
            if code == "ETIMEDOUT" {
                return Failure(
                    .upstreamTimeout, "The provider '\(provider)' could not be reached in time.",
                    clock: .connect)
            }
            return Failure(
                .upstreamUnreachable, "The provider '\(provider)' could not be reached (\(code)).")
        case .tls(let failure):
            return Failure(
                .upstreamUnreachable,
                "No secure connection to the provider '\(provider)': \(failure).")
        case .timedOut(.queue):
            return Failure(
                .overloaded, "No connection to the provider '\(provider)' became free in time.",
                retryAfter: 1, clock: .poolWait)
        case .timedOut(let clock):
            let name = Failure.Clock(clock)
            return Failure(
                .upstreamTimeout,
                "The provider '\(provider)' took too long: the \(name.rawValue) time-out ran out.",
                clock: name)
        case .queueFull:
            return Failure(
                .overloaded, "Too many requests wait for the provider '\(provider)'.",
                retryAfter: 1)
        case .draining:
            return Failure(.shuttingDown, "The gateway is shutting down.", retryAfter: 1)
        case .lost, .truncated:
            return Failure(
                .upstreamCut, "The connection to the provider '\(provider)' was lost.")
        case .malformed, .http2, .unexpectedInterim:
            return Failure(.upstreamMalformed, "The provider '\(provider)' did not answer in HTTP.")
        }
    }
}

extension Exchange: SimulatorAudience {
    func simulatorHead(_ head: SimulatorHead, _ script: borrowing SimulatorScript) {
        forwarded.removeAll()
        for field in head.fields where ByteSlice(field.name) == "retry-after" {
            self.head.retryAfter = Array(ByteSlice(field.value).raw)
        }
        upstreamHead(status: head.status, contentType: ByteSlice(head.contentType))
    }

    func simulatorBody(_ bytes: ByteSlice) {
        if let upstream {
            simulatorClock?.set(worker.loop.now + timeouts(at: upstream).idle)
        }
        upstreamBody(bytes)
    }

    func simulatorEnded() { upstreamEnded() }

    func simulatorCut(resets: Bool) {
        upstreamLost(Failure(.upstreamCut, "The connection to the simulator was lost."))
    }
}

// What both means, a connection and the simulator, come to.
extension Exchange {
    func upstreamHead(status: Int, contentType: ByteSlice) {
        if worker.log.takes(.debug) { noteHead(status: status, contentType: contentType) }
        head.status = status
        head.arrived = worker.loop.now
        head.isEventStream =
            contentType.count >= 17
            && contentType.prefix(17).equalsIgnoringCase("text/event-stream")
        if let translation {
            return beginTranslation(translation, contentType: contentType)
        }
        guard head.isSuccess, head.isEventStream else { return }
        events = EventStreamParser()
        switch door {
        case .answer(.messages): messagesObserver = MessagesStreamObserver()
        case .answer(.responses): responsesObserver = ResponsesStreamObserver()
        default: streamObserver = ChatStreamObserver()
        }
    }

    func upstreamBody(_ bytes: ByteSlice) {
        // Without a head it is the rest of a round that is over.
        guard machine.hasUpstream, head.status != 0, !awaitsRound else { return }
        if let translation, head.isSuccess, head.isEventStream {
            translateBody(bytes, by: translation)
        } else if isStreamed, head.isSuccess, head.isEventStream {
            relayEvents(bytes)
        } else {
            keep(bytes)
        }
    }

    private func keep(_ bytes: ByteSlice) {
        let limit =
            head.isSuccess ? snapshot.answerBytesMax : UpstreamErrorDecoder.bodyBytesMax
        guard answer.count + bytes.count <= limit else {
            guard head.isSuccess else { return }
            stopUpstream()
            return fail(Failure(.upstreamMalformed, "The upstream's answer is too large."))
        }
        if answer.capacity == 0 { answer = worker.loop.takeBuffer() }
        answer.append(bytes)
    }

    func upstreamEnded() {
        guard machine.hasUpstream else { return }
        guard head.isSuccess else { return fail(decodeError()) }
        if let translation { return translationEnded(translation) }
        if isStreamed, head.isEventStream { return streamEnded() }
        switch door {
        case .answer(.chat), .answer(.completions): break
        default: return otherAnswerEnded()
        }
        let observer = ChatResponseObserver(observing: answer.slice)
        (unaryUsage, unaryFinishReason) = (observer.usage, observer.finishReason)
        // A body with calls may be changed before it is passed on.
        if checksCalls {
            noteNames(id: observer.places.id, model: observer.places.model)
        } else {
            answerPlaces = observer.places
        }
        if let failure = observer.failure { return fail(failure) }
        guard !isStreamed else {
            return fail(
                Failure(
                    .upstreamMalformed, "The upstream answered a stream request without a stream."))
        }
        guard !head.isEventStream else {
            return fail(
                Failure(.upstreamMalformed, "The upstream streamed though it was not asked to."))
        }
        repairAnswer(at: .chat, observer.finishReason)
        answerUnary()
    }

    /// Whose credential is not accepted is told: it is the operator's to mend, who may have many.
    private func decodeError() -> Failure {
        var failure = decodeBody()
        if failure.kind == .upstreamAuthentication, let upstream {
            failure.message =
                "The provider '\(upstream.name)' did not accept the gateway's credential (status "
                + "\(head.status))."
        }
        return failure
    }

    private func decodeBody() -> Failure {
        let codec =
            translation?.call.codec
            ?? (door.speaksAnthropic ? .messages(isAnswerInTool: false) : .chat)
        guard let retryAfter = head.retryAfter else {
            return codec.failure(
                status: head.status, body: answer.slice, retryAfter: nil, secret: secret)
        }
        return retryAfter.withUnsafeBytes {
            codec.failure(
                status: head.status, body: answer.slice, retryAfter: ByteSlice($0), secret: secret)
        }
    }

    /// The credential that this request carried.
    var secret: Secret? { lentSecret ?? upstream?.key }

    func upstreamLost(_ failure: Failure) {
        guard machine.hasUpstream else { return }
        fail(failure)
    }

    /// Aborts what the upstream is still sending.
    func stopUpstream() {
        call.cancel()
        player?.stop()
        upstream?.tokens?.forget(self)
    }

    // MARK: Streams

    private func relayEvents(_ bytes: ByteSlice) {
        var input = bytes
        do throws(EventStreamFailure) {
            while machine.hasUpstream, let event = try events.next(&input) { relay(event) }
        } catch {
            stopUpstream()
            fail(Failure(.upstreamMalformed, "The upstream sent an event over the limit."))
            return
        }
        if clientPlace?._withUnsafeGuaranteedRef({ $0.isFull }) == true {
            call.pause()
            player?.pause()
        }
    }

    private func relay(_ event: EventStreamEvent) {
        if namingEvents > 0 { noteNames(in: event.data) }
        if tracesEvents, messagesObserver != nil || responsesObserver != nil { traceEvent(event) }
        if messagesObserver != nil { return relayMessages(event) }
        if responsesObserver != nil { return relayResponses(event) }
        if !event.name.isEmpty, event.name == "error" { return relayError(in: event) }
        let verdict = streamObserver.observe(event.data)
        if tracesEvents { traceEvent(event) }
        switch verdict {
        case .chunk:
            if checksCalls, streamObserver.hasCalls { return relayRepairing(event) }
            write(event)
        case .usageOnly:
            if scan?.wantsUsage == true { write(event) }
        case .done:
            finishStream()
        case .failed(let failure), .malformed(let failure):
            stopUpstream()
            fail(failure)
        }
    }

    private func relayError(in event: EventStreamEvent) {
        stopUpstream()
        if case .failed(let failure) = streamObserver.observe(event.data) {
            fail(failure)
        } else {
            fail(Failure(.upstreamFault, "The upstream reported an error within the stream."))
        }
    }

    func write(_ event: EventStreamEvent) {
        prepareEvent()
        // This dialect has no named events: a name would go past clients that look at it.
        if let canonical = event.canonical, event.name.isEmpty {
            clientPlace?._withUnsafeGuaranteedRef { $0.writeBody(canonical) }
        } else {
            client?.withBody { EventStreamWriter.event(data: event.data, to: &$0) }
        }
    }

    /// Makes sure that the stream's head is out and its clocks know of the event.
    func prepareEvent() {
        if firstEvent == nil {
            firstEvent = worker.loop.now
            // No other target can be asked from here on.
            if rerouting != nil, !checksCalls { giveBack(&body) }
        }
        if machine.eventWritten(now: worker.loop.now) { beginStream() }
    }

    /// `[DONE]` came: whatever follows it is nobody's.
    private func finishStream() {
        writeMark()
        endStream()
    }

    /// The stream is whole: whatever else comes is nobody's.
    func endStream() {
        client?.endResponse()
        status = client == nil ? 499 : 200
        call.dropRest()
        player?.stop()
        settle("ok")
    }

    /// The upstream ended without its marker.
    private func streamEnded() {
        if let event = events.finish() {
            relay(event)
            guard machine.hasUpstream else { return }
        }
        if let observer = messagesObserver {
            if let failure = observer.endOfStream() { fail(failure) }
            return
        }
        if let observer = responsesObserver {
            if case .cut(let failure) = observer.endOfStream() { fail(failure) }
            return
        }
        switch streamObserver.endOfStream() {
        case .complete: finishStream()
        case .cut(let failure): fail(failure)
        }
    }
}

extension Failure.Clock {
    init(_ clock: ClientClock) {
        switch clock {
        case .connect: self = .connect
        case .head: self = .responseHead
        case .idle: self = .idle
        case .total: self = .total
        case .queue: self = .poolWait
        }
    }
}
