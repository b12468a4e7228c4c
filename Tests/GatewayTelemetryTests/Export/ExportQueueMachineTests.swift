// ExportQueueMachineTests.swift — the queue of records against a plain model of what it promises: no
// record is lost without being counted, none is sent twice at a time, and memory has a bound.

import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct ExportQueueMachineTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func limits() -> ExportLimits {
        var limits = ExportLimits()
        limits.batchCountMax = 3
        limits.batchBytesMax = 1000
        limits.queueBytesMax = 64
        limits.interval = .seconds(1)
        return limits
    }

    private func add(_ machine: inout ExportQueueMachine, _ text: String, at now: Instant) -> Bool {
        machine.append(now: now) { $0.append(text) }
    }

    private func sent(_ action: ExportQueueMachine.Action) -> String? {
        if case .send(let batch) = action { return batch.bytes.string }
        return nil
    }

    private func waits(_ action: ExportQueueMachine.Action) -> Instant? {
        if case .wait(let until) = action { return until }
        return nil
    }

    @Test func sendsWhenABatchIsFull() {
        var machine = ExportQueueMachine(limits: Self.limits())
        let now = Self.start
        #expect(waits(machine.next(now: now)) == .never)
        #expect(add(&machine, "a", at: now))
        #expect(waits(machine.next(now: now)) == now + .seconds(1))
        #expect(!add(&machine, "b", at: now))
        #expect(add(&machine, "c", at: now))
        #expect(sent(machine.next(now: now)) == "a,b,c")
        // One at a time.
        for text in ["d", "e", "f"] { _ = add(&machine, text, at: now) }
        #expect(waits(machine.next(now: now)) == .never)
        machine.sent()
        #expect(sent(machine.next(now: now)) == "d,e,f")
        machine.sent(refused: 1)
        #expect(machine.sentCount == 5 && machine.refusedCount == 1 && machine.count == 0)
    }

    @Test func sendsWhenABatchIsOldOrLarge() {
        var machine = ExportQueueMachine(limits: Self.limits())
        _ = add(&machine, "a", at: Self.start)
        #expect(waits(machine.next(now: Self.start + .milliseconds(999))) != nil)
        #expect(sent(machine.next(now: Self.start + .seconds(1))) == "a")
        machine.sent()
        let large = String(repeating: "x", count: 1000)
        #expect(add(&machine, large, at: Self.start + .seconds(2)))
        #expect(sent(machine.next(now: Self.start + .seconds(2))) == large)
    }

    @Test func waitsLongerAfterEachFailureAndAsLongAsItIsAsked() {
        var machine = ExportQueueMachine(limits: Self.limits())
        var now = Self.start
        for text in ["a", "b", "c"] { _ = add(&machine, text, at: now) }
        for wait in [1, 2, 4, 8] as [Int64] {
            #expect(sent(machine.next(now: now)) == "a,b,c")
            machine.failed(now: now, draw: 0)
            #expect(waits(machine.next(now: now)) == now + .seconds(wait))
            now = now + .seconds(wait)
        }
        #expect(sent(machine.next(now: now)) != nil)
        machine.failed(retryAfter: .seconds(100), now: now, draw: 0)
        #expect(waits(machine.next(now: now)) == now + .seconds(100))
        now = now + .seconds(100)
        #expect(sent(machine.next(now: now)) != nil)
        machine.failed(retryAfter: .seconds(99_999), now: now, draw: 0)
        #expect(waits(machine.next(now: now)) == now + .seconds(300))
        now = now + .seconds(300)
        #expect(sent(machine.next(now: now)) != nil)
        machine.sent()
        // A success makes all failures forgotten.
        for text in ["d", "e", "f"] { _ = add(&machine, text, at: now) }
        #expect(sent(machine.next(now: now)) == "d,e,f")
        machine.failed(now: now, draw: 0)
        #expect(waits(machine.next(now: now)) == now + .seconds(1))
    }

    @Test func dropsTheOldestAboveItsBound() {
        var machine = ExportQueueMachine(limits: Self.limits())
        let text = String(repeating: "x", count: 8)
        for _ in 0..<100 { _ = add(&machine, text, at: Self.start) }
        // 26 bytes a batch: two of them are within 64.
        #expect(machine.count == 2 * 3 + 1)
        #expect(machine.droppedCount == 93)
        #expect(sent(machine.next(now: Self.start)) != nil)
        machine.failed(now: Self.start, draw: 0)
        #expect(machine.count + machine.droppedCount == 100)
    }

    @Test func drainsWithoutWaiting() {
        var machine = ExportQueueMachine(limits: Self.limits())
        _ = add(&machine, "a", at: Self.start)
        machine.drain()
        #expect(sent(machine.next(now: Self.start)) == "a")
        if case .finished = machine.next(now: Self.start) { Issue.record("still on its way") }
        machine.sent()
        guard case .finished = machine.next(now: Self.start) else {
            Issue.record("not finished")
            return
        }
        #expect(machine.sentCount == 1)
    }

    @Test func givesUpWhatIsLeft() {
        var machine = ExportQueueMachine(limits: Self.limits())
        for text in ["a", "b", "c", "d"] { _ = add(&machine, text, at: Self.start) }
        #expect(sent(machine.next(now: Self.start)) != nil)
        machine.abandon()
        #expect(machine.droppedCount == 4 && machine.count == 0)
        guard case .finished = machine.next(now: Self.start) else {
            Issue.record("not finished")
            return
        }
    }

    /// Whatever happens in whatever order, every record is somewhere.
    @Test(arguments: 0..<50)
    func countsEveryRecordOnce(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var machine = ExportQueueMachine(limits: Self.limits())
        var now = Self.start
        var taken = 0
        var isSending = false
        for _ in 0..<2000 {
            switch Int(random.next() % 8) {
            case 0...3:
                let length = Int(random.next() % 12)
                _ = add(&machine, String(repeating: "y", count: length), at: now)
                taken += 1
            case 4:
                now = now + .milliseconds(Int64(random.next() % 3000))
            case 5 where isSending:
                machine.failed(now: now, draw: random.unit())
                isSending = false
            case 6 where isSending:
                if random.next() % 4 == 0 { machine.refused() } else { machine.sent(refused: 1) }
                isSending = false
            case 7 where random.next() % 64 == 0:
                machine.dropAll(changingTo: .none)
                isSending = false
            default:
                if case .send(let batch) = machine.next(now: now) {
                    #expect(!isSending && batch.count > 0)
                    isSending = true
                }
            }
            let counted =
                machine.sentCount + machine.refusedCount + machine.droppedCount + machine.count
            #expect(counted == taken, "seed \(seed)")
        }
        machine.abandon()
        #expect(machine.sentCount + machine.refusedCount + machine.droppedCount == taken)
    }
}
