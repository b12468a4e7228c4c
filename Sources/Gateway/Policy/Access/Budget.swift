// Budget.swift — what one key may spend in a period. Pure: a budget is arithmetic on one 64-bit word,
// which may lie in memory that all workers share; the time is handed in. Imported by Exchange and
// Config.

import ReactorCore

/// After what time a key may spend anew. Periods begin for all at the same time, in UTC.
package enum BudgetPeriod: String, CaseIterable, Sendable {
    case hour
    case day
    /// Begins on Monday.
    case week
    /// Of the calendar.
    case month
    /// Never.
    case total

    private static let daySeconds = 86_400

    /// Counts periods, and the second at which this one ends; nil: never.
    func place(of seconds: Int) -> (number: Int, end: Int?) {
        switch self {
        case .hour:
            let number = seconds / 3600
            return (number, (number + 1) * 3600)
        case .day:
            let number = seconds / Self.daySeconds
            return (number, (number + 1) * Self.daySeconds)
        case .week:
            // 1970 began on a Thursday.
            let number = (seconds / Self.daySeconds + 3) / 7
            return (number, ((number + 1) * 7 - 3) * Self.daySeconds)
        case .month:
            let number = Self.month(ofDay: seconds / Self.daySeconds)
            return (number, Self.firstDay(ofMonth: number + 1) * Self.daySeconds)
        case .total: return (0, nil)
        }
    }

    /// Months since January of year 0.
    private static func month(ofDay day: Int) -> Int {
        // A month has 28 days at least: from a guess that is never too late it is a step or two.
        var month = 1970 * 12 + day / 31
        while firstDay(ofMonth: month + 1) <= day { month += 1 }
        return month
    }

    /// Days from 1970 to the first of a month.
    private static func firstDay(ofMonth month: Int) -> Int {
        let (year, place) = (month / 12, month % 12)
        // Days in front of the month in a year that is none of the leap years.
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][place]
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let past = year - 1
        let days = past * 365 + past / 4 - past / 100 + past / 400
        return days + before + (isLeap && place > 1 ? 1 : 0) - 719_162
    }
}

/// So much a period.
package struct Budget: Equatable, Sendable {
    /// In billionths of a dollar.
    package let limit: Int
    package let period: BudgetPeriod

    /// Dollars that can be configured: a word holds more.
    package static let dollarsMax = 100_000.0

    // Layout of the word: 20 bits of the period's number, 44 bits spent, in units of 10 billionths.
    private static let unit = 10
    private static let spentMask: UInt64 = (1 << 44) - 1
    static let spentMax = Int(spentMask) * unit

    package init(dollars: Double, period: BudgetPeriod) {
        precondition(dollars >= 0 && dollars <= Self.dollarsMax)
        limit = Int((dollars * 1_000_000_000).rounded())
        self.period = period
    }

    /// How a budget stands.
    package struct Standing: Equatable, Sendable {
        /// In billionths of a dollar.
        package var limit: Int
        package var spent: Int
        /// Until the period ends; nil: it does not.
        package var resetSeconds: Int?

        package var isSpent: Bool { spent >= limit }
    }

    /// - Parameter seconds: since 1970.
    package func standing<Cell: RateCell>(of cell: Cell, seconds: Int) -> Standing {
        let (number, end) = period.place(of: seconds)
        return Standing(
            limit: limit, spent: Self.spent(cell.load(), in: number),
            resetSeconds: end.map { $0 - seconds })
    }

    /// Adds what a request came to, in billionths of a dollar, to the period that it ends in.
    package func add<Cell: RateCell>(_ cost: Int, to cell: Cell, seconds: Int) {
        guard cost > 0 else { return }
        let number = period.place(of: seconds).number
        var word = cell.load()
        while true {
            let units = UInt64(Self.spent(word, in: number) / Self.unit)
            let sum = min(units + UInt64((cost + Self.unit / 2) / Self.unit), Self.spentMask)
            if cell.exchange(&word, for: UInt64(number & 0xF_FFFF) << 44 | sum) { return }
        }
    }

    /// What was spent in an earlier period is forgotten.
    private static func spent(_ word: UInt64, in number: Int) -> Int {
        word >> 44 == UInt64(number & 0xF_FFFF) ? Int(word & spentMask) * unit : 0
    }
}
