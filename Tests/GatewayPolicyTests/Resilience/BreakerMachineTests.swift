// BreakerMachineTests.swift — when a breaker opens, whom it lets through, and what closes it.

import GatewayPolicy
import Testing

@Suite struct BreakerMachineTests {
    private static let second: UInt64 = 1_000_000_000
    private let policy: BreakerPolicy = {
        var policy = BreakerPolicy()
        policy.failures = 3
        policy.percent = 50
        policy.minimum = 10
        policy.window = .seconds(60)
        policy.open = .seconds(30)
        return policy
    }()

    private func time(_ seconds: Double) -> UInt64 { UInt64(seconds * 1_000_000_000) + 77 }

    private func open(at seconds: Double = 100) -> Driven {
        let machine = Driven()
        for _ in 0..<2 {
            #expect(!machine.ended(.failed, probed: false, policy, now: time(seconds)))
        }
        #expect(machine.ended(.failed, probed: false, policy, now: time(seconds)))
        return machine
    }

    @Test func aFreshOneIsClosedAndSuccessWritesNothing() {
        let machine = Driven()
        for step in 0..<100 {
            #expect(machine.admit(policy, now: time(Double(step))) == .passes)
            #expect(!machine.ended(.succeeded, probed: false, policy, now: time(Double(step))))
            #expect(!machine.ended(.undecided, probed: false, policy, now: time(Double(step))))
            #expect(machine.word == 0)
        }
    }

    @Test func failuresInARowOpenIt() {
        let machine = Driven()
        #expect(!machine.ended(.failed, probed: false, policy, now: time(1)))
        #expect(!machine.ended(.failed, probed: false, policy, now: time(2)))
        #expect(machine.failuresInRow == 2)
        // One that succeeds ends the row; one that says nothing does not.
        #expect(!machine.ended(.undecided, probed: false, policy, now: time(2)))
        #expect(machine.failuresInRow == 2)
        #expect(!machine.ended(.succeeded, probed: false, policy, now: time(3)))
        #expect(machine.failuresInRow == 0)
        #expect(!machine.ended(.failed, probed: false, policy, now: time(4)))
        #expect(!machine.ended(.failed, probed: false, policy, now: time(5)))
        #expect(machine.phase == .closed)
        #expect(machine.ended(.failed, probed: false, policy, now: time(6)))
        #expect(machine.phase == .open)
    }

