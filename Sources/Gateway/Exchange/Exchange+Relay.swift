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
    var isEventStream = false
    var retryAfter: Int?
    var arrived = Instant(nanoseconds: 0)
}

/// What an upstream's means call when something comes: the client of a socket, or the simulator.
protocol UpstreamSink: AnyObject {
    func upstreamHead(status: Int, contentType: ByteSlice)
    func upstreamBody(_ bytes: ByteSlice)
    func upstreamEnded()
    func upstreamLost(_ failure: Failure)
}

extension Exchange: HTTPClientCallDelegate {
    package func writeRequest(on connection: HTTPClientConnection) {
        connection.write(request.slice)
        dispatched = worker.loop.clock()
    }

    package func responseHeadArrived(_ response: HTTPHead) {
        attempts = call.attempts
        giveBack(&request)
        let encoding = response.fields.first("content-encoding")
        if let encoding, !encoding.equalsIgnoringCase("identity") {
            // We asked for identity. Nothing of an encoded body could be checked on its way.
            call.cancel()
            fail(Failure(.badUpstream, "The upstream sent an encoding that was not asked for."))
            return
        }
        head.retryAfter = response.fields.first("retry-after")?.decimalValue
        keepFields(response.fields)
        upstreamHead(
            status: response.status, contentType: response.fields.first("content-type") ?? .empty)
    }

    /// Rate limits and the request's id of the upstream are told under names of their own.
    private func keepFields(_ fields: HTTPFields) {
        forwarded.removeAll()
        for index in 0..<fields.count {
            let name = fields.name(index)
            guard name.count >= 12, name[0] | 0x20 == 0x78, name[1] == 0x2D else { continue }
            let isKept =
                (name.count == 12 && name.equalsIgnoringCase("x-request-id"))
                || (name.count > 12 && name.prefix(12).equalsIgnoringCase("x-ratelimit-"))
            guard isKept, forwarded.count < 4096 else { continue }
            forwarded.append("x-upstream-" as StaticString)
            forwarded.append(name.dropFirst(2))
            forwarded.append(": " as StaticString)
            forwarded.append(fields.value(index))
            forwarded.append("\r\n" as StaticString)
        }
    }

    package func responseBodyArrived(_ bytes: ByteSlice) { upstreamBody(bytes) }

    package func responseEnded() { upstreamEnded() }

    package func callFailed(_ failure: HTTPClientFailure) {
        attempts = call.attempts
        upstreamLost(Self.failure(failure, provider: upstream?.name ?? ""))
    }

    private static func failure(_ failure: HTTPClientFailure, provider: String) -> Failure {
        switch failure {
        case .unresolved:
            return Failure(.badUpstream, "The name of the provider '\(provider)' was not found.")
        case .refused(let code):
            if code == "ETIMEDOUT" {
                return Failure(
                    .upstreamTimeout(clock: "connect"),
                    "The provider '\(provider)' could not be reached in time.")
            }
            return Failure(
                .badUpstream, "The provider '\(provider)' could not be reached (\(code)).")
        case .tls(let failure):
            return Failure(
                .badUpstream, "No secure connection to the provider '\(provider)': \(failure).")
        case .timedOut(.queue):
            return Failure(
                .overloaded, "No connection to the provider '\(provider)' became free in time.",
                retryAfter: 1)
        case .timedOut(let clock):
            return Failure(
                .upstreamTimeout(clock: clock.rawValue),
                "The provider '\(provider)' did not answer in time (\(clock.rawValue) clock).")
        case .queueFull:
            return Failure(
                .overloaded, "Too many requests wait for the provider '\(provider)'.",
                retryAfter: 1)
        case .draining:
            return Failure(.overloaded, "The gateway is shutting down.", retryAfter: 1)
        case .lost, .truncated:
            return Failure(
                .badUpstream, "The connection to the provider '\(provider)' was lost.")
        case .malformed, .unexpectedInterim:
            return Failure(.badUpstream, "The provider '\(provider)' did not answer in HTTP.")
        }
    }
}

