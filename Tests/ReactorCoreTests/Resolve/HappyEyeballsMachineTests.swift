import ReactorCore
import Testing

@Suite struct HappyEyeballsMachineTests {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private func after(_ milliseconds: Int) -> Instant { start + .milliseconds(milliseconds) }

    @Test(
        arguments: [
            ("", []), ("4", [0]), ("6", [0]), ("446", [2, 0, 1]), ("6644", [0, 2, 1, 3]),
            ("44466", [3, 0, 4, 1, 2]), ("46666", [1, 0, 2, 3, 4]),
        ] as [(String, [Int])])
    func interleavesTheFamilies(_ families: String, _ order: [Int]) {
        let machine = HappyEyeballsMachine(families: families.map { $0 == "4" ? .v4 : .v6 })
        #expect(machine.order == order)
    }

    @Test func staggersAttempts() {
        var race = HappyEyeballsMachine(families: [.v4, .v4, .v6])
        #expect(race.start(now: start) == .start(2))
        #expect(race.nextDeadline == after(250))
        #expect(race.timePassed(now: after(249)) == .wait)
        #expect(race.timePassed(now: after(260)) == .start(0))
        #expect(race.timePassed(now: after(500)) == .wait)
        #expect(race.timePassed(now: after(510)) == .start(1))
        #expect(race.nextDeadline == .never)
        #expect(race.attemptSucceeded(0) == true)
        #expect(Array(race.running) == [1, 2])
        #expect(race.attemptSucceeded(2) == false)
        #expect(race.attemptFailed(1, now: after(600)) == .ignore)
        #expect(race.attemptFailed(0, now: after(600)) == .ignore)
    }

    @Test func doesNotWaitAfterAFailure() {
        var race = HappyEyeballsMachine(families: [.v6, .v4, .v6])
        #expect(race.start(now: start) == .start(0))
        #expect(race.attemptFailed(0, now: after(10)) == .start(1))
        #expect(race.nextDeadline == after(260))
        #expect(race.timePassed(now: after(260)) == .start(2))
        #expect(race.attemptFailed(1, now: after(270)) == .wait)
        #expect(race.attemptFailed(2, now: after(280)) == .fail)
        #expect(race.attemptFailed(2, now: after(280)) == .ignore)
        #expect(race.timePassed(now: after(9000)) == .wait)
    }

    @Test func failsWithoutAddresses() {
        var race = HappyEyeballsMachine(families: [])
        #expect(race.start(now: start) == .fail)
    }

    @Test func isGivenUp() {
        var race = HappyEyeballsMachine(families: [.v6, .v4])
        #expect(race.start(now: start) == .start(0))
        race.cancel()
        #expect(race.nextDeadline == .never)
        #expect(Array(race.running) == [0])
        #expect(race.attemptSucceeded(0) == false)
    }

    @Test func leavesOutAddressesBehindTheBound() {
        let machine = HappyEyeballsMachine(families: Array(repeating: .v4, count: 1000))
        #expect(machine.order == Array(0..<HappyEyeballsMachine.addressesMax))
    }

    /// Every address is tried at most once, the race ends exactly when it must, and no attempt
    /// joins before its time.
    @Test func everyRaceEndsRightly() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...9, using: &random)
            let families = (0..<count).map { _ in
                Bool.random(using: &random) ? HappyEyeballsMachine.Family.v4 : .v6
            }
            var race = HappyEyeballsMachine(families: families)
            var now = start
            var waiting = race.order
            var running: Set<Int> = []
            var lastStart = start
            var isOver = false
            func take(_ action: HappyEyeballsMachine.Action, afterFailure: Bool) {
                switch action {
                case .start(let address):
                    #expect(address == waiting.first, "seed \(seed)")
                    #expect(
                        afterFailure || now >= lastStart + .milliseconds(250)
                            || waiting.count == count, "seed \(seed)")
                    waiting.removeFirst()
                    running.insert(address)
                    lastStart = now
                case .wait:
                    #expect(!running.isEmpty, "seed \(seed)")
                    #expect(!afterFailure || waiting.isEmpty, "seed \(seed)")
                case .fail:
                    #expect(waiting.isEmpty && running.isEmpty, "seed \(seed)")
                    isOver = true
                case .ignore:
                    Issue.record("seed \(seed): ignored in a running race")
                }
            }
            take(race.start(now: now), afterFailure: false)
            while !isOver {
                #expect((race.nextDeadline == .never) == waiting.isEmpty, "seed \(seed)")
                let address = running.sorted().randomElement(using: &random) ?? -1
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    #expect(race.attemptSucceeded(address) == true, "seed \(seed)")
                    running.remove(address)
                    #expect(Set(race.running) == running, "seed \(seed)")
                    isOver = true
                case 1...3:
                    running.remove(address)
                    take(race.attemptFailed(address, now: now), afterFailure: true)
                default:
                    now = now + .milliseconds(Int.random(in: 0...300, using: &random))
                    take(race.timePassed(now: now), afterFailure: false)
                }
            }
        }
    }
}