    @Test func anOpenOneRefusesUntilItsTimeIsOver() {
        let machine = open(at: 100)
        #expect(
            machine.admit(policy, now: time(100)) == .refused(waitNanoseconds: 30_000_000_000))
        #expect(machine.admit(policy, now: time(129)) == .refused(waitNanoseconds: 1_000_000_000))
        #expect(machine.phase == .open)
        #expect(machine.admit(policy, now: time(130)) == .probes)
        #expect(machine.phase == .halfOpen)
    }

    @Test func oneProbeAtATime() {
        let machine = open(at: 100)
        #expect(machine.admit(policy, now: time(140)) == .probes)
        #expect(machine.admit(policy, now: time(141)) == .refused(waitNanoseconds: 29_000_000_000))
        // Nothing was heard of the first: its worker may have died.
        #expect(machine.admit(policy, now: time(170)) == .probes)
    }

    @Test func theProbesEndDecides() {
        let good = open()
        #expect(good.admit(policy, now: time(140)) == .probes)
        #expect(!good.ended(.succeeded, probed: true, policy, now: time(141)))
        #expect(good.word == 0)

        let bad = open()
        #expect(bad.admit(policy, now: time(140)) == .probes)
        #expect(bad.ended(.failed, probed: true, policy, now: time(141)))
        #expect(bad.admit(policy, now: time(170)) == .refused(waitNanoseconds: 1_000_000_000))
        #expect(bad.admit(policy, now: time(171)) == .probes)

        let unknown = open()
        #expect(unknown.admit(policy, now: time(140)) == .probes)
        #expect(!unknown.ended(.undecided, probed: true, policy, now: time(141)))
        #expect(unknown.phase == .open)
        #expect(unknown.admit(policy, now: time(141)) == .probes)
    }

    @Test func whatBeganBeforeSaysNothingNew() {
        let machine = open(at: 100)
        let word = machine.word
        #expect(!machine.ended(.succeeded, probed: false, policy, now: time(101)))
        #expect(!machine.ended(.failed, probed: false, policy, now: time(102)))
        #expect(machine.word == word)
        #expect(machine.admit(policy, now: time(131)) == .probes)
        #expect(!machine.ended(.succeeded, probed: false, policy, now: time(132)))
        #expect(!machine.ended(.failed, probed: false, policy, now: time(132)))
        #expect(machine.phase == .halfOpen)
    }

    @Test func aShareOfAWindowOpensIt() {
        let machine = Driven()
        var opened: Int?
        for number in 1...40 {
            // Two of three fail, never three in a row.
            let outcome: BreakerMachine.Outcome = number % 3 == 0 ? .succeeded : .failed
            if machine.ended(outcome, probed: false, policy, now: time(10 + Double(number))) {
                opened = number
                break
            }
        }
        #expect(opened == 10)
    }

    @Test func fewFailuresOfManyDoNot() {
        let machine = Driven()
        for number in 1...3000 {
            let outcome: BreakerMachine.Outcome = number % 3 == 0 ? .failed : .succeeded
            #expect(!machine.ended(outcome, probed: false, policy, now: time(10)))
        }
        #expect(machine.phase == .closed)
    }

    @Test func zeroPerCentIsOff() {
        var policy = policy
        policy.percent = 0
        let machine = Driven()
        for number in 1...200 {
            let outcome: BreakerMachine.Outcome = number % 3 == 0 ? .succeeded : .failed
            #expect(!machine.ended(outcome, probed: false, policy, now: time(10)))
        }
    }

    @Test func aWindowEnds() {
        func opens(stepSeconds: Double) -> Bool {
            let machine = Driven()
            for number in 0..<40 {
                let outcome: BreakerMachine.Outcome = number % 2 == 0 ? .failed : .succeeded
                let now = time(Double(number) * stepSeconds)
                if machine.ended(outcome, probed: false, policy, now: now) { return true }
            }
            return false
        }
        // Half of them fail; ten fit into a minute, or only seven.
        #expect(opens(stepSeconds: 5))
        #expect(!opens(stepSeconds: 9))
    }

    @Test func countsThatAreFullKeepTheShare() {
        var policy = policy
        policy.minimum = BreakerPolicy.countMax
        policy.failures = BreakerPolicy.failuresMax
        let machine = Driven()
        for number in 0..<20_000 {
            // Two of five: below the half, whatever the counts lose.
            let outcome: BreakerMachine.Outcome = number % 5 < 2 ? .failed : .succeeded
            #expect(!machine.ended(outcome, probed: false, policy, now: time(10)))
        }
        var opened = false
        for number in 0..<20_000 where !opened {
            let outcome: BreakerMachine.Outcome = number % 5 < 3 ? .failed : .succeeded
            opened = machine.ended(outcome, probed: false, policy, now: time(10))
        }
        #expect(opened)
    }

    @Test func theClockMayWrap() {
        // 2^32 ticks of 10 ms, less a second.
        let end = (UInt64(1) << 32) * BreakerMachine.tickNanoseconds - Self.second
        let machine = Driven()
        for _ in 0..<3 { _ = machine.ended(.failed, probed: false, policy, now: end) }
        #expect(machine.phase == .open)
        #expect(
            machine.admit(policy, now: end + 2 * Self.second)
                == .refused(waitNanoseconds: 28_000_000_000))
        #expect(machine.admit(policy, now: end + 31 * Self.second) == .probes)
    }

    @Test func anyWordIsAState() {
        // What another version has left must not bring a worker down.
        for word in [UInt64.max, UInt64.max << 62, 1, 1 << 63, 0xDEAD_BEEF_DEAD_BEEF] {
            let machine = Driven(word: word)
            _ = machine.admit(policy, now: time(5))
            _ = machine.ended(.failed, probed: true, policy, now: time(6))
            _ = machine.ended(.succeeded, probed: true, policy, now: time(7))
            #expect(machine.failuresInRow <= BreakerPolicy.failuresMax)
        }
    }
}

/// What is changed while it is looked at must be a reference.
private final class Driven {
    private var machine: BreakerMachine

    init(word: UInt64 = 0) { machine = BreakerMachine(word: word) }

    var word: UInt64 { machine.word }
    var phase: BreakerMachine.Phase { machine.phase }
    var failuresInRow: Int { machine.failuresInRow }

    func admit(_ policy: BreakerPolicy, now: UInt64) -> BreakerMachine.Admission {
        machine.admit(policy, now: now)
    }

    func ended(
        _ outcome: BreakerMachine.Outcome, probed: Bool, _ policy: BreakerPolicy, now: UInt64
    ) -> Bool {
        machine.ended(outcome, probed: probed, policy, now: now)
    }
}
