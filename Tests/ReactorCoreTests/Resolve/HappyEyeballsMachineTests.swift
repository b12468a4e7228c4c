// HappyEyeballsMachineTests.swift — which address is tried when.

import ReactorCore
import Testing

@Suite struct HappyEyeballsMachineTests {
    private func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: 1_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func takesTheFamiliesInTurn() {
        var machine = HappyEyeballsMachine(families: [.v4, .v4, .v4, .v6, .v6])
        var order: [Int] = []
        var action = machine.start(now: at(0))
        while case .attempt(let index) = action {
            order.append(index)
            action = machine.attemptFailed(index, now: at(0))
        }
        #expect(order == [3, 0, 4, 1, 2])
        #expect(action == .fail)
    }

    @Test func startsTheNextWhenOneIsSlow() {
        var machine = HappyEyeballsMachine(families: [.v4, .v6])
        #expect(machine.start(now: at(0)) == .attempt(1))
        #expect(machine.nextDeadline == at(250))
        #expect(machine.timePassed(now: at(249)) == .wait)
        #expect(machine.timePassed(now: at(250)) == .attempt(0))
        #expect(machine.nextDeadline == .never)
        #expect(machine.timePassed(now: at(9999)) == .wait)
        #expect(machine.attemptFailed(1, now: at(300)) == .wait)
        #expect(machine.attemptFailed(0, now: at(400)) == .fail)
    }

    @Test func startsTheNextAtOnceWhenOneFails() {
        var machine = HappyEyeballsMachine(families: [.v4, .v4, .v4])
        #expect(machine.start(now: at(0)) == .attempt(0))
        #expect(machine.attemptFailed(0, now: at(10)) == .attempt(1))
        #expect(machine.nextDeadline == at(260))
        #expect(machine.timePassed(now: at(259)) == .wait)
        #expect(machine.timePassed(now: at(260)) == .attempt(2))
    }

    @Test func noAddressAtAll() {
        var machine = HappyEyeballsMachine(families: [])
        #expect(machine.start(now: at(0)) == .fail)
    }

    @Test(arguments: SeededRandom.testSeeds) func everyAddressIsTriedOnce(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 1...8, using: &random)
            let families = (0..<count).map { _ in
                random.chance(50) ? HappyEyeballsMachine.Family.v4 : .v6
            }
            var machine = HappyEyeballsMachine(families: families)
            var tried: [Int] = []
            var running: [Int] = []
            var now = at(0)
            var action = machine.start(now: now)
            loop: while true {
                switch action {
                case .attempt(let index):
                    try #require(!tried.contains(index), "seed \(seed)")
                    tried.append(index)
                    running.append(index)
                case .wait: break
                case .fail: break loop
                }
                if random.chance(50), machine.nextDeadline != .never {
                    now = machine.nextDeadline
                    action = machine.timePassed(now: now)
                } else if let index = running.randomElement(using: &random) {
                    running.removeAll { $0 == index }
                    action = machine.attemptFailed(index, now: now)
                } else {
                    action = machine.timePassed(now: machine.nextDeadline)
                }
            }
            try #require(tried.count == count && running.isEmpty, "seed \(seed)")
        }
    }
}
