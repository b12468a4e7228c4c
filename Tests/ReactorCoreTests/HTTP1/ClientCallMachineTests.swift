// ClientCallMachineTests.swift — when a call is sent again, and which clock runs out.

import ReactorCore
import Testing

@Suite struct ClientCallMachineTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    private var clocks: ClientClocks {
        var clocks = ClientClocks()
        clocks.head = .seconds(60)
        clocks.idle = .seconds(20)
        clocks.total = .seconds(100)
        return clocks
    }

    private func at(_ seconds: Int) -> Instant { start + .seconds(seconds) }

    /// How far a call has come when it fails.
    enum Phase: CaseIterable, Sendable { case waiting, sent, receiving, body }

    private func call(_ phase: Phase, reused: Bool) -> ClientCallMachine {
        var machine = ClientCallMachine(clocks: clocks, now: start)
        if phase == .waiting { return machine }
        machine.sent(reused: reused, now: at(1))
        if phase == .sent { return machine }
        machine.bytesArrived(now: at(2))
        if phase == .receiving { return machine }
        machine.headArrived(now: at(3))
        return machine
    }

    @Test(arguments: Phase.allCases, [false, true])
    func onlyADeadReusedConnectionIsTriedAgain(_ phase: Phase, _ reused: Bool) {
        var machine = call(phase, reused: reused)
        let expected: ClientCallMachine.Verdict =
            phase == .sent && reused ? .retryFresh : .fail
        #expect(machine.connectionLost() == expected)
        #expect(machine.attempts == (expected == .retryFresh ? 2 : 1))
    }

    @Test(arguments: Phase.allCases) func aFailedConnectIsTriedAgain(_ phase: Phase) {
        var machine = call(phase, reused: true)
        let expected: ClientCallMachine.Verdict = phase == .waiting ? .retryFresh : .fail
        #expect(machine.connectFailed() == expected)
    }

    /// What may fail first and then again.
    enum Failure: CaseIterable, Sendable { case connect, lost }

    @Test(arguments: Failure.allCases, Failure.allCases)
    func thereIsNoThirdTry(_ first: Failure, _ second: Failure) {
        var machine = ClientCallMachine(clocks: clocks, now: start)
        for (failure, expected) in [(first, ClientCallMachine.Verdict.retryFresh), (second, .fail)]
        {
            switch failure {
            case .connect:
                #expect(machine.connectFailed() == expected)
            case .lost:
                machine.sent(reused: true, now: at(1))
                #expect(machine.connectionLost() == expected)
            }
        }
        #expect(machine.attempts == 2)
        #expect(machine.deadline.at == .never)
    }

    @Test func clocksOfThePhases() {
        var machine = ClientCallMachine(clocks: clocks, now: start)
        #expect(machine.deadline.at == at(100))
        #expect(machine.deadline.clock == .total)
        machine.sent(reused: false, now: at(5))
        #expect(machine.deadline.at == at(65))
        #expect(machine.deadline.clock == .head)
        #expect(!machine.hasResponse)
        // A head that comes byte by byte has no more time than another.
        machine.bytesArrived(now: at(30))
        #expect(machine.hasResponse)
        machine.bytesArrived(now: at(60))
        #expect(machine.deadline.at == at(65))
        machine.headArrived(now: at(61))
        #expect(machine.deadline.at == at(81))
        #expect(machine.deadline.clock == .idle)
        machine.bytesArrived(now: at(70))
        #expect(machine.deadline.at == at(90))
        machine.resumed(now: at(75))
        #expect(machine.deadline.at == at(95))
        machine.bytesArrived(now: at(81))
        #expect(machine.deadline.at == at(100))
        #expect(machine.deadline.clock == .total)
        machine.ended()
        #expect(machine.deadline.at == .never)
    }

    @Test func aPauseStopsAllClocksButTheTotalOne() {
        var machine = call(.body, reused: false)
        machine.paused()
        #expect(machine.deadline.at == at(100))
        #expect(machine.deadline.clock == .total)
        machine.resumed(now: at(70))
        #expect(machine.deadline.at == at(90))
        #expect(machine.deadline.clock == .idle)
    }

    @Test func theSecondTryHasAHeadClockOfItsOwnAndTheSameTotal() {
        var machine = call(.sent, reused: true)
        #expect(machine.connectionLost() == .retryFresh)
        machine.sent(reused: false, now: at(30))
        #expect(machine.deadline.at == at(90))
        machine.headArrived(now: at(85))
        #expect(machine.deadline.at == at(100))
    }

    // MARK: Waiting for a connection

    @Test func aWaitIsBoundedByTheTotalClock() {
        let machine = ClientCallMachine(clocks: clocks, connectTime: 10_000_000_000, now: start)
        #expect(machine.deadline.at == at(100) && machine.deadline.clock == .total)
    }

    @Test(arguments: [(9, true), (10, false), (11, false)])
    func aShorterConnectClockBoundsEachWait(_ seconds: Int, _ bounds: Bool) {
        var clocks = clocks
        clocks.connect = .seconds(seconds)
        var machine = ClientCallMachine(clocks: clocks, connectTime: 10_000_000_000, now: start)
        #expect(machine.deadline.at == (bounds ? at(seconds) : at(100)))
        #expect(machine.deadline.clock == (bounds ? .connect : .total))
        #expect(machine.connectFailed() == .retryFresh)
        machine.waits(now: at(4))
        #expect(machine.deadline.at == (bounds ? at(4 + seconds) : at(100)))
        machine.sent(reused: false, now: at(5))
        #expect(machine.deadline.at == at(65) && machine.deadline.clock == .head)
    }
}
