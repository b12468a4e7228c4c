// RateLimiterTests.swift — limits on a virtual clock, against a model that remembers every admission,
// and with threads that fight over one cell.

import GatewayPolicy
import ReactorCore
import Testing

/// Words of one test, given back at its end.
final class Words: @unchecked Sendable {
    let memory: UnsafeMutablePointer<UInt64>

    init(_ count: Int) {
        memory = .allocate(capacity: count)
        memory.initialize(repeating: 0, count: count)
    }

    deinit { memory.deallocate() }

    var first: AtomicWord { AtomicWord(memory) }
}

@Suite struct RateLimiterTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 5_000 * second

    @Test func aMinutesWorthPassesAtOnceThenItGoesOnAtThePace() {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: 60)
        var now = Self.start
        for index in 0..<60 {
            let expected = RateLimit.Standing(
                limit: 60, remaining: 59 - index,
                resetNanoseconds: UInt64(index + 1) * Self.second)
            let decision = limit.admit(1, from: words.first, now: now)
            #expect(decision == RateLimit.Decision.admitted(expected))
        }
        let full = RateLimit.Standing(limit: 60, remaining: 0, resetNanoseconds: 60 * Self.second)
        #expect(
            limit.admit(1, from: words.first, now: now)
                == .refused(full, waitNanoseconds: Self.second))
        now += Self.second - 1
        guard case .refused(_, 1) = limit.admit(1, from: words.first, now: now) else {
            Issue.record("let in a nanosecond early")
            return
        }
        now += 1
        #expect(limit.admit(1, from: words.first, now: now) == .admitted(full))
        // An hour later there is a minute's worth, no more.
        now += 3600 * Self.second
        let standing = limit.standing(of: words.first, now: now)
        #expect(standing == RateLimit.Standing(limit: 60, remaining: 60, resetNanoseconds: 0))
    }

    /// Numbers that do not divide a minute: the whole limit passes at once, and not one more.
    @Test(arguments: [1, 2, 3, 7, 11, 59, 61, 999, 7919, 65_537, 99_991, 100_000])
    func exactlyTheLimitPassesAtOnce(limit: Int) {
        let words = Words(1)
        let rate = RateLimit(unitsPerMinute: limit)
        var passed = 0
        for _ in 0..<limit + 5 {
            if case .admitted = rate.admit(1, from: words.first, now: Self.start) { passed += 1 }
        }
        #expect(passed == limit)
        let whole = Words(1)
        guard case .admitted = rate.admit(limit, from: whole.first, now: Self.start) else {
            Issue.record("the limit did not pass in one piece")
            return
        }
        guard case .refused = rate.admit(1, from: whole.first, now: Self.start) else {
            Issue.record("one more than the limit passed")
            return
        }
    }

    @Test func moreThanAMinuteHasIsNeverLetIn() {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: 100)
        guard case .tooMuch = limit.admit(101, from: words.first, now: Self.start) else {
            Issue.record("101 of 100")
            return
        }
        guard case .tooMuch = limit.admit(.max, from: words.first, now: Self.start) else {
            Issue.record("all")
            return
        }
        #expect(words.first.load() == 0)
    }

    @Test func theLargestLimitsDoNotOverflow() {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: RateLimit.unitsMax)
        guard
            case .admitted(let half) = limit.admit(
                RateLimit.unitsMax / 2, from: words.first, now: .max / 2)
        else {
            Issue.record("refused")
            return
        }
        #expect(half.remaining == RateLimit.unitsMax / 2)
        let one = RateLimit(unitsPerMinute: 1)
        let other = Words(1)
        one.settle(reserved: 0, used: .max, in: other.first, now: Self.start)
        #expect(one.standing(of: other.first, now: Self.start).remaining == 0)
    }

    @Test func whatWasNotUsedIsGivenBackAndWhatWasUsedBesidesIsOwed() {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: 600)
        _ = limit.admit(500, from: words.first, now: Self.start)
        #expect(limit.standing(of: words.first, now: Self.start).remaining == 100)
        limit.settle(reserved: 500, used: 50, in: words.first, now: Self.start)
        #expect(limit.standing(of: words.first, now: Self.start).remaining == 550)
        limit.settle(reserved: 50, used: 650, in: words.first, now: Self.start)
        #expect(limit.standing(of: words.first, now: Self.start).remaining == 0)
        guard case .refused(_, let wait) = limit.admit(1, from: words.first, now: Self.start) else {
            Issue.record("let in on debt")
            return
        }
        // 50 owed and 1 asked for, at 10 a second.
        #expect(wait == 5_100_000_000)
        // A wild number is not owed for ever.
        limit.settle(reserved: 0, used: 1_000_000, in: words.first, now: Self.start)
        #expect(
            limit.standing(of: words.first, now: Self.start).resetNanoseconds <= 120 * Self.second)
    }

    /// In no window does more pass than the burst and the window's share.
    @Test(arguments: 0..<50)
    func noWindowHoldsMoreThanTheLimitAndTheBurst(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let words = Words(1)
        let perMinute = 1 + Int(random.next() % 200)
        let limit = RateLimit(unitsPerMinute: perMinute)
        var now = Self.start
        var admitted: [(at: UInt64, units: Int)] = []
        for _ in 0..<600 {
            now += random.next() % (Self.second * 3)
            let units = 1 + Int(random.next() % UInt64(max(perMinute / 4, 1)))
            if case .admitted = limit.admit(units, from: words.first, now: now) {
                admitted.append((now, units))
            }
        }
        for first in stride(from: 0, to: admitted.count, by: 7) {
            var sum = 0
            for entry in admitted[first...] {
                sum += entry.units
                let window = Double(entry.at - admitted[first].at) / 60e9
                #expect(Double(sum) <= Double(perMinute) * (1 + window) + 0.001)
            }
        }
        #expect(!admitted.isEmpty)
    }

    @Test func threadsThatHammerOneCellGetTheLimitAndNoMore() async {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: 5000)
        let passed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var passed = 0
                    for _ in 0..<4000 {
                        if case .admitted = limit.admit(1, from: words.first, now: Self.start) {
                            passed += 1
                        }
                    }
                    return passed
                }
            }
            return await group.reduce(0, +)
        }
        #expect(passed == 5000)
    }

    @Test func threadsThatReserveAndSettleLeaveNothingBehind() async {
        let words = Words(1)
        let limit = RateLimit(unitsPerMinute: 1000)
        _ = limit.admit(100, from: words.first, now: Self.start)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 {
                        if case .admitted = limit.admit(50, from: words.first, now: Self.start) {
                            limit.settle(
                                reserved: 50, used: 0, in: words.first, now: Self.start)
                        }
                    }
                }
            }
        }
        #expect(limit.standing(of: words.first, now: Self.start).remaining == 900)
    }
}
