// PermitTests.swift — a request's share is taken whole or not at all, and given back once.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct PermitTests {
    private static let start: UInt64 = 9_000_000_000_000
    private let words = Words(LimitCells.wordCount(processCount: 4))

    private func cells(_ process: Int = 0) -> LimitCells {
        LimitCells(at: words.first, processCount: 4, own: process)
    }

    private func take(
        _ limits: KeyLimits, process: Int = 0, estimate: Int = 1, input: Int = 1
    ) -> Result<Permit, Permit.Refusal> {
        Permit.take(
            limits, from: cells(process), estimate: estimate, input: input, now: Self.start)
    }

    @Test func aBudgetIsAskedFirstAndSpentOverAllProcesses() throws {
        let limits = KeyLimits(
            name: "a", requests: 10, tokens: nil, concurrent: 3,
            budget: Budget(dollars: 0.000_001, period: .day))
        for process in 0..<2 {
            var permit = try Permit.take(
                limits, from: cells(process), estimate: 1, input: 1, now: Self.start,
                seconds: 86_500
            ).get()
            #expect(permit.hasBudget)
            permit.spend(500, seconds: 86_500)
            permit.settle(used: 1, now: Self.start)
        }
        let refused = Permit.take(
            limits, from: cells(2), estimate: 1, input: 1, now: Self.start, seconds: 86_500)
        guard case .failure(.budget(let standing)) = refused else {
            Issue.record("more than the budget")
            return
        }
        #expect(standing.spent == 1000 && standing.limit == 1000)
        #expect(standing.resetSeconds == 86_300)
        // Nothing was taken for it, and the next day begins anew.
        let permit = try Permit.take(
            limits, from: cells(2), estimate: 1, input: 1, now: Self.start, seconds: 172_800
        ).get()
        #expect(permit.requests?.remaining == 7)
        #expect(limits.budgetStanding(in: cells(3), seconds: 172_800)?.spent == 0)
    }

    @Test func requestsOfAllProcessesCountTogether() throws {
        let limits = KeyLimits(name: "a", requests: 4, tokens: nil, concurrent: nil)
        for process in 0..<4 {
            let permit = try take(limits, process: process).get()
            #expect(permit.requests?.remaining == 3 - process)
            #expect(permit.tokens == nil)
        }
        guard case .failure(.requests(let standing, let wait)) = take(limits, process: 2) else {
            Issue.record("a fifth of four")
            return
        }
        #expect(standing.limit == 4 && standing.remaining == 0 && wait == 15_000_000_000)
        // Another key has cells of its own.
        let other = KeyLimits(name: "b", requests: 4, tokens: nil, concurrent: nil)
        #expect(try take(other).get().requests?.remaining == 3)
    }

    @Test func tokensAreReservedByEstimateAndSettledByUse() throws {
        let limits = KeyLimits(name: "a", requests: nil, tokens: 1000, concurrent: nil)
        var permit = try take(limits, estimate: 800).get()
        #expect(permit.tokens?.remaining == 200)
        guard case .failure(.tokens) = take(limits, process: 1, estimate: 300) else {
            Issue.record("more than is left")
            return
        }
        permit.settle(used: 100, now: Self.start)
        #expect(try take(limits, process: 1, estimate: 300).get().tokens?.remaining == 600)
        // An answer may be bounded by more than a minute has; an input may not.
        guard case .failure(.tooManyTokens(1001, 1000)) = take(limits, estimate: 1001, input: 1001)
        else {
            Issue.record("too large")
            return
        }
    }

    @Test func whatIsRefusedTakesNothing() throws {
        let limits = KeyLimits(name: "a", requests: 1, tokens: 1000, concurrent: 2)
        var first = try take(limits, estimate: 100).get()
        // Refused by requests: tokens and slot come back.
        guard case .failure(.requests) = take(limits, estimate: 100) else {
            Issue.record("a second of one")
            return
        }
        first.settle(used: 100, now: Self.start)
        let rest = KeyLimits(name: "a", requests: nil, tokens: 1000, concurrent: 2)
        var others = [try take(rest, estimate: 900).get()]
        #expect(others[0].tokens?.remaining == 0)
        guard case .failure(.tokens) = take(rest, estimate: 1) else {
            Issue.record("no token is left")
            return
        }
        others[0].settle(used: 0, now: Self.start)
        others = [try take(rest).get(), try take(rest).get()]
        #expect(throws: Permit.Refusal.concurrent(limit: 2)) { try take(rest).get() }
        for index in others.indices { others[index].settle(used: 1, now: Self.start) }
    }

    @Test func slotsOfADeadProcessComeBack() throws {
        let limits = KeyLimits(name: "a", requests: nil, tokens: nil, concurrent: 3)
        _ = try take(limits, process: 1).get()
        _ = try take(limits, process: 1).get()
        var own = try take(limits, process: 0).get()
        #expect(throws: Permit.Refusal.concurrent(limit: 3)) { try take(limits).get() }
        cells(0).clear(process: 1)
        _ = try take(limits, process: 2).get()
        _ = try take(limits, process: 2).get()
        own.settle(used: nil, now: Self.start)
        own.settle(used: nil, now: Self.start)
        _ = try take(limits).get()
        #expect(throws: Permit.Refusal.concurrent(limit: 3)) { try take(limits).get() }
    }

    @Test func threadsNeverHoldMoreThanTheLimit() async {
        let limits = KeyLimits(name: "a", requests: nil, tokens: nil, concurrent: 3)
        let words = self.words
        let held = Words(2)
        await withTaskGroup(of: Void.self) { group in
            for process in 0..<4 {
                group.addTask {
                    let cells = LimitCells(at: words.first, processCount: 4, own: process)
                    for _ in 0..<5000 {
                        guard
                            case .success(var permit) = Permit.take(
                                limits, from: cells, estimate: 1, input: 1, now: Self.start)
                        else { continue }
                        if held.first.add(1) > 3 { held.first.advanced(by: 1).add(1) }
                        held.first.subtract(1)
                        permit.settle(used: nil, now: Self.start)
                    }
                }
            }
        }
        #expect(held.first.advanced(by: 1).load() == 0)
        #expect(held.first.load() == 0)
    }

    @Test func aKeyForWhichThereIsNoCellIsRefused() {
        let capacity = LimitCells.concurrentCapacity
        var refused = 0
        for index in 0..<capacity + 300 {
            let limits = KeyLimits(name: "k\(index)", requests: nil, tokens: nil, concurrent: 1)
            if case .failure(.noCell) = take(limits) { refused += 1 }
        }
        #expect(refused >= 300)
    }
}
