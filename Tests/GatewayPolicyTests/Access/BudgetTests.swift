// BudgetTests.swift — periods by the calendar, and sums that no two lose.

import GatewayPolicy
import Testing

@Suite struct BudgetTests {
    private func standing(
        _ period: BudgetPeriod, _ words: Words, at seconds: Int
    ) -> Budget.Standing {
        Budget(dollars: 1, period: period).standing(of: words.first, seconds: seconds)
    }

    @Test(arguments: [
        // 2026-11-26 00:30:00 is a Thursday.
        (BudgetPeriod.hour, 1_795_653_000, 1800), (.day, 1_795_653_000, 84_600),
        (.week, 1_795_653_000, 4 * 86_400 - 1800), (.month, 1_795_653_000, 5 * 86_400 - 1800),
        // Monday 1970-01-05, and the second before it.
        (.week, 345_600, 7 * 86_400), (.week, 345_599, 1),
        (.month, 0, 31 * 86_400), (.month, 31 * 86_400 - 1, 1),
        // Februaries of 2023, 2024 and 2100.
        (.month, 1_675_209_600, 28 * 86_400), (.month, 1_706_745_600, 29 * 86_400),
        (.month, 4_105_123_200, 28 * 86_400),
        // The end of a year.
        (.month, 1_735_689_599, 1),
    ])
    func periodsEndByTheCalendar(period: BudgetPeriod, seconds: Int, reset: Int) {
        #expect(standing(period, Words(1), at: seconds).resetSeconds == reset)
    }

    @Test func aTotalNeverEnds() {
        let words = Words(1)
        let budget = Budget(dollars: 1, period: .total)
        budget.add(600_000_000, to: words.first, seconds: 5)
        let later = budget.standing(of: words.first, seconds: 4_000_000_000)
        #expect(later.spent == 600_000_000 && later.resetSeconds == nil && !later.isSpent)
        budget.add(400_000_000, to: words.first, seconds: 4_000_000_000)
        #expect(budget.standing(of: words.first, seconds: 5).isSpent)
    }

    @Test func aNewPeriodBeginsAtNothing() {
        let words = Words(1)
        let budget = Budget(dollars: 1, period: .hour)
        budget.add(2_000_000_000, to: words.first, seconds: 3599)
        #expect(budget.standing(of: words.first, seconds: 3599).isSpent)
        #expect(budget.standing(of: words.first, seconds: 3600).spent == 0)
        budget.add(30, to: words.first, seconds: 3601)
        #expect(budget.standing(of: words.first, seconds: 3601).spent == 30)
        // A request that ends late counts where it ends.
        #expect(budget.standing(of: words.first, seconds: 3599).spent == 0)
    }

    @Test func smallCostsAreRoundedAndTheSumIsBounded() {
        let words = Words(1)
        let budget = Budget(dollars: Budget.dollarsMax, period: .total)
        budget.add(4, to: words.first, seconds: 1)
        #expect(budget.standing(of: words.first, seconds: 1).spent == 0)
        budget.add(5, to: words.first, seconds: 1)
        #expect(budget.standing(of: words.first, seconds: 1).spent == 10)
        budget.add(-5, to: words.first, seconds: 1)
        for _ in 0..<3 { budget.add(.max / 2, to: words.first, seconds: 1) }
        let end = budget.standing(of: words.first, seconds: 1)
        #expect(end.isSpent && end.spent > 0)
        #expect(Budget(dollars: 0, period: .day).standing(of: Words(1).first, seconds: 9).isSpent)
    }

    @Test func threadsLoseNothing() async {
        let words = Words(1)
        let budget = Budget(dollars: 1, period: .day)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 { budget.add(1000, to: words.first, seconds: 86_400) }
                }
            }
        }
        #expect(budget.standing(of: words.first, seconds: 86_400).spent == 16_000_000)
    }
}
