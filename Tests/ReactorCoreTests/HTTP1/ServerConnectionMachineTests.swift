// ServerConnectionMachineTests.swift — every step of a server connection's life, on a clock that
// the test turns.

import ReactorCore
import Testing

@Suite struct ServerConnectionMachineTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    private var limits: ServerLimits {
        var limits = ServerLimits()
        limits.bodyBytesMax = 1_000_000
        limits.headTime = .seconds(10)
        limits.bodyTime = .seconds(60)
        limits.bodyRateGrace = .seconds(20)
        limits.bodyRateMin = 1000
        limits.idleTime = .seconds(75)
        limits.writeStallTime = .seconds(30)
        limits.lingerTime = .seconds(5)
        return limits
    }

    private func at(_ seconds: Double) -> Instant {
        start.advanced(nanoseconds: Int64(seconds * 1e9))
    }

    private func machine() -> ServerConnectionMachine {
        ServerConnectionMachine(limits: limits, now: start)
    }

    /// A connection whose request's head has arrived at second 1.
    private func serving(
        _ framing: BodyFraming = .none, keepsAlive: Bool = true
    ) -> ServerConnectionMachine {
        var machine = machine()
        machine.bytesArrived(now: at(1))
        let isWithinLimit = machine.headArrived(
            keepsAlive: keepsAlive, framing: framing, now: at(1))
        #expect(isWithinLimit)
        return machine
    }

    // MARK: TLS

    @Test func aHandshakeHasTheTimeOfAHead() {
        var machine = ServerConnectionMachine(limits: limits, securing: true, now: start)
        #expect(machine.deadline == at(10))
        #expect(!machine.isIdle && !machine.isServing && !machine.mayAnswer)
        #expect(machine.timePassed(now: at(9.9)) == .none)
        #expect(machine.timePassed(now: at(10)) == .close)
    }

    @Test func behindItTheConnectionIsIdle() {
        var machine = ServerConnectionMachine(limits: limits, securing: true, now: start)
        machine.secured(now: at(9))
        #expect(machine.isIdle && machine.deadline == at(9 + 75))
        machine.bytesArrived(now: at(20))
        machine.secured(now: at(21))
        #expect(!machine.isIdle && machine.deadline == at(30))
    }

    @Test func aHandshakeEndsWithADrainOrARefusal() {
        var machine = ServerConnectionMachine(limits: limits, securing: true, now: start)
        let closesNow = machine.drain()
        #expect(closesNow)
        machine = ServerConnectionMachine(limits: limits, securing: true, now: start)
        machine.bytesArrived(now: at(1))
        #expect(machine.mayAnswer)
        machine = ServerConnectionMachine(limits: limits, securing: true, now: start)
        #expect(machine.inputEnded() == .close)
    }

    // MARK: The usual way

    @Test func oneRequestAfterTheOther() {
        var machine = machine()
        for round in 0..<3 {
            let time = Double(round * 10)
            #expect(machine.isIdle)
            #expect(!machine.isServing)
            #expect(!machine.mayAnswer)
            machine.bytesArrived(now: at(time))
            #expect(!machine.isIdle)
            #expect(machine.deadline == at(time + 10))
            #expect(
                machine.headArrived(keepsAlive: true, framing: .length(5), now: at(time + 1))
                    == true)
            #expect(machine.isServing)
            #expect(machine.isRequestOpen)
            #expect(machine.mayAnswer)
            #expect(machine.bodyArrived(5) == true)
            machine.requestEnded()
            #expect(!machine.isRequestOpen)
            #expect(machine.deadline == .never)
            #expect(machine.responseBegan() == true)
            #expect(!machine.mayAnswer)
            #expect(machine.hasStartedResponse)
            #expect(machine.isServing)
            #expect(machine.responseEnded(now: at(time + 2)) == .nextRequest)
            #expect(machine.deadline == at(time + 2 + 75))
        }
    }

    @Test func aRequestWithoutBodyIsWholeWithItsHead() {
        var machine = serving()
        #expect(!machine.isRequestOpen)
        #expect(machine.deadline == .never)
        #expect(machine.responseBegan() == true)
        #expect(machine.responseEnded(now: at(2)) == .nextRequest)
        // The parser tells the end of the request only behind its head.
        machine.requestEnded()
        #expect(machine.isIdle)
        #expect(machine.deadline == at(77))
    }

    @Test func closesWhenTheClientWantsIt() {
        var machine = serving(keepsAlive: false)
        machine.requestEnded()
        #expect(machine.responseBegan() == false)
        #expect(machine.responseEnded(now: at(2)) == .close)
        #expect(!machine.takesInput)
    }

    @Test func closesWhenTheServerWantsIt() {
        var machine = serving()
        machine.requestEnded()
        #expect(machine.responseBegan(closes: true) == false)
        #expect(machine.responseEnded(now: at(2)) == .close)
    }

    @Test func closeHoldsForOneRequestOnly() {
        var machine = serving()
        machine.requestEnded()
        #expect(machine.responseBegan() == true)
        #expect(machine.responseEnded(now: at(2)) == .nextRequest)
        machine.bytesArrived(now: at(3))
        #expect(machine.headArrived(keepsAlive: false, framing: .none, now: at(3)) == true)
        machine.requestEnded()
        #expect(machine.responseBegan() == false)
    }

    // MARK: Early answers

    @Test func anEarlyAnswerLingers() {
        var machine = serving(.length(100))
        #expect(machine.responseBegan() == true)
        #expect(machine.responseEnded(now: at(2)) == .linger)
        #expect(machine.isLingering)
        #expect(!machine.mayAnswer)
        #expect(machine.deadline == at(7))
        #expect(machine.timePassed(now: at(6.9)) == .none)
        #expect(machine.timePassed(now: at(7)) == .close)
        #expect(machine.deadline == .never)
    }

    @Test func aRefusedHeadIsAnsweredAndLingers() {
        var machine = machine()
        machine.bytesArrived(now: at(1))
        #expect(machine.mayAnswer)
        #expect(machine.responseBegan() == false)
        #expect(machine.responseEnded(now: at(1)) == .linger)
        #expect(machine.inputEnded() == .close)
    }

    @Test func bodyLimits() {
        var machine = machine()
        machine.bytesArrived(now: at(0))
        #expect(
            machine.headArrived(keepsAlive: true, framing: .length(1_000_000), now: at(0)) == true)
        machine = self.machine()
        machine.bytesArrived(now: at(0))
        let fits = machine.headArrived(keepsAlive: true, framing: .length(1_000_001), now: at(0))
        #expect(!fits)
        #expect(machine.mayAnswer)
        let keeps = machine.responseBegan(closes: true)
        #expect(!keeps)
        #expect(machine.responseEnded(now: at(1)) == .linger)

        machine = self.machine()
        machine.bytesArrived(now: at(0))
        let huge = machine.headArrived(keepsAlive: true, framing: .length(.max), now: at(0))
        #expect(!huge)

        machine = serving(.chunked)
        #expect(machine.bodyArrived(999_999) == true)
        #expect(machine.bodyArrived(1) == true)
        let more = machine.bodyArrived(1)
        #expect(!more)
        #expect(machine.mayAnswer)
    }

    // MARK: Clocks

    @Test func idleTime() {
        var machine = machine()
        #expect(machine.deadline == at(75))
        #expect(machine.timePassed(now: at(74.999)) == .none)
        #expect(machine.timePassed(now: at(75)) == .close)
    }

    @Test func headTimeIsTotal() {
        var machine = machine()
        machine.bytesArrived(now: at(1))
        for second in 2..<11 {
            machine.bytesArrived(now: at(Double(second)))
            #expect(machine.timePassed(now: at(Double(second))) == .none)
        }
        #expect(machine.timePassed(now: at(11)) == .answerTimeout)
        #expect(machine.mayAnswer)
        let keeps = machine.responseBegan(closes: true)
        #expect(!keeps)
        #expect(machine.responseEnded(now: at(11)) == .linger)
    }

    @Test func bodyTimeGrowsWithTheBody() {
        // 10 s x 64 KiB declared: 60 s and 10 s more; the rate rule is kept.
        var machine = serving(.length(655_360))
        for second in stride(from: 1.0, to: 71, by: 1) {
            #expect(machine.timePassed(now: at(second)) == .none)
            #expect(machine.bodyArrived(5000) == true)
        }
        #expect(machine.deadline == at(71))
        #expect(machine.timePassed(now: at(71)) == .answerTimeout)
    }

    @Test func bodyRate() {
        var machine = serving(.chunked)
        #expect(machine.deadline == at(21))
        #expect(machine.bodyArrived(5000) == true)
        #expect(machine.deadline == at(26))
        #expect(machine.timePassed(now: at(25.9)) == .none)
        #expect(machine.timePassed(now: at(26)) == .answerTimeout)
        #expect(machine.mayAnswer)
    }

    @Test func aStalledBodyBehindAnAnswerThatBeganCloses() {
        var machine = serving(.chunked)
        #expect(machine.responseBegan() == true)
        #expect(machine.timePassed(now: at(21)) == .close)
        #expect(!machine.isServing)
    }

    @Test func aHandlerHasAllTheTimeItNeeds() {
        var machine = serving(.length(1))
        #expect(machine.bodyArrived(1) == true)
        machine.requestEnded()
        #expect(machine.deadline == .never)
        #expect(machine.timePassed(now: at(100_000)) == .none)
        #expect(machine.isServing)
    }

    @Test func aClientThatTakesNothing() {
        var machine = serving()
        machine.requestEnded()
        #expect(machine.responseBegan() == true)
        machine.outputWaits(moved: true, now: at(10))
        #expect(machine.deadline == at(40))
        machine.outputWaits(moved: false, now: at(20))
        #expect(machine.deadline == at(40))
        machine.outputWaits(moved: true, now: at(30))
        #expect(machine.deadline == at(60))
        machine.outputEmptied()
        #expect(machine.deadline == .never)
        machine.outputWaits(moved: false, now: at(100))
        #expect(machine.timePassed(now: at(129)) == .none)
        #expect(machine.timePassed(now: at(130)) == .close)
    }

    /// The last bytes of a response wait like all others, though no request will follow.
    @Test(arguments: [true, false]) func theWriteClockOutlivesTheResponse(_ closes: Bool) {
        var machine = serving()
        machine.requestEnded()
        _ = machine.responseBegan(closes: closes)
        machine.outputWaits(moved: true, now: at(10))
        #expect(machine.responseEnded(now: at(11)) == (closes ? .close : .nextRequest))
        #expect(machine.deadline == at(40))
        #expect(machine.timePassed(now: at(40)) == .close)
    }

    @Test func aCutResponseStillHasAClock() {
        var machine = serving()
        machine.requestEnded()
        _ = machine.responseBegan()
        machine.outputWaits(moved: true, now: at(10))
        machine.close()
        #expect(machine.timePassed(now: at(40)) == .close)
    }

    // MARK: Ends

    @Test func theEndOfInput() {
        var idle = machine()
        #expect(idle.inputEnded() == .close)
        var head = machine()
        head.bytesArrived(now: at(1))
        #expect(head.inputEnded() == .close)
        var open = serving(.length(9))
        #expect(open.inputEnded() == .cancel)
        #expect(!open.isServing)
        #expect(open.inputEnded() == .close)
        var whole = serving()
        whole.requestEnded()
        #expect(whole.inputEnded() == .cancel)
        var answering = serving()
        answering.requestEnded()
        _ = answering.responseBegan()
        #expect(answering.inputEnded() == .cancel)
        var answered = serving()
        answered.requestEnded()
        _ = answered.responseBegan()
        _ = answered.responseEnded(now: at(2))
        #expect(answered.inputEnded() == .close)
    }

    @Test func drain() {
        var idle = machine()
        #expect(idle.drain() == true)
        var head = machine()
        head.bytesArrived(now: at(1))
        let closesNow = head.drain()
        #expect(!closesNow)
        #expect(head.headArrived(keepsAlive: true, framing: .none, now: at(2)) == true)
        head.requestEnded()
        let keeps = head.responseBegan()
        #expect(!keeps)
        #expect(head.responseEnded(now: at(3)) == .close)

        // Its head has promised to live on; it is closed all the same.
        var answering = serving()
        answering.requestEnded()
        #expect(answering.responseBegan() == true)
        let closes = answering.drain()
        #expect(!closes)
        #expect(answering.responseEnded(now: at(3)) == .close)
    }

    /// A client that has been promised that the connection lives on sends one more request.
    @Test func drainThatAwaitsOneMoreRequest() {
        var idle = machine()
        #expect(idle.drain(keepsIdle: true) == false)
        idle.bytesArrived(now: at(1))
        #expect(idle.headArrived(keepsAlive: true, framing: .none, now: at(2)) == true)
        idle.requestEnded()
        #expect(idle.responseBegan() == false)
        #expect(idle.responseEnded(now: at(3)) == .close)

        var answering = serving()
        answering.requestEnded()
        #expect(answering.responseBegan() == true)
        #expect(answering.drain(keepsIdle: true) == false)
        #expect(answering.responseEnded(now: at(3)) == .nextRequest)
        answering.bytesArrived(now: at(4))
        #expect(answering.headArrived(keepsAlive: true, framing: .none, now: at(4)) == true)
        answering.requestEnded()
        #expect(answering.responseBegan() == false)
        #expect(answering.responseEnded(now: at(5)) == .close)

        // Not told anything yet: this answer is the last.
        var asked = serving()
        asked.requestEnded()
        #expect(asked.drain(keepsIdle: true) == false)
        #expect(asked.responseBegan() == false)
        #expect(asked.responseEnded(now: at(3)) == .close)

        // Whoever is still idle when the time is over is closed.
        var late = serving()
        late.requestEnded()
        _ = late.responseBegan()
        _ = late.drain(keepsIdle: true)
        _ = late.responseEnded(now: at(3))
        #expect(late.drain() == true)
    }

    @Test func inputIsTakenUntilTheConnectionIsOver() {
        var machine = serving(.length(4))
        #expect(machine.takesInput)
        _ = machine.responseBegan()
        _ = machine.responseEnded(now: at(2))
        #expect(!machine.takesInput)
        machine = self.machine()
        #expect(machine.takesInput)
        machine.close()
        #expect(!machine.takesInput)
    }
}
