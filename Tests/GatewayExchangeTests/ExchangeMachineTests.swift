// ExchangeMachineTests.swift — every transition, and what a failure or a silence means before and
// after each.

import GatewayExchange
import ReactorCore
import Testing

@Suite struct ExchangeMachineTests {
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    private func machine(heartbeat: Int64? = 100) -> Driven {
        Driven(ExchangeMachine(heartbeatNanoseconds: heartbeat))
    }

    @Test func idle() {
        let machine = machine()
        #expect(!machine.isActive && !machine.isStreaming)
        #expect(machine.failed() == .nothing)
        #expect(machine.heartbeatDeadline == .never)
        #expect(machine.timePassed(now: at(1_000_000)) == .none)
        #expect(!machine.ended())
    }

    @Test func receiving() {
        let machine = machine()
        machine.requestBegan()
        #expect(machine.isActive && !machine.isStreaming)
        #expect(machine.failed() == .answer)
        #expect(machine.heartbeatDeadline == .never)
        #expect(machine.timePassed(now: at(1_000_000)) == .none)
        #expect(machine.ended())
        #expect(!machine.isActive)
    }

    // MARK: Another target

    @Test func aTargetMayBeLeftBeforeTheAnswer() {
        let machine = machine()
        #expect(!machine.mayGoOn && !machine.hasUpstream)
        machine.requestBegan()
        // A target that has no words for the request was not asked.
        #expect(machine.mayGoOn && !machine.hasUpstream)
        machine.leftTarget()
        #expect(machine.redirected(streams: true))
        machine.dispatched(streams: true, now: at(5))
        #expect(machine.mayGoOn && machine.hasUpstream)
        machine.leftTarget()
        #expect(machine.isActive && machine.mayGoOn && !machine.hasUpstream)
        // The silence goes on for the client.
        #expect(machine.heartbeatDeadline == at(105))
        #expect(machine.failed() == .answer)
        #expect(!machine.redirected(streams: false))
        #expect(machine.hasUpstream && machine.heartbeatDeadline == .never)
        machine.leftTarget()
        #expect(!machine.redirected(streams: true))
        #expect(machine.heartbeatDeadline == at(105))
        #expect(machine.eventWritten(now: at(50)))
        #expect(!machine.mayGoOn && machine.hasUpstream)
    }

    @Test func aHeartbeatIsNoAnswer() {
        let machine = machine()
        machine.requestBegan()
        machine.dispatched(streams: true, now: at(5))
        #expect(!machine.isUndecided)
        #expect(machine.timePassed(now: at(105)) == .heartbeat(begins: true))
        #expect(machine.mayGoOn && machine.isUndecided)
        #expect(machine.failed() == .inBand)
        machine.leftTarget()
        #expect(machine.timePassed(now: at(205)) == .heartbeat(begins: false))
        #expect(!machine.redirected(streams: true))
        #expect(machine.timePassed(now: at(305)) == .heartbeat(begins: false))
        #expect(machine.mayGoOn)
        #expect(!machine.eventWritten(now: at(306)))
        #expect(!machine.mayGoOn && !machine.isUndecided)
        #expect(machine.ended())
        #expect(!machine.mayGoOn && !machine.hasUpstream)
    }

    @Test func waitingForAnAnswer() {
        let machine = machine()
        machine.requestBegan()
        machine.dispatched(streams: false, now: at(5))
        #expect(machine.isActive && !machine.isStreaming)
        #expect(machine.failed() == .answer)
        #expect(machine.heartbeatDeadline == .never)
        #expect(machine.timePassed(now: at(1_000_000)) == .none)
        #expect(machine.ended())
    }

    @Test func waitingForAStream() {
        let machine = machine()
        machine.requestBegan()
        machine.dispatched(streams: true, now: at(5))
        #expect(machine.isActive && !machine.isStreaming)
        #expect(machine.failed() == .answer)
        #expect(machine.heartbeatDeadline == at(105))
        #expect(machine.timePassed(now: at(104)) == .none)
        #expect(machine.ended())
        #expect(machine.heartbeatDeadline == .never)
    }

    @Test func theFirstEventBeginsTheStream() {
        let machine = machine()
        machine.requestBegan()
        machine.dispatched(streams: true, now: at(5))
        #expect(machine.eventWritten(now: at(50)) == true)
        #expect(machine.isStreaming && machine.isActive)
        #expect(machine.failed() == .inBand)
        #expect(machine.eventWritten(now: at(60)) == false)
        #expect(machine.heartbeatDeadline == at(160))
        #expect(machine.ended())
        #expect(!machine.isStreaming)
        #expect(machine.failed() == .nothing)
    }

    @Test func aHeartbeatBeginsTheStreamOnce() {
        let machine = machine()
        machine.requestBegan()
        machine.dispatched(streams: true, now: at(0))
        #expect(machine.timePassed(now: at(100)) == .heartbeat(begins: true))
        #expect(machine.isStreaming)
        #expect(machine.failed() == .inBand)
        #expect(machine.timePassed(now: at(100)) == .none)
        #expect(machine.timePassed(now: at(199)) == .none)
        #expect(machine.timePassed(now: at(250)) == .heartbeat(begins: false))
        #expect(machine.heartbeatDeadline == at(350))
        #expect(machine.eventWritten(now: at(300)) == false)
        #expect(machine.timePassed(now: at(350)) == .none)
        #expect(machine.timePassed(now: at(400)) == .heartbeat(begins: false))
    }

    @Test func withoutHeartbeatsSilenceMeansNothing() {
        let machine = machine(heartbeat: nil)
        machine.requestBegan()
        machine.dispatched(streams: true, now: at(0))
        #expect(machine.heartbeatDeadline == .never)
        #expect(machine.timePassed(now: at(.max - 1)) == .none)
        #expect(machine.eventWritten(now: at(7)) == true)
        #expect(machine.heartbeatDeadline == .never)
    }

    @Test func itEndsOnceAndMayBeginAgain() {
        let machine = machine()
        machine.requestBegan()
        #expect(machine.ended())
        #expect(!machine.ended())
        #expect(machine.timePassed(now: at(1_000_000)) == .none)
        machine.requestBegan()
        #expect(machine.isActive)
        #expect(machine.ended())
    }
}

/// A machine behind a reference, so that what changes it may stand within an expectation.
private final class Driven {
    private var machine: ExchangeMachine

    init(_ machine: ExchangeMachine) { self.machine = machine }

    var isActive: Bool { machine.isActive }
    var isStreaming: Bool { machine.isStreaming }
    var hasUpstream: Bool { machine.hasUpstream }
    var mayGoOn: Bool { machine.mayGoOn }
    var isUndecided: Bool { machine.isUndecided }
    func leftTarget() { machine.leftTarget() }
    func redirected(streams: Bool) -> Bool { machine.redirected(streams: streams) }
    var heartbeatDeadline: Instant { machine.heartbeatDeadline }
    func failed() -> ExchangeMachine.FailureForm { machine.failed() }
    func requestBegan() { machine.requestBegan() }
    func dispatched(streams: Bool, now: Instant) { machine.dispatched(streams: streams, now: now) }
    func eventWritten(now: Instant) -> Bool { machine.eventWritten(now: now) }
    func timePassed(now: Instant) -> ExchangeMachine.Silence { machine.timePassed(now: now) }
    func ended() -> Bool { machine.ended() }
}
