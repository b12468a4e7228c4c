// Exchange+Status.swift — a client that watches the gateway: a stream without an upstream, fed by the
// Admin floor for as long as the client stays.

import GatewayDoors
import GatewayModel
import ReactorCore

extension Exchange: StatusListener {
    func beginStatusEvents() {
        guard let admin = worker.admin, method != .head else { return answerAdmin() }
        machine.dispatched(streams: true, now: worker.loop.now)
        guard admin.watch(self) else {
            return fail(
                Failure(
                    .overloaded, "Too many watch this gateway already, or it is leaving.",
                    retryAfter: 10))
        }
    }

    package var hasRoom: Bool { client.map { !$0.isFull } ?? false }

    package func tell(_ event: ByteSlice) {
        guard machine.isActive else { return }
        if machine.eventWritten(now: worker.loop.now) { beginStream() }
        client?.writeBody(event)
    }

    package func endTelling() {
        guard machine.isActive else { return }
        if machine.eventWritten(now: worker.loop.now) { beginStream() }
        client?.endResponse()
        settle("ok")
    }

    /// `accept` matters to one door.
    func noteAccepted(_ value: ByteSlice) {
        guard case .metrics = door else { return }
        acceptsOpenMetrics = value.string.contains("application/openmetrics-text")
    }
}
