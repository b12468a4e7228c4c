import ReactorCore
import Testing

@Suite struct TimerWheelTests {
    private let start = Instant(nanoseconds: 5_000_000_123)

    private func later(_ nanoseconds: Int64) -> Instant {
        start.advanced(nanoseconds: nanoseconds)
    }

    @Test func firesInTimeAndOnce() {
        var wheel = TimerWheel(start: start)
        let id = wheel.schedule(at: later(1_500_000), payload: 7)
        #expect(wheel.popExpired(now: later(1_499_999)) == nil)
        #expect(wheel.popExpired(now: later(1_999_999)) == nil)
        #expect(wheel.nextWake(after: later(1_500_000)) == later(2_000_000))
        let fired = wheel.popExpired(now: later(2_000_000))
        #expect(fired?.id == id && fired?.payload == 7)
        #expect(wheel.popExpired(now: later(2_000_000)) == nil)
        #expect(wheel.cancel(id) == nil)
        #expect(wheel.reschedule(id, at: later(9_000_000)) == false)
        let wake = wheel.nextWake(after: later(2_000_000))
        #expect(wake == nil)
    }

    @Test func cancelsAndReschedules() {
        var wheel = TimerWheel(start: start)
        let first = wheel.schedule(at: later(1_000_000), payload: 1)
        let second = wheel.schedule(at: later(1_000_000), payload: 2)
        #expect(wheel.cancel(first) == 1)
        #expect(wheel.cancel(first) == nil)
        #expect(wheel.reschedule(second, at: later(70_000_000)) == true)
        #expect(wheel.popExpired(now: later(69_999_999)) == nil)
        #expect(wheel.popExpired(now: later(70_000_000))?.payload == 2)
        let third = wheel.schedule(at: later(80_000_000), payload: 3)
        #expect(third != first && third != second)
        #expect(TimerWheel.ID(packed: third.packed) == third)
        #expect(wheel.cancel(TimerWheel.ID(packed: 0)) == nil)
        let count = wheel.count
        #expect(count == 1)
    }

    @Test func neverFiresTheNeverOnes() {
        var wheel = TimerWheel(start: start)
        let id = wheel.schedule(at: .never, payload: 1)
        let wake = wheel.nextWake(after: start)
        #expect(wake == nil)
        #expect(wheel.popExpired(now: .never) == nil)
        #expect(wheel.reschedule(id, at: start) == true)
        #expect(wheel.reschedule(id, at: .never) == true)
        #expect(wheel.cancel(id) == 1)
        let count = wheel.count
        #expect(count == 0)
    }

