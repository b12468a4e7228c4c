// MultiplexMachineTests.swift — where streams go: by example, and over a long run of chances.

import ReactorCore
import Testing

@Suite struct MultiplexMachineTests {
    /// A machine behind a reference, so that an expectation can change it.
    private final class Box {
        private var machine = MultiplexMachine()
        func wanted(_ id: MultiplexMachine.StreamID) -> MultiplexMachine.Decision {
            machine.wanted(id)
        }
        func next() -> (MultiplexMachine.StreamID, on: Int)? { machine.next() }
        func missing() -> Int? { machine.missing() }
        func ended(on index: Int) -> Bool { machine.ended(on: index) }
        func takeWaiting() -> [MultiplexMachine.StreamID] { machine.takeWaiting() }
        func settle(_ index: Int, _ streamsMax: Int) {
            machine.connected(index)
            machine.limited(index, streamsMax: streamsMax)
        }
        func change(_ body: (inout MultiplexMachine) -> Void) { body(&machine) }
        var now: MultiplexMachine { machine }
    }

    /// Names as the pool gives them out.
    private func ids(_ count: Int) -> [PoolMachine.ConnectionID] {
        var pool = PoolMachine(limits: PoolLimits())
        let now = Instant(nanoseconds: 1)
        return (0..<count).compactMap { _ in
            guard case .connect(let id) = pool.requestArrived(now: now).1 else { return nil }
            return id
        }
    }

    @Test func oneConnectionIsMadeForMany() {
        let machine = Box()
        let ids = ids(5)
        #expect(machine.wanted(ids[0]) == .connect(0))
        for id in ids[1...] { #expect(machine.wanted(id) == .wait) }
        #expect(machine.missing() == nil && machine.now.connecting == 1)
        machine.settle(0, 100)
        for id in ids {
            let next = machine.next()
            #expect(next?.0 == id && next?.on == 0)
        }
        #expect(machine.next() == nil)
        #expect(machine.now.created == 1 && machine.now.reused == 4 && machine.now.busy == 1)
    }

    /// Before the server has said how many it takes, one is what any does.
    @Test func oneGoesAheadOfTheSettings() {
        let machine = Box()
        let ids = ids(3)
        for id in ids { _ = machine.wanted(id) }
        machine.change { $0.connected(0) }
        #expect(machine.next()?.0 == ids[0])
        #expect(machine.next() == nil && machine.missing() == nil)
        #expect(machine.now.pending == 1 && machine.now.connecting == 0)
        machine.change { $0.limited(0, streamsMax: 2) }
        #expect(machine.next()?.0 == ids[1])
        #expect(machine.next() == nil && machine.missing() == 1)
    }

    @Test func moreThanOneTakesIsForAnother() {
        let machine = Box()
        let ids = ids(3)
        #expect(machine.wanted(ids[0]) == .connect(0))
        #expect(machine.wanted(ids[1]) == .wait)
        machine.settle(0, 1)
        #expect(machine.next()?.0 == ids[0])
        #expect(machine.next() == nil)
        #expect(machine.missing() == 1)
        #expect(machine.missing() == nil)
        // A place that comes free first is as good.
        #expect(machine.ended(on: 0))
        #expect(machine.next()?.on == 0)
        machine.settle(1, 1)
        #expect(machine.next() == nil && machine.now.idle == 1)
        #expect(machine.wanted(ids[2]) == .open(on: 1))
    }

    /// The fullest with room is taken, so that the others can be closed.
    @Test func fillsOneBeforeTheNext() {
        let machine = Box()
        let ids = ids(6)
        #expect(machine.wanted(ids[0]) == .connect(0))
        machine.settle(0, 2)
        #expect(machine.next()?.on == 0)
        #expect(machine.wanted(ids[1]) == .open(on: 0))
        #expect(machine.wanted(ids[2]) == .connect(1))
        machine.settle(1, 10)
        #expect(machine.next()?.on == 1)
        #expect(machine.wanted(ids[3]) == .open(on: 1))
        #expect(machine.wanted(ids[4]) == .open(on: 1))
        #expect(!machine.ended(on: 0))
        // One on the first, three on the second.
        #expect(machine.wanted(ids[5]) == .open(on: 1))
    }

    @Test func aRetiringConnectionGetsNoStream() {
        let machine = Box()
        let ids = ids(3)
        #expect(machine.wanted(ids[0]) == .connect(0))
        machine.settle(0, 10)
        #expect(machine.next()?.on == 0)
        machine.change { $0.retire(0) }
        #expect(machine.now.isRetiring(0))
        #expect(machine.wanted(ids[1]) == .connect(1))
        #expect(machine.ended(on: 0))
        machine.change { $0.gone(0) }
        // Its place in the table serves again.
        machine.settle(1, 1)
        #expect(machine.next()?.on == 1)
        #expect(machine.wanted(ids[2]) == .connect(0))
    }

    @Test func whatIsCancelledIsNotPlaced() {
        let machine = Box()
        let ids = ids(3)
        for id in ids { _ = machine.wanted(id) }
        machine.change { $0.cancelled(ids[0]) }
        machine.change { $0.cancelled(ids[2]) }
        machine.settle(0, 10)
        #expect(machine.next()?.0 == ids[1])
        #expect(machine.next() == nil)
    }

    @Test func aFailureIsOfAllThatWait() {
        let machine = Box()
        let ids = ids(3)
        for id in ids { _ = machine.wanted(id) }
        machine.change { $0.gone(0) }
        #expect(machine.now.connecting == 0)
        #expect(machine.takeWaiting() == ids)
        #expect(machine.takeWaiting().isEmpty && machine.missing() == nil)
    }

    @Test func aHundredAndFirstHasAConnectionMadeForIt() {
        let machine = Box()
        let decisions = ids(201).map { machine.wanted($0) }
        #expect(
            decisions.enumerated().filter { $0.element != .wait }.map(\.offset) == [0, 100, 200])
    }

    /// No connection ever has more streams than it takes, none is lost, and nobody waits without
    /// a connection being made.
    @Test(arguments: 0..<20)
    func holdsOverALongRun(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let machine = Box()
        let ids = ids(400)
        var unused = ids[...]
        var connecting: [Int] = []
        var streams: [Int: Int] = [:]
        var limit: [Int: Int] = [:]
        var waiting = 0
        func placed(_ index: Int) {
            streams[index, default: 0] += 1
            #expect(streams[index, default: 0] <= limit[index, default: 0])
        }
        func place() {
            while let (_, index) = machine.next() {
                waiting -= 1
                placed(index)
            }
            while let index = machine.missing() { connecting.append(index) }
        }
        for _ in 0..<2000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                guard let id = unused.popFirst() else { break }
                switch machine.wanted(id) {
                case .open(let index): placed(index)
                case .connect(let index):
                    connecting.append(index)
                    waiting += 1
                case .wait: waiting += 1
                }
            case 2:
                guard let index = connecting.popLast() else { break }
                limit[index] = Int.random(in: 1...4, using: &random)
                streams[index] = 0
                machine.settle(index, limit[index, default: 0])
                place()
            case 3:
                guard
                    let index = streams.keys.sorted().first(where: { streams[$0, default: 0] > 0 })
                else { break }
                streams[index, default: 0] -= 1
                #expect(machine.ended(on: index) == (streams[index] == 0))
                place()
            default:
                guard let index = streams.keys.sorted().last else { break }
                streams[index] = nil
                limit[index] = nil
                machine.change { $0.gone(index) }
                place()
            }
            #expect(waiting == 0 || !connecting.isEmpty)
            #expect(machine.now.busy == streams.values.count { $0 > 0 })
        }
    }
}