extension Exchange: UpstreamSink {
    func upstreamHead(status: Int, contentType: ByteSlice) {
        head.status = status
        head.arrived = worker.loop.now
        head.isEventStream =
            contentType.count >= 17 && contentType.prefix(17).equalsIgnoringCase("text/event-stream")
        if scan?.streams == true, status == 200, head.isEventStream {
            events = EventStreamParser()
            streamObserver = ChatStreamObserver()
        } else {
            responseObserver = ChatResponseObserver()
        }
    }

    func upstreamBody(_ bytes: ByteSlice) {
        guard machine.isActive else { return }
        if scan?.streams == true, head.status == 200, head.isEventStream {
            relayEvents(bytes)
        } else {
            keep(bytes)
        }
    }

    private func keep(_ bytes: ByteSlice) {
        let limit =
            head.status == 200 ? snapshot.answerBytesMax : UpstreamErrorDecoder.bodyBytesMax
        guard answer.count + bytes.count <= limit else {
            guard head.status == 200 else { return }
            stopUpstream()
            return fail(Failure(.badUpstream, "The upstream's answer is too large."))
        }
        if answer.capacity == 0 { answer = worker.loop.takeBuffer() }
        answer.append(bytes)
    }

    func upstreamEnded() {
        guard machine.isActive else { return }
        guard head.status == 200 else {
            let failure = UpstreamErrorDecoder.decode(
                status: head.status, body: answer.slice, retryAfter: head.retryAfter,
                secret: upstream?.key ?? Secret(""))
            return fail(failure)
        }
        if scan?.streams == true, head.isEventStream { return streamEnded() }
        if let failure = responseObserver.observe(answer.slice) { return fail(failure) }
        guard scan?.streams != true else {
            return fail(
                Failure(.badUpstream, "The upstream answered a stream request without a stream."))
        }
        guard !head.isEventStream else {
            return fail(Failure(.badUpstream, "The upstream streamed though it was not asked to."))
        }
        answerUnary()
    }

    func upstreamLost(_ failure: Failure) {
        guard machine.isActive else { return }
        fail(failure)
    }

    /// Aborts what the upstream is still sending.
    func stopUpstream() {
        call.cancel()
        player?.stop()
    }

    // MARK: Streams

    private func relayEvents(_ bytes: ByteSlice) {
        var input = bytes
        do throws(EventStreamFailure) {
            while machine.isActive, let event = try events.next(&input) { relay(event) }
        } catch {
            stopUpstream()
            fail(Failure(.badUpstream, "The upstream sent an event over the limit."))
            return
        }
        if client?.isFull == true {
            call.pause()
            player?.pause()
        }
    }

    private func relay(_ event: EventStreamEvent) {
        if !event.name.isEmpty, event.name == "error" { return relayError(in: event) }
        switch streamObserver.observe(event.data) {
        case .chunk:
            write(event)
        case .usage:
            if scan?.includesUsage == true { write(event) }
        case .done:
            finishStream()
        case .error(let message, _):
            stopUpstream()
            fail(Failure(.badUpstream, message))
        case .malformed:
            stopUpstream()
            fail(Failure(.badUpstream, "The upstream sent something that is no chat chunk."))
        }
    }

    private func relayError(in event: EventStreamEvent) {
        stopUpstream()
        if case .error(let message, _) = streamObserver.observe(event.data) {
            fail(Failure(.badUpstream, message))
        } else {
            fail(Failure(.badUpstream, "The upstream reported an error within the stream."))
        }
    }

    private func write(_ event: EventStreamEvent) {
        prepareEvent()
        if let canonical = event.canonical {
            client?.writeBody(canonical)
        } else {
            client?.withBody {
                EventStreamWriter.event(name: event.name, data: event.data, to: &$0)
            }
        }
    }

    /// Makes sure that the stream's head is out and its clocks know of the event.
    private func prepareEvent() {
        if firstEvent == nil { firstEvent = worker.loop.now }
        if machine.eventWritten(now: worker.loop.now) { beginStream() }
    }

    /// `[DONE]` came: whatever follows it is nobody's.
    private func finishStream() {
        prepareEvent()
        client?.writeBody(ByteSlice("data: [DONE]\n\n"))
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
            guard machine.isActive else { return }
        }
        if streamObserver.isComplete { return finishStream() }
        fail(Failure(.badUpstream, "The upstream's stream ended before the answer did."))
    }
}
