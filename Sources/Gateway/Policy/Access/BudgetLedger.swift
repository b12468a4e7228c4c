// BudgetLedger.swift — whose spending outlives a restart, and what it comes to. Pure but for the shared
// words that are handed in. Imported by Exchange, whose BudgetKeeper has the file.

import ReactorCore

/// What a key has spent in one period.
package struct BudgetSum: Equatable, Sendable {
    /// The most that a cell holds.
    package static let spentMax = Budget.spentMax

    /// The key's name.
    package var key: String
    package var period: BudgetPeriod
    /// When the period ends, in seconds since 1970; nil: never.
    package var end: Int?
    /// In billionths of a dollar.
    package var spent: Int

    package init(key: String, period: BudgetPeriod, end: Int?, spent: Int) {
        self.key = key
        self.period = period
        self.end = end
        self.spent = spent
    }
}

/// The keys whose spending is kept: those that have a budget, and those that had one when something
/// was spent in a period that still runs.
package struct BudgetLedger {
    /// What further keys spend is lost with a restart.
    package static let keyCountMax = 16_384

    private var keys: [String: KeyLimits] = [:]
    private var configured: Set<String> = []

    package init() {}

    /// The budgets that are configured from now on.
    package mutating func take(_ budgets: [(key: String, period: BudgetPeriod)]) {
        configured.removeAll()
        for (key, period) in budgets where configured.count < Self.keyCountMax {
            configured.insert(key)
            keys[key] = Self.limits(key, period)
        }
    }

    private static func limits(_ key: String, _ period: BudgetPeriod) -> KeyLimits {
        KeyLimits(
            name: key, requests: nil, tokens: nil, concurrent: nil,
            budget: Budget(dollars: 0, period: period))
    }

    /// Adds what was spent before a restart to what has been spent since: to be called once. A key
    /// whose period is another now begins anew, as it does after a reload.
    /// - Returns: for how many keys the sum still counts.
    package mutating func restore(
        _ sums: [BudgetSum], to cells: LimitCells, seconds: Int
    ) -> Int {
        var count = 0
        for sum in sums where sum.end == sum.period.place(of: seconds).end {
            let limits = keys[sum.key] ?? Self.limits(sum.key, sum.period)
            guard limits.budget?.period == sum.period,
                keys[sum.key] != nil || keys.count < Self.keyCountMax,
                limits.addToBudget(sum.spent, in: cells, seconds: seconds)
            else { continue }
            keys[sum.key] = limits
            count += 1
        }
        return count
    }

    /// What has been spent in the periods that run now, by the keys' names. Keys that are not
    /// configured and have spent nothing are forgotten.
    package mutating func sums(in cells: LimitCells, seconds: Int) -> [BudgetSum] {
        var sums: [BudgetSum] = []
        var forgotten: [String] = []
        for (key, limits) in keys {
            let standing = limits.budgetStanding(in: cells, seconds: seconds)
            guard let standing, standing.spent > 0, let period = limits.budget?.period else {
                if !configured.contains(key) { forgotten.append(key) }
                continue
            }
            let end = standing.resetSeconds.map { seconds + $0 }
            sums.append(BudgetSum(key: key, period: period, end: end, spent: standing.spent))
        }
        for key in forgotten { keys[key] = nil }
        return sums.sorted { $0.key < $1.key }
    }
}
