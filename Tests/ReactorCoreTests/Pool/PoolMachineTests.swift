// PoolMachineTests.swift — the pool's decisions: by example, and against MockPool over long runs.

import ReactorCore
import Testing

@Suite struct PoolMachineTests {
    private func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 3_000_000_000) + .milliseconds(milliseconds)
    }

    private var limits: PoolLimits {
        var limits = PoolLimits()
        limits.openMax = 3
        limits.idleMax = 2
        limits.waitingMax = 2
        limits.waitTime = .seconds(1)
        limits.idleTime = .seconds(3)
        return limits
    }

    /// Opens `count` connections, all leased.
    private func leased(_ count: Int, of pool: inout PoolMachine) throws -> [PoolMachine
        .ConnectionID]
    {
        try (0..<count).map { _ in
            let (_, decision) = pool.requestArrived(now: at(0))
            guard case .connect(let id) = decision else {
                throw Unexpected(decision: decision)
            }
            _ = pool.connected(id, now: at(0))
            return id
        }
    }
    private struct Unexpected: Error { let decision: PoolMachine.Decision }

    @Test func usesTheLastFirst() throws {
        var pool = PoolMachine(limits: limits)
        let ids = try leased(2, of: &pool)
        #expect(pool.released(ids[0], reusable: true, now: at(1)) == .keepIdle)
        #expect(pool.released(ids[1], reusable: true, now: at(2)) == .keepIdle)
        #expect(pool.requestArrived(now: at(3)).1 == .lease(ids[1]))
        #expect(pool.requestArrived(now: at(3)).1 == .lease(ids[0]))
        #expect(pool.counters.reused == 2)
        #expect(pool.counters.created == 2)
    }

    @Test func renamesWhatIsOpenBehindACrowd() throws {
        var limits = limits
        limits.openMax = 1000
        var pool = PoolMachine(limits: limits)
        let ids = try leased(400, of: &pool)
        #expect(pool.releaseMemory() == nil)
        for id in ids where ![100, 200, 300].contains(id.slot) {
            #expect(pool.released(id, reusable: false, now: at(1)) == .close(connect: nil))
        }
        #expect(pool.released(ids[200], reusable: true, now: at(2)) == .keepIdle)
        // While one is being made, everything stays.
        let (waiting, decision) = pool.requestArrived(fresh: true, now: at(3))
        #expect(pool.releaseMemory() == nil)
        guard case .connect(let made) = decision else { throw Unexpected(decision: decision) }
        #expect(pool.connectFailed(made).failed == waiting)

        let released = pool.releaseMemory()
        let renamed = try #require(released)
        #expect(renamed.map(\.old) == [ids[100], ids[200], ids[300]])
        #expect(renamed.map(\.new.slot) == [0, 1, 2])
        #expect(pool.releaseMemory() == nil)
        #expect(pool.counters.leased == 2 && pool.counters.idle == 1)
        // Old ids are stale, new ones stand for the same connections.
        for id in ids { #expect(pool.connectionClosed(id) == nil) }
        #expect(pool.requestCancelled(waiting) == nil)
        #expect(pool.counters.open == 3)
        #expect(pool.requestArrived(now: at(4)).1 == .lease(renamed[1].new))
        #expect(pool.released(renamed[0].new, reusable: true, now: at(5)) == .keepIdle)
        #expect(pool.nextDeadline == at(3005))
        let (_, next) = pool.requestArrived(fresh: true, now: at(6))
        guard case .connect(let fresh) = next else { throw Unexpected(decision: next) }
        #expect(fresh.slot == 3 && !ids.contains(fresh))
        #expect(pool.timePassed(now: at(3005)) == .close(renamed[0].new))
    }

    @Test func aFreshRequestNeverGetsAUsedConnection() throws {
        var pool = PoolMachine(limits: limits)
        let ids = try leased(3, of: &pool)
        let (first, decision) = pool.requestArrived(fresh: true, now: at(0))
        #expect(decision == .wait)
        guard
            case .close(connect: .some(let next)) = pool.released(
                ids[0], reusable: true, now: at(1))
        else {
            Issue.record("a used connection for a fresh request")
            return
        }
        #expect(pool.connected(next, now: at(2)) == .lease(first))
        // At the limit an idle one makes room.
        #expect(pool.released(ids[1], reusable: true, now: at(3)) == .keepIdle)
        guard
            case .replace(ids[1], with: let other) = pool.requestArrived(fresh: true, now: at(4)).1
        else {
            Issue.record("no room was made")
            return
        }
        #expect(other != ids[1])
    }

    @Test func theLineMovesWhenAConnectionAttemptIsGivenUp() throws {
        var pool = PoolMachine(limits: limits)
        _ = try leased(2, of: &pool)
        let (bound, decision) = pool.requestArrived(now: at(0))
        guard case .connect(let id) = decision else { throw Unexpected(decision: decision) }
        let (waiting, _) = pool.requestArrived(now: at(0))
        #expect(pool.requestCancelled(bound) == nil)
        #expect(pool.connected(id, now: at(1)) == .lease(waiting))
        #expect(pool.counters.waiting == 0)
    }

    @Test func aConnectionAttemptThatNobodyWantsIsAborted() {
        var pool = PoolMachine(limits: limits)
        let (request, decision) = pool.requestArrived(now: at(0))
        guard case .connect(let id) = decision else { return }
        #expect(pool.requestCancelled(request) == id)
        #expect(pool.counters.open == 0)
        #expect(pool.requestCancelled(request) == nil)
        #expect(pool.connected(id, now: at(1)) == .close(connect: nil))
    }

    @Test func waitingHasBoundsOfNumberAndTime() throws {
        var pool = PoolMachine(limits: limits)
        _ = try leased(3, of: &pool)
        let (first, _) = pool.requestArrived(now: at(0))
        let (second, _) = pool.requestArrived(now: at(500))
        #expect(pool.requestArrived(now: at(500)).1 == .refuse(.queueFull))
        #expect(pool.nextDeadline == at(1000))
        #expect(pool.timePassed(now: at(999)) == nil)
        #expect(pool.timePassed(now: at(1000)) == .fail(first))
        #expect(pool.timePassed(now: at(1000)) == nil)
        #expect(pool.timePassed(now: at(1500)) == .fail(second))
        #expect(pool.nextDeadline == .never)
    }

    /// Long runs of whatever may happen, each decision checked; small limits, so that all are met.
    @Test(arguments: SeededRandom.testSeeds) func keepsTheRules(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            var limits = PoolLimits()
            limits.openMax = Int.random(in: 1...6, using: &random)
            limits.idleMax = Int.random(in: 0...4, using: &random)
            limits.waitingMax = Int.random(in: 0...5, using: &random)
            limits.waitTime = .milliseconds(Int.random(in: 1...500, using: &random))
            limits.idleTime = .milliseconds(Int.random(in: 1...800, using: &random))
            var pool = MockPool(limits: limits)
            var now = at(0)
            for step in 0..<400 {
                do {
                    try Self.step(&pool, now: &now, &random)
                } catch {
                    Issue.record("seed \(seed), step \(step)")
                    throw error
                }
            }
            try pool.drain(now: now)
            for _ in 0..<50 { try Self.step(&pool, now: &now, &random) }
            for id in pool.leased { try pool.release(id, reusable: true, now: now) }
            for (id, _) in pool.connecting { try pool.connectFailed(id) }
            #expect(pool.leased.isEmpty && pool.connecting.isEmpty && pool.idle.isEmpty)
        }
    }

    private static func step(
        _ pool: inout MockPool, now: inout Instant, _ random: inout SeededRandom
    ) throws {
        switch Int.random(in: 0..<14, using: &random) {
        case 0..<4:
            try pool.request(fresh: random.chance(20), now: now)
        case 4, 5:
            if let id = pool.connecting.randomElement(using: &random)?.id {
                try pool.connected(id, now: now)
            }
        case 6:
            if let id = pool.connecting.randomElement(using: &random)?.id {
                try pool.connectFailed(id)
            }
        case 7, 8:
            if let id = pool.leased.randomElement(using: &random) {
                try pool.release(id, reusable: random.chance(80), now: now)
            }
        case 9:
            if let id = pool.idle.randomElement(using: &random)?.id { try pool.closed(id) }
        case 10:
            let waiting = pool.line.map(\.id) + pool.connecting.map(\.request)
            if let id = waiting.randomElement(using: &random) { try pool.cancel(id) }
        case 11:
            // What comes late must change nothing.
            if let id = pool.deadConnections.randomElement(using: &random) {
                try pool.connected(id, now: now)
                try pool.connectFailed(id)
                try pool.release(id, reusable: true, now: now)
                try pool.closed(id)
            }
            if let id = pool.deadRequests.randomElement(using: &random) { try pool.cancel(id) }
        case 12:
            now = now.advanced(nanoseconds: Int64.random(in: 0...50_000_000, using: &random))
            try pool.pass(to: now)
        default:
            now = now.advanced(nanoseconds: Int64.random(in: 0...600_000_000, using: &random))
            try pool.pass(to: now)
        }
    }
}
