import ReactorCore
import Testing

@Suite struct PoolMachineTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func opened(
        _ pool: inout PoolMachine, _ count: Int
    ) throws -> [(PoolMachine.RequestID, PoolMachine.ConnectionID)] {
        try (0..<count).map { _ in
            let (request, decision) = pool.requestArrived(now: start)
            guard case .connect(let connection, closing: nil) = decision else {
                throw MockPool.Mistake.tooManyOpen
            }
            #expect(pool.connected(connection) == .lease(to: request))
            return (request, connection)
        }
    }

    @Test func leasesTheYoungestAndExpiresTheOldest() throws {
        var pool = PoolMachine()
        let leases = try opened(&pool, 3)
        for (index, lease) in leases.enumerated() {
            let now = start + .seconds(index)
            let answer = pool.released(lease.1, reusable: true, now: now)
            #expect(answer.outcome == .keepIdle && answer.next == nil)
        }
        let (request, decision) = pool.requestArrived(now: start + .seconds(3))
        #expect(decision == .lease(leases[2].1))
        #expect(pool.nextDeadline == start + .seconds(30))
        #expect(pool.timePassed(now: start + .seconds(29)) == nil)
        #expect(pool.timePassed(now: start + .seconds(31)) == .close(leases[0].1))
        #expect(pool.timePassed(now: start + .seconds(31)) == .close(leases[1].1))
        #expect(pool.timePassed(now: start + .seconds(31)) == nil)
        #expect(pool.open == 1 && pool.leased == 1 && pool.reused == 1 && pool.created == 3)
        #expect(pool.requestCancelled(request).outcome == .close(leases[2].1))
    }

    @Test func neverLeasesAnIdleOneWhoseTimeIsUp() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 1))
        let lease = try opened(&pool, 1)[0]
        _ = pool.released(lease.1, reusable: true, now: start)
        let (_, decision) = pool.requestArrived(now: start + .seconds(30))
        guard case .connect(let connection, closing: lease.1) = decision else {
            Issue.record("\(decision)")
            return
        }
        #expect(connection != lease.1)
    }

    @Test func queuesRefusesAndTimesOut() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 1, waitingMax: 2))
        let lease = try opened(&pool, 1)[0]
        let first = pool.requestArrived(now: start)
        let second = pool.requestArrived(now: start + .seconds(1))
        let third = pool.requestArrived(now: start + .seconds(1))
        #expect(first.decision == .wait && second.decision == .wait)
        #expect(third.decision == .refuse(.queueFull))
        #expect(pool.requestCancelled(third.id).outcome == .stale)
        #expect(pool.timePassed(now: start + .seconds(10)) == .fail(first.id, .waitTimedOut))
        #expect(pool.timePassed(now: start + .seconds(10)) == nil)
        let answer = pool.released(lease.1, reusable: true, now: start + .seconds(10))
        #expect(answer.outcome == .lease(to: second.id))
    }

    @Test func opensAnotherForTheNextWhenOneCannotBeKept() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 1))
        let lease = try opened(&pool, 1)[0]
        let waiter = pool.requestArrived(now: start)
        let answer = pool.released(lease.1, reusable: false, now: start)
        #expect(answer.outcome == .close)
        let next = try #require(answer.next)
        #expect(next.request == waiter.id && next.connection != lease.1)
        #expect(pool.released(lease.1, reusable: true, now: start).outcome == .stale)
        let failed = pool.connectFailed(next.connection)
        #expect(failed.request == waiter.id && failed.next == nil && !failed.isStale)
        #expect(pool.open == 0)
    }

    @Test func passesAnOpeningConnectionOn() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 1))
        let first = pool.requestArrived(now: start)
        let second = pool.requestArrived(now: start)
        guard case .connect(let connection, closing: nil) = first.decision else { return }
        #expect(pool.requestCancelled(first.id).outcome == .nothing)
        #expect(pool.connected(connection) == .lease(to: second.id))
        #expect(pool.connected(connection) == .stale)
    }

    @Test func givesAFreshRequestAnUnusedConnection() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 1))
        let lease = try opened(&pool, 1)[0]
        let waiter = pool.requestArrived(fresh: true, now: start)
        #expect(waiter.decision == .wait)
        let answer = pool.released(lease.1, reusable: true, now: start)
        #expect(answer.outcome == .close)
        #expect(answer.next?.request == waiter.id)
    }

    @Test func drains() throws {
        var pool = PoolMachine(limits: PoolLimits(openMax: 2))
        let leases = try opened(&pool, 2)
        let waiter = pool.requestArrived(now: start)
        _ = pool.released(leases[0].1, reusable: true, now: start)
        #expect(pool.drain() == nil)
        #expect(pool.requestArrived(now: start).decision == .refuse(.draining))
        #expect(pool.requestCancelled(waiter.id).outcome == .close(leases[0].1))
        #expect(!pool.isDrained)
        #expect(pool.released(leases[1].1, reusable: true, now: start).outcome == .close)
        #expect(pool.isDrained)
    }

    @Test(arguments: [1, 2, 5, 40], [0, 3, 100])
    func everyAnswerIsRight(openMax: Int, waitingMax: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        let limits = PoolLimits(
            openMax: openMax, idleMax: openMax * 2 / 3 + 1, waitingMax: waitingMax,
            waitTime: .seconds(10), idleTime: .seconds(7))
        for round in 0..<6 {
            var run = PoolRun(limits: limits, seed: seed &+ UInt64(round), start: start)
            do {
                try run.go(steps: 3000)
            } catch {
                Issue.record("seed \(seed) + \(round): \(error) after \(run.steps) steps")
                return
            }
        }
    }
}

