// SupervisorMachineTests.swift — supervision on a virtual clock: single stories first, then random
// ones against a model that knows only what must never be.

import ReactorCore
import Testing

@Suite struct SupervisorMachineTests {
    private typealias Action = SupervisorMachine.Action

    private static func limits(_ count: Int) -> SupervisorLimits {
        var limits = SupervisorLimits(workerCount: count)
        limits.backoff = Backoff(base: .seconds(1), cap: .seconds(8), jitter: 0)
        return limits
    }

    private static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + UInt64(seconds * 1_000_000_000))
    }

    private static func id(_ place: Int, _ side: Int = 0) -> WorkerID {
        WorkerID(place: place, side: side)
    }

    /// A machine whose workers are all ready.
    private static func running(_ count: Int) -> SupervisorMachine {
        var machine = SupervisorMachine(limits: limits(count))
        let spawned = machine.started(now: at(0))
        #expect(spawned == (0..<count).map { .spawn(id($0)) })
        for place in 0..<count {
            let actions = machine.ready(id(place), now: at(0.1))
            let isLast = place == count - 1
            #expect(actions == [.note(.ready(id(place)))] + (isLast ? [.note(.allReady)] : []))
        }
        return machine
    }

    @Test func aCrashedWorkerIsStartedAgainAtOnce() {
        var machine = Self.running(2)
        let actions = machine.died(Self.id(1), code: 137, draw: 0, now: Self.at(1))
        #expect(
            actions == [
                .clear(Self.id(1)), .note(.crashed(Self.id(1), code: 137)), .spawn(Self.id(1)),
            ])
        #expect(machine.readyCount == 1 && machine.aliveCount == 2)
    }

    @Test func theFifthCrashWithinAMinuteClosesTheSocketAndWaitsLongerEachTime() {
        var machine = Self.running(1)
        var now = 1.0
        for _ in 1...4 {
            let actions = machine.died(Self.id(0), code: 139, draw: 0, now: Self.at(now))
            #expect(actions.last == .spawn(Self.id(0)))
            _ = machine.ready(Self.id(0), now: Self.at(now + 0.5))
            now += 1
        }
        for wait in [1.0, 2, 4, 8, 8] {
            let actions = machine.died(Self.id(0), code: 139, draw: 0, now: Self.at(now))
            #expect(
                actions.suffix(2) == [
                    .closeSocket(place: 0),
                    .note(.givenUp(place: 0, wait: .milliseconds(Int(wait * 1000)))),
                ])
            #expect(machine.nextDeadline == Self.at(now + wait))
            #expect(machine.timePassed(now: Self.at(now + wait - 0.001)) == [])
            now += wait
            #expect(
                machine.timePassed(now: Self.at(now)) == [
                    .openSocket(place: 0), .spawn(Self.id(0)),
                ])
        }
        // A minute later all is forgotten.
        _ = machine.ready(Self.id(0), now: Self.at(now + 0.1))
        let late = machine.died(Self.id(0), code: 139, draw: 0, now: Self.at(now + 61))
        #expect(late.last == .spawn(Self.id(0)))
    }

    @Test func aSocketThatCannotBeBoundIsTriedAgain() {
        var machine = Self.running(1)
        for index in 0..<5 {
            _ = machine.died(Self.id(0), code: 1, draw: 0, now: Self.at(1))
            if index < 4 { _ = machine.ready(Self.id(0), now: Self.at(1)) }
        }
        _ = machine.timePassed(now: Self.at(2))
        let actions = machine.socketFailed(place: 0, draw: 0, now: Self.at(2))
        #expect(
            actions == [
                .closeSocket(place: 0), .note(.givenUp(place: 0, wait: .seconds(2))),
            ])
        #expect(machine.aliveCount == 0)
        #expect(
            machine.timePassed(now: Self.at(4)) == [.openSocket(place: 0), .spawn(Self.id(0))])
    }

    @Test func aProgramThatCannotStartEndsTheWholeWithItsCode() {
        var machine = SupervisorMachine(limits: Self.limits(2))
        _ = machine.started(now: Self.at(0))
        let actions = machine.died(Self.id(0), code: 78, draw: 0, now: Self.at(0.1))
        #expect(actions.contains(.drain(Self.id(1), .stopped)))
        let last = machine.died(Self.id(1), code: 0, draw: 0, now: Self.at(0.2))
        #expect(last.last == .exit(code: 78))
    }

    @Test func aWorkerThatDoesNotBecomeReadyIsKilledAndStartedAgain() {
        var machine = SupervisorMachine(limits: Self.limits(1))
        _ = machine.started(now: Self.at(0))
        #expect(machine.nextDeadline == Self.at(30))
        #expect(
            machine.timePassed(now: Self.at(30)) == [
                .note(.killed(Self.id(0), whileStarting: true)), .kill(Self.id(0)),
            ])
        let actions = machine.died(Self.id(0), code: 137, draw: 0, now: Self.at(30.1))
        #expect(actions.last == .spawn(Self.id(0)))
    }

    @Test func aRollReplacesOneAfterTheOther() {
        var machine = Self.running(2)
        #expect(machine.roll(now: Self.at(1)) == [.note(.rollBegan), .spawn(Self.id(0, 1))])
        #expect(machine.readyCount == 1 + 0)
        #expect(
            machine.ready(Self.id(0, 1), now: Self.at(2)) == [
                .note(.ready(Self.id(0, 1))), .note(.leaving(Self.id(0))),
                .drain(Self.id(0), .replaced), .spawn(Self.id(1, 1)),
            ])
        #expect(
            machine.ready(Self.id(1, 1), now: Self.at(3)).suffix(2) == [
                .drain(Self.id(1), .replaced), .note(.rollEnded),
            ])
        let left = machine.died(Self.id(0), code: 0, draw: 0, now: Self.at(4))
        #expect(left == [.clear(Self.id(0)), .note(.left(Self.id(0)))])
    }

    @Test func aSecondRollWaitsForThoseThatStillLeave() {
        var machine = Self.running(1)
        _ = machine.roll(now: Self.at(1))
        #expect(machine.roll(now: Self.at(1)) == [])
        let ready = machine.ready(Self.id(0, 1), now: Self.at(2))
        #expect(ready.suffix(2) == [.note(.rollEnded), .note(.rollBegan)])
        let left = machine.died(Self.id(0), code: 0, draw: 0, now: Self.at(3))
        #expect(left.last == .spawn(Self.id(0)))
        #expect(machine.ready(Self.id(0), now: Self.at(4)).last == .note(.rollEnded))
    }

    @Test func aReplacementThatFailsEndsTheRoll() {
        var machine = Self.running(2)
        _ = machine.roll(now: Self.at(1))
        let actions = machine.died(Self.id(0, 1), code: 1, draw: 0, now: Self.at(2))
        #expect(actions.last == .note(.rollFailed(place: 0)))
        #expect(machine.readyCount == 2)
        // The old worker is the current one again.
        #expect(
            machine.died(Self.id(0), code: 137, draw: 0, now: Self.at(3)).last
                == .spawn(Self.id(0)))
    }

    @Test func aWorkerThatWillNotLeaveIsKilledBehindTheGrace() {
        var machine = Self.running(1)
        _ = machine.roll(now: Self.at(1))
        _ = machine.ready(Self.id(0, 1), now: Self.at(2))
        #expect(machine.nextDeadline == Self.at(2 + 30 + 3))
        #expect(
            machine.timePassed(now: Self.at(35)) == [
                .note(.killed(Self.id(0), whileStarting: false)), .kill(Self.id(0)),
            ])
        let left = machine.died(Self.id(0), code: 137, draw: 0, now: Self.at(35))
        #expect(left == [.clear(Self.id(0))])
    }

    @Test func aWorkerThatLeavesByItselfIsReplacedBeforeItIsGone() {
        var machine = Self.running(1)
        #expect(
            machine.leftByItself(Self.id(0), now: Self.at(1)) == [
                .note(.leaving(Self.id(0))), .spawn(Self.id(0, 1)),
            ])
        #expect(machine.ready(Self.id(0, 1), now: Self.at(2)) == [.note(.ready(Self.id(0, 1)))])
        #expect(
            machine.died(Self.id(0), code: 0, draw: 0, now: Self.at(3)) == [
                .clear(Self.id(0)), .note(.left(Self.id(0))),
            ])
    }

    @Test func aReloadReachesTheReadyAtOnceAndTheStartingLater() {
        var machine = Self.running(2)
        _ = machine.died(Self.id(0), code: 137, draw: 0, now: Self.at(1))
        #expect(machine.reload() == [.reload(Self.id(1))])
        #expect(
            machine.ready(Self.id(0), now: Self.at(2)) == [
                .note(.ready(Self.id(0))), .reload(Self.id(0)),
            ])
    }

    @Test func theEndLetsWorkersLeaveThenKillsThem() {
        var machine = Self.running(2)
        #expect(
            machine.terminate(now: Self.at(1)) == [
                .note(.stopping(atOnce: false)), .closeSocket(place: 0), .closeSocket(place: 1),
                .drain(Self.id(0), .stopped), .drain(Self.id(1), .stopped),
            ])
        #expect(machine.reload() == [] && machine.roll(now: Self.at(1)) == [])
        _ = machine.died(Self.id(0), code: 0, draw: 0, now: Self.at(2))
        #expect(machine.timePassed(now: Self.at(34)).last == .kill(Self.id(1)))
        let last = machine.died(Self.id(1), code: 137, draw: 0, now: Self.at(34))
        #expect(last.last == .exit(code: 1))
    }

    @Test func theSecondSignalDoesNotWait() {
        var machine = Self.running(1)
        _ = machine.terminate(now: Self.at(1))
        #expect(
            machine.terminate(now: Self.at(2)) == [
                .note(.stopping(atOnce: true)), .drain(Self.id(0), .atOnce),
            ])
        #expect(machine.nextDeadline == Self.at(5))
        let last = machine.died(Self.id(0), code: 0, draw: 0, now: Self.at(2.1))
        #expect(last.last == .exit(code: 0))
    }

    // MARK: Random stories

    /// What a world of processes would object to.
    private struct World {
        var alive: Set<WorkerID> = []
        var ready: Set<WorkerID> = []
        var leaving: Set<WorkerID> = []
        var sockets: Set<Int>
        var exits = 0

        mutating func obey(_ actions: [Action]) {
            for action in actions {
                #expect(exits == 0, "something happens behind the end")
                switch action {
                case .spawn(let id):
                    #expect(!alive.contains(id), "started over another")
                    #expect(sockets.contains(id.place), "started without a socket")
                    alive.insert(id)
                case .drain(let id, _):
                    #expect(alive.contains(id), "a dead worker is told to leave")
                    leaving.insert(id)
                case .reload(let id): #expect(alive.contains(id), "a dead worker reloads")
                case .kill(let id): #expect(alive.contains(id), "a dead worker is killed")
                case .clear(let id): #expect(!alive.contains(id), "a live worker is cleared")
                case .closeSocket(let place):
                    #expect(sockets.remove(place) != nil, "closed twice")
                case .openSocket(let place):
                    #expect(sockets.insert(place).inserted, "opened twice")
                case .exit:
                    exits += 1
                    #expect(alive.isEmpty, "workers outlive the end")
                case .note: break
                }
            }
        }
    }

    @Test(arguments: 0..<300)
    func randomStories(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        let count = 1 + below(3)
        var machine = SupervisorMachine(limits: Self.limits(count))
        var world = World(sockets: Set(0..<count))
        var now = 0.0
        world.obey(machine.started(now: Self.at(now)))
        func one(of ids: Set<WorkerID>) -> WorkerID? {
            let sorted = ids.sorted { $0.number < $1.number }
            return sorted.isEmpty ? nil : sorted[below(sorted.count)]
        }
        func die(_ id: WorkerID, _ code: Int32) {
            world.alive.remove(id)
            world.ready.remove(id)
            world.leaving.remove(id)
            world.obey(machine.died(id, code: code, draw: 0.5, now: Self.at(now)))
        }
        for step in 0..<200 where world.exits == 0 {
            now += Double(below(3000)) / 1000
            switch below(step > 150 ? 14 : 12) {
            case 0...3:
                if let id = one(of: world.alive.subtracting(world.ready)) {
                    world.ready.insert(id)
                    world.obey(machine.ready(id, now: Self.at(now)))
                }
            case 4: if let id = one(of: world.alive) { die(id, 137) }
            case 5...6: if let id = one(of: world.leaving) { die(id, 0) }
            case 7: world.obey(machine.roll(now: Self.at(now)))
            case 8: world.obey(machine.reload())
            case 9:
                if let id = one(of: world.ready) {
                    world.leaving.insert(id)
                    world.obey(machine.leftByItself(id, now: Self.at(now)))
                }
            case 12: world.obey(machine.terminate(now: Self.at(now)))
            default: world.obey(machine.timePassed(now: Self.at(now)))
            }
            #expect(machine.aliveCount == world.alive.count)
        }
        // Told to end, it ends: every worker leaves or is killed.
        if world.exits == 0 { world.obey(machine.terminate(now: Self.at(now))) }
        while world.exits == 0, let id = one(of: world.alive) { die(id, 0) }
        #expect(world.exits == 1)
    }

    /// Left to itself a place always comes back to one ready worker.
    @Test(arguments: 0..<100)
    func everyPlaceRecovers(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed) &+ 1000)
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var machine = Self.running(2)
        var world = World(sockets: [0, 1])
        world.alive = [Self.id(0), Self.id(1)]
        var now = 1.0
        for _ in 0..<60 {
            now += Double(below(2000)) / 1000
            let id = Self.id(below(2), below(2))
            switch below(5) {
            case 0 where world.alive.contains(id):
                world.alive.remove(id)
                world.obey(machine.died(id, code: 139, draw: 0, now: Self.at(now)))
            case 1: world.obey(machine.roll(now: Self.at(now)))
            case 2 where world.alive.contains(id):
                world.obey(machine.leftByItself(id, now: Self.at(now)))
                world.leaving.insert(id)
            default:
                if world.alive.contains(id) { world.obey(machine.ready(id, now: Self.at(now))) }
            }
        }
        for _ in 0..<40 {
            now += 10
            world.obey(machine.timePassed(now: Self.at(now)))
            for id in world.alive.sorted(by: { $0.number < $1.number }) {
                world.obey(machine.ready(id, now: Self.at(now)))
            }
            for id in world.leaving.intersection(world.alive) {
                world.alive.remove(id)
                world.leaving.remove(id)
                world.obey(machine.died(id, code: 0, draw: 0, now: Self.at(now)))
            }
        }
        #expect(machine.readyCount == 2)
        #expect(machine.aliveCount == 2)
        #expect(world.sockets == [0, 1])
    }
}
