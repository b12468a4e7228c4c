// TimerWheelTests.swift — the wheel against a plain list of deadlines, over long random runs.

import ReactorCore
import Testing

@Suite struct TimerWheelTests {
    /// Nanoseconds of the wheel's resolution.
    private static let tick: UInt64 = 1 << 20

    private func at(_ milliseconds: UInt64) -> Instant {
        Instant(nanoseconds: 77_000_000_123 + milliseconds * 1_000_000)
    }

    @Test func firesInTimeAndOnce() {
        var wheel = TimerWheel(start: at(0))
        #expect(wheel.nextWake(after: at(0)) == nil)
        let id = wheel.schedule(at: at(100), payload: 7)
        #expect(wheel.count == 1)
        #expect(wheel.popExpired(now: at(99)) == nil)
        let fired = wheel.popExpired(now: at(102))
        #expect(fired?.id == id)
        #expect(fired?.payload == 7)
        #expect(wheel.count == 0)
        #expect(wheel.popExpired(now: at(1_000_000)) == nil)
        #expect(wheel.cancel(id) == nil)
        #expect(wheel.reschedule(id, at: at(5)) == false)
    }

    @Test func aStaleIDNamesNothing() {
        var wheel = TimerWheel(start: at(0))
        let first = wheel.schedule(at: at(10), payload: 1)
        #expect(wheel.cancel(first) == 1)
        let second = wheel.schedule(at: at(20), payload: 2)
        #expect(first != second)
        #expect(wheel.cancel(first) == nil)
        #expect(wheel.reschedule(first, at: at(1)) == false)
        #expect(wheel.popExpired(now: at(30))?.payload == 2)
    }

    @Test func neverIsNever() {
        var wheel = TimerWheel(start: at(0))
        let id = wheel.schedule(at: .never, payload: 1)
        #expect(wheel.nextWake(after: at(0)) == nil)
        #expect(wheel.popExpired(now: Instant(nanoseconds: .max - 1)) == nil)
        #expect(wheel.count == 1)
        #expect(wheel.reschedule(id, at: at(3)) == true)
        #expect(wheel.popExpired(now: Instant(nanoseconds: .max - 1))?.payload == 1)
    }

    @Test func farAwayDeadlines() {
        var wheel = TimerWheel(start: at(0))
        let days: [UInt64] = [1, 10, 100, 1000, 10_000]
        for day in days { _ = wheel.schedule(at: at(day * 86_400_000), payload: UInt(day)) }
        for day in days {
            let due = at(day * 86_400_000)
            #expect(wheel.popExpired(now: due.advanced(nanoseconds: -1)) == nil)
            let late = due.advanced(nanoseconds: Int64(Self.tick))
            #expect(wheel.popExpired(now: late)?.payload == UInt(day))
        }
    }

    @Test func aDeadlineInThePastIsDueNow() {
        var wheel = TimerWheel(start: at(1000))
        _ = wheel.schedule(at: at(1), payload: 1)
        #expect(wheel.popExpired(now: at(1001))?.payload == 1)
    }

    // MARK: Against a model

    /// What must be true of a wheel, kept as a list.
    private struct Model {
        struct Timer {
            var id: TimerWheel.ID
            var deadline: Instant
            var payload: UInt
        }
        var timers: [Timer] = []
        var dead: [TimerWheel.ID] = []
    }

    @Test(arguments: SeededGenerator.seeds) func agreesWithAList(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var now = at(UInt64.random(in: 0...10_000, using: &random))
        var wheel = TimerWheel(start: now)
        var model = Model()
        var nextPayload: UInt = 0
        for step in 0..<20_000 {
            let place = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let deadline = Self.deadline(from: now, &random)
                let id = wheel.schedule(at: deadline, payload: nextPayload)
                model.timers.append(.init(id: id, deadline: deadline, payload: nextPayload))
                nextPayload += 1
            case 4 where !model.timers.isEmpty:
                let index = Int.random(in: 0..<model.timers.count, using: &random)
                let deadline = Self.deadline(from: now, &random)
                try #require(
                    wheel.reschedule(model.timers[index].id, at: deadline) == true, "\(place)")
                model.timers[index].deadline = deadline
            case 5 where !model.timers.isEmpty:
                let index = Int.random(in: 0..<model.timers.count, using: &random)
                let timer = model.timers.remove(at: index)
                try #require(wheel.cancel(timer.id) == timer.payload, "\(place)")
                model.dead.append(timer.id)
            case 6:
                guard let id = model.dead.randomElement(using: &random) else { break }
                try #require(wheel.cancel(id) == nil, "\(place)")
                try #require(wheel.reschedule(id, at: now) == false, "\(place)")
            default:
                now = now.advanced(nanoseconds: Self.step(&random))
                try Self.expire(&wheel, &model, now: now, place)
            }
            try #require(wheel.count == model.timers.count, "\(place)")
            try Self.checkWake(wheel.nextWake(after: now), model, now: now, place)
        }
    }

    private static func expire(
        _ wheel: inout TimerWheel, _ model: inout Model, now: Instant, _ place: String
    ) throws {
        while let (id, payload) = wheel.popExpired(now: now) {
            let index = try #require(model.timers.firstIndex { $0.id == id }, "\(place)")
            let timer = model.timers.remove(at: index)
            try #require(timer.payload == payload, "\(place)")
            try #require(timer.deadline <= now, "\(place): early")
            model.dead.append(id)
        }
        let forgotten = model.timers.first {
            $0.deadline != .never && $0.deadline.advanced(nanoseconds: Int64(tick)) <= now
        }
        try #require(forgotten == nil, "\(place): later than a tick")
    }

    /// The wheel must not sleep over a deadline by more than a tick, nor wake for nothing at once.
    private static func checkWake(
        _ wake: Instant?, _ model: Model, now: Instant, _ place: String
    ) throws {
        let first = model.timers.map(\.deadline).min() ?? .never
        if first == .never { return try #require(wake == nil, "\(place)") }
        let due = max(first.advanced(nanoseconds: Int64(tick)), now)
        let at = try #require(wake, "\(place): no wake")
        try #require(at <= due, "\(place): wakes too late")
        try #require(at >= now, "\(place)")
    }

    /// Near, far, past and never.
    private static func deadline(from now: Instant, _ random: inout SeededGenerator) -> Instant {
        if random.chance(3) { return .never }
        if random.chance(3) { return Instant(nanoseconds: 5) }
        let magnitude = Int64.random(in: 0...46, using: &random)
        let delta = Int64.random(in: 0...(1 << magnitude), using: &random)
        return now.advanced(nanoseconds: delta)
    }

    private static func step(_ random: inout SeededGenerator) -> Int64 {
        Int64.random(in: 0...(1 << Int64.random(in: 0...38, using: &random)), using: &random)
    }
}
