// BudgetLedgerTests.swift — what keys have spent goes from one run to the next: once, exactly, and no
// longer than its period.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct BudgetLedgerTests {
    /// 2026-11-26 00:30:00, a Thursday.
    private static let now = 1_795_653_000
    private static let midnight = now + 84_600
    private static let monthEnd = now + 5 * 86_400 - 1800

    /// The cells of one run.
    private final class Run {
        let words = Words(LimitCells.wordCount(processCount: 2))
        var ledger = BudgetLedger()

        func cells(_ process: Int = 0) -> LimitCells {
            LimitCells(at: words.first, processCount: 2, own: process)
        }

        func spend(
            _ cost: Int, _ key: String, _ period: BudgetPeriod, process: Int = 0, at seconds: Int
        ) throws {
            let limits = Self.limits(key, period)
            var permit = try Permit.take(
                limits, from: cells(process), estimate: 1, input: 1, now: 5, seconds: seconds
            ).get()
            permit.spend(cost, seconds: seconds)
            permit.settle(used: 1, now: 5)
        }

        func spent(_ key: String, _ period: BudgetPeriod, at seconds: Int) -> Int? {
            Self.limits(key, period).budgetStanding(in: cells(), seconds: seconds)?.spent
        }

        private static func limits(_ key: String, _ period: BudgetPeriod) -> KeyLimits {
            KeyLimits(
                name: key, requests: nil, tokens: nil, concurrent: nil,
                budget: Budget(dollars: 100, period: period))
        }

        func sums(at seconds: Int) -> [BudgetSum] { ledger.sums(in: cells(), seconds: seconds) }

        func restore(_ sums: [BudgetSum], at seconds: Int) -> Int {
            ledger.restore(sums, to: cells(), seconds: seconds)
        }
    }

    private static let configured: [(key: String, period: BudgetPeriod)] = [
        ("b", .day), ("a", .month), ("c", .total), ("idle", .day),
    ]

    @Test func sumsAreThoseOfAllProcessesAndOfTheirPeriods() throws {
        let run = Run()
        run.ledger.take(Self.configured)
        #expect(run.sums(at: Self.now).isEmpty)
        for process in 0..<2 {
            try run.spend(1230, "a", .month, process: process, at: Self.now)
            try run.spend(70, "c", .total, process: process, at: Self.now)
        }
        try run.spend(50, "b", .day, at: Self.now)
        try run.spend(50, "nobody", .day, at: Self.now)
        let sums = [
            BudgetSum(key: "a", period: .month, end: Self.monthEnd, spent: 2460),
            BudgetSum(key: "b", period: .day, end: Self.midnight, spent: 50),
            BudgetSum(key: "c", period: .total, end: nil, spent: 140),
        ]
        #expect(run.sums(at: Self.now) == sums)
        #expect(run.sums(at: Self.midnight - 1) == sums)
        #expect(run.sums(at: Self.midnight).map(\.key) == ["a", "c"])
        #expect(run.sums(at: Self.monthEnd).map(\.key) == ["c"])
    }

    @Test func theNextRunGoesOnFromThere() throws {
        let first = Run()
        first.ledger.take(Self.configured)
        try first.spend(1230, "a", .month, at: Self.now)
        try first.spend(BudgetSum.spentMax, "c", .total, at: Self.now)
        let sums = first.sums(at: Self.now)
        let next = Run()
        next.ledger.take(Self.configured)
        #expect(next.restore(sums, at: Self.now + 60) == 2)
        #expect(next.spent("a", .month, at: Self.now + 60) == 1230)
        #expect(next.spent("c", .total, at: Self.now + 60) == BudgetSum.spentMax)
        #expect(next.sums(at: Self.now + 60) == sums)
        try next.spend(10, "a", .month, at: Self.now + 60)
        #expect(next.sums(at: Self.now + 60)[0].spent == 1240)
    }

    /// The file may be another's at first: what is spent meanwhile is not lost.
    @Test func whatIsRestoredLateIsAdded() throws {
        let run = Run()
        run.ledger.take(Self.configured)
        try run.spend(100, "a", .month, at: Self.now)
        let sum = BudgetSum(key: "a", period: .month, end: Self.monthEnd, spent: 1000)
        #expect(run.restore([sum], at: Self.now) == 1)
        #expect(run.spent("a", .month, at: Self.now) == 1100)
    }

    @Test func whatIsOverOrOfAnotherKindIsNot() {
        let run = Run()
        run.ledger.take([("a", .month), ("b", .day)])
        let sums = [
            // Yesterday's, tomorrow's by a clock that was set back, and another period's.
            BudgetSum(key: "b", period: .day, end: Self.midnight - 86_400, spent: 10),
            BudgetSum(key: "x", period: .day, end: Self.midnight + 86_400, spent: 10),
            BudgetSum(key: "a", period: .week, end: Self.now + 4 * 86_400 - 1800, spent: 10),
            BudgetSum(key: "a", period: .total, end: nil, spent: 10),
        ]
        #expect(run.restore(sums, at: Self.now) == 0)
        #expect(run.sums(at: Self.now).isEmpty)
    }

    /// A key that is left out of the configuration for a while does not begin anew by that.
    @Test func keysThatAreNotConfiguredStayUntilTheirPeriodEnds() throws {
        let sum = BudgetSum(key: "gone", period: .day, end: Self.midnight, spent: 10)
        let run = Run()
        run.ledger.take([("a", .month)])
        #expect(run.restore([sum], at: Self.now) == 1)
        #expect(run.sums(at: Self.now) == [sum])
        run.ledger.take([("a", .month), ("gone", .day)])
        try run.spend(10, "gone", .day, at: Self.now)
        run.ledger.take([("a", .month)])
        #expect(run.sums(at: Self.now).map(\.spent) == [20])
        #expect(run.sums(at: Self.midnight).isEmpty)
        // By another clock it would be there again, had it not been forgotten.
        #expect(run.sums(at: Self.now).isEmpty)
    }

    @Test func keysAreBounded() {
        let run = Run()
        let many = (0..<BudgetLedger.keyCountMax).map {
            BudgetSum(key: "k\($0)", period: .total, end: nil, spent: 10)
        }
        #expect(run.restore(many, at: Self.now) == many.count)
        let more = BudgetSum(key: "more", period: .total, end: nil, spent: 10)
        #expect(run.restore([more], at: Self.now) == 0)
        #expect(run.sums(at: Self.now).count == many.count)
    }
}