    @Test(arguments: [1, 3, 7]) func keepsTimersThroughShrinking(every: Int) {
        var wheel = TimerWheel(start: start)
        var names: [UInt: TimerWheel.ID] = [:]
        for payload in 0..<UInt(4000) {
            let deadline = payload % 9 == 0 ? .never : later(Int64(payload + 1) * 1_000_000)
            names[payload] = wheel.schedule(at: deadline, payload: payload)
        }
        var stale: [TimerWheel.ID] = []
        for payload in 0..<UInt(4000) where payload % 400 != 399 || payload % UInt(every) != 0 {
            if let id = names.removeValue(forKey: payload) {
                #expect(wheel.cancel(id) == payload)
                stale.append(id)
            }
        }
        var moved = 0
        wheel.releaseMemory { payload, id in
            if let old = names[payload] { stale.append(old) }
            names[payload] = id
            moved += 1
        }
        #expect(moved == names.count && moved > 0)
        for id in stale { #expect(wheel.cancel(id) == nil) }
        // Names of old and new timers differ, wherever these lie.
        let fresh = (0..<5000).map { _ in wheel.schedule(at: .never, payload: 9999) }
        #expect(Set(fresh).isDisjoint(with: stale))
        #expect(Set(fresh).isDisjoint(with: names.values))
        for id in fresh { #expect(wheel.cancel(id) == 9999) }
        let kept = names.keys.sorted()
        var fired: [UInt] = []
        while let expired = wheel.popExpired(now: later(5_000_000_000)) {
            #expect(expired.id == names[expired.payload])
            fired.append(expired.payload)
        }
        #expect(fired == kept.filter { $0 % 9 != 0 })
        for payload in kept where payload % 9 == 0 {
            if let id = names[payload] { #expect(wheel.cancel(id) == payload) }
        }
        let count = wheel.count
        #expect(count == 0)
    }

    @Test func aHandlerThatSchedulesForNowDoesNotSpin() {
        var wheel = TimerWheel(start: start)
        let now = later(3_600_000_000_000)
        _ = wheel.schedule(at: start, payload: 0)
        var fired = 0
        while wheel.popExpired(now: now) != nil, fired < 10 {
            fired += 1
            _ = wheel.schedule(at: now, payload: 0)
        }
        #expect(fired == 1)
        #expect(wheel.popExpired(now: now.advanced(nanoseconds: 1_000_000)) != nil)
    }

    @Test func takesDeadlinesAsFarAsTheClockGoes() {
        var wheel = TimerWheel(start: start)
        let last = Instant(nanoseconds: .max - 1)
        _ = wheel.schedule(at: last, payload: 1)
        let wake = wheel.nextWake(after: start)
        #expect(wake ?? .never < last)
        #expect(wheel.popExpired(now: Instant(nanoseconds: 1 << 62)) == nil)
        _ = wheel.schedule(at: start, payload: 2)
        #expect(wheel.popExpired(now: Instant(nanoseconds: 1 << 63))?.payload == 2)
        #expect(wheel.popExpired(now: Instant(nanoseconds: 1 << 63)) == nil)
    }

    /// Against a list of what is pending, on a clock that takes steps of all sizes.
    @Test(arguments: 0..<20)
    func agreesWithAList(_ round: UInt64) {
        let seed = round &+ UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        var wheel = TimerWheel(start: start)
        var model = TimerModel()
        var now = start
        func span() -> Int64 {
            Int64.random(in: 0...(1 << Int64.random(in: 0...45, using: &random)), using: &random)
        }
        for step in 0..<4000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                let deadline =
                    Int.random(in: 0..<20, using: &random) == 0
                    ? Instant.never : now.advanced(nanoseconds: span() - span() / 8)
                let id = wheel.schedule(at: deadline, payload: UInt(step))
                model.schedule(id, deadline, payload: UInt(step), now: now)
            case 4:
                guard let id = model.ids.randomElement(using: &random) else { continue }
                let deadline = now.advanced(nanoseconds: span())
                let wasThere = wheel.reschedule(id, at: deadline)
                #expect(
                    wasThere == model.reschedule(id, deadline, now: now),
                    "seed \(seed), step \(step)")
            case 5...6:
                guard let id = model.ids.randomElement(using: &random) else { continue }
                let payload = wheel.cancel(id)
                #expect(payload == model.cancel(id), "seed \(seed), step \(step)")
            default:
                let due = wheel.nextWake(after: now)
                if let first = model.firstDue, first > now {
                    #expect(
                        due ?? .never <= first.advanced(nanoseconds: 1_000_000),
                        "seed \(seed), step \(step)")
                }
                now =
                    Bool.random(using: &random) && due != nil
                    ? max(now, due ?? now) : now.advanced(nanoseconds: span())
                model.beginPopping(now: now)
                while let fired = wheel.popExpired(now: now) {
                    let complaint = model.fire(fired.id, fired.payload, now: now)
                    #expect(complaint == nil, "seed \(seed), step \(step)")
                    if complaint != nil { return }
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        let deadline = now.advanced(nanoseconds: span() - span())
                        let id = wheel.schedule(at: deadline, payload: UInt(step))
                        model.schedule(id, deadline, payload: UInt(step), now: now)
                    }
                }
                let late = model.overdue(now: now)
                #expect(late.isEmpty, "seed \(seed), step \(step)")
            }
            let count = wheel.count
            #expect(count == model.pending.count, "seed \(seed), step \(step)")
        }
    }
}

/// The same contract, kept by a dictionary.
private struct TimerModel {
    struct Timer {
        var deadline: Instant
        /// The deadline, or when it was set if that was later.
        var due: Instant
        var payload: UInt
        var isNew: Bool
    }
    private(set) var pending: [TimerWheel.ID: Timer] = [:]
    /// Every name ever given out lately, stale ones too.
    private(set) var ids: [TimerWheel.ID] = []

    mutating func schedule(
        _ id: TimerWheel.ID, _ deadline: Instant, payload: UInt, now: Instant
    ) {
        precondition(pending[id] == nil)
        pending[id] = Timer(
            deadline: deadline, due: max(deadline, now), payload: payload, isNew: true)
        ids.append(id)
        if ids.count > 200 { ids.removeFirst() }
    }

    mutating func reschedule(_ id: TimerWheel.ID, _ deadline: Instant, now: Instant) -> Bool {
        guard pending[id] != nil else { return false }
        pending[id]?.deadline = deadline
        pending[id]?.due = max(deadline, now)
        pending[id]?.isNew = true
        return true
    }

    mutating func cancel(_ id: TimerWheel.ID) -> UInt? {
        pending.removeValue(forKey: id)?.payload
    }

    var firstDue: Instant? {
        pending.values.map(\.deadline).min().flatMap { $0 == .never ? nil : $0 }
    }

    mutating func beginPopping(now: Instant) {
        for id in pending.keys { pending[id]?.isNew = false }
    }

    mutating func fire(_ id: TimerWheel.ID, _ payload: UInt, now: Instant) -> String? {
        guard let timer = pending.removeValue(forKey: id) else { return "fired a stale one" }
        guard timer.payload == payload else { return "another timer's payload" }
        guard timer.deadline <= now else { return "fired early" }
        guard !timer.isNew else { return "fired in the round it was scheduled in" }
        return nil
    }

    /// Timers of earlier rounds that are a whole tick late.
    func overdue(now: Instant) -> [Timer] {
        pending.values.filter { timer in
            !timer.isNew && timer.due.advanced(nanoseconds: 1_000_000) <= now
        }
    }
}