/// A long random life of one pool, the machine's answers judged by the mock.
private struct PoolRun {
    var machine: PoolMachine
    var mock: MockPool
    var random: SeededRandom
    var now: Instant
    var steps = 0
    /// Names given out lately, ended ones among them.
    var connections: [PoolMachine.ConnectionID] = []
    var requests: [PoolMachine.RequestID] = []

    init(limits: PoolLimits, seed: UInt64, start: Instant) {
        machine = PoolMachine(limits: limits)
        mock = MockPool(limits: limits)
        random = SeededRandom(seed: seed)
        now = start
    }

    mutating func go(steps count: Int) throws(MockPool.Mistake) {
        // Now more requests come than go, now fewer, so that both ends are reached.
        for step in 0..<count {
            steps = step
            let isBusy = step / 300 % 2 == 0
            try act(Int.random(in: 0..<(isBusy ? 11 : 22), using: &random))
            try mock.agree(with: machine)
        }
        repeat {
            let closed = machine.drain()
            try mock.drained(closed)
            if closed == nil { break }
        } while true
        while !machine.isDrained {
            try act(Int.random(in: 4..<22, using: &random))
            try mock.agree(with: machine)
        }
    }

    private mutating func act(_ choice: Int) throws(MockPool.Mistake) {
        switch choice {
        case 0...5:
            let isFresh = Int.random(in: 0..<8, using: &random) == 0
            let (id, decision) = machine.requestArrived(fresh: isFresh, now: now)
            note(id)
            if case .connect(let connection, _) = decision { note(connection) }
            try mock.arrived(id, decision, fresh: isFresh, now: now)
        case 6, 11, 12:
            let keys = mock.connecting.keys.sorted { $0.index < $1.index }
            guard let id = pick(keys) else { return }
            try mock.connected(id, machine.connected(id))
        case 7, 13...15:
            let keys = mock.leased.keys.sorted { $0.index < $1.index }
            guard let id = pick(keys) else { return }
            let isReusable = Int.random(in: 0..<5, using: &random) != 0
            let answer = machine.released(id, reusable: isReusable, now: now)
            note(answer.next?.connection)
            try mock.released(id, reusable: isReusable, answer, now: now)
        case 8, 16:
            guard let id = pick(connections) else { return }
            let answer = machine.connectionClosed(id)
            note(answer.next?.connection)
            try mock.lost(id, answer)
        case 9, 17:
            let keys = mock.connecting.keys.sorted { $0.index < $1.index }
            guard let id = pick(keys) else { return }
            let answer = machine.connectFailed(id)
            note(answer.next?.connection)
            try mock.lost(id, answer)
        case 10, 18:
            guard let id = pick(requests) else { return }
            let answer = machine.requestCancelled(id)
            note(answer.next?.connection)
            try mock.cancelled(id, answer)
        default:
            now = now + .milliseconds(Int.random(in: 0...2000, using: &random))
            while true {
                let answer = machine.timePassed(now: now)
                try mock.expired(answer, now: now)
                if answer == nil { return }
            }
        }
    }

    /// One of the living names, or now and then one from the past.
    private mutating func pick(
        _ living: [PoolMachine.ConnectionID]
    ) -> PoolMachine.ConnectionID? {
        Int.random(in: 0..<6, using: &random) == 0
            ? connections.randomElement(using: &random) : living.randomElement(using: &random)
    }

    private mutating func pick(_ names: [PoolMachine.RequestID]) -> PoolMachine.RequestID? {
        names.randomElement(using: &random)
    }

    private mutating func note(_ id: PoolMachine.ConnectionID?) {
        guard let id else { return }
        connections.append(id)
        if connections.count > 60 { connections.removeFirst() }
    }

    private mutating func note(_ id: PoolMachine.RequestID) {
        requests.append(id)
        if requests.count > 60 { requests.removeFirst() }
    }
}
