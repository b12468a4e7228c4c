// RateLimiter.swift — how much a minute. Pure: a limit is arithmetic on one 64-bit word, which may lie
// in memory that all workers share; the time is handed in. Imported by Exchange and Config.
//
// The generic cell rate algorithm: the word is the *theoretical arrival time*, the nanosecond at which
// all that was admitted will have been worked off at the limit's pace. A minute's worth may be
// admitted at once; then it goes on at the pace.

import ReactorCore

/// A word that several writers settle by compare-and-exchange.
package protocol RateCell {
    func load() -> UInt64
    /// Sets `desired` if the word holds `expected`; else `expected` becomes what it holds.
    func exchange(_ expected: inout UInt64, for desired: UInt64) -> Bool
}

extension AtomicWord: RateCell {}

/// So many units a minute.
package struct RateLimit: Equatable, Sendable {
    /// The minute, in nanoseconds: also the burst, as time.
    static let period: UInt64 = 60_000_000_000
    /// A unit costs 60 ns then, and rounding matters.
    package static let unitsMax = 1_000_000_000

    /// At least 1, at most `unitsMax`.
    package let unitsPerMinute: Int

    package init(unitsPerMinute: Int) {
        precondition((1...Self.unitsMax).contains(unitsPerMinute))
        self.unitsPerMinute = unitsPerMinute
    }

    /// How a limit stands.
    package struct Standing: Equatable, Sendable {
        package var limit: Int
        /// Units that would be admitted now.
        package var remaining: Int
        /// Until all of them are back.
        package var resetNanoseconds: UInt64

        package init(limit: Int, remaining: Int, resetNanoseconds: UInt64) {
            self.limit = limit
            self.remaining = remaining
            self.resetNanoseconds = resetNanoseconds
        }
    }

    package enum Decision: Equatable, Sendable {
        case admitted(Standing)
        /// Not now: the units asked for would be admitted after `waitNanoseconds`.
        case refused(Standing, waitNanoseconds: UInt64)
        /// Never: it is more than a minute has.
        case tooMuch(Standing)
    }

    /// Admits `units`, or leaves the cell as it is. At any time what was admitted in the last minute
    /// is no more than the limit and its burst, however many admit at once.
    ///
    /// - Parameter now: nanoseconds of a monotonic clock that all who use the cell share.
    package func admit<Cell: RateCell>(_ units: Int, from cell: Cell, now: UInt64) -> Decision {
        let cost = nanoseconds(units)
        var arrival = cell.load()
        while true {
            let backlog = min(max(arrival, now) - now, Self.period * 2)
            guard units <= unitsPerMinute else { return .tooMuch(standing(backlog)) }
            let next = backlog + cost
            guard next <= Self.period else {
                return .refused(standing(backlog), waitNanoseconds: next - Self.period)
            }
            if cell.exchange(&arrival, for: now + next) { return .admitted(standing(next)) }
        }
    }

    /// Corrects an admission of `reserved` units that turned out to be `used`: the difference is
    /// given back, or owed.
    package func settle<Cell: RateCell>(
        reserved: Int, used: Int, in cell: Cell, now: UInt64
    ) {
        guard reserved != used else { return }
        let (more, less) = (nanoseconds(used), nanoseconds(reserved))
        var arrival = cell.load()
        while true {
            // What is owed is at most another minute: nobody waits longer for a mistaken estimate.
            let raised = min(max(arrival, now) &+ more, now + Self.period * 2 + less)
            let next = raised > less ? raised - less : 0
            if cell.exchange(&arrival, for: next) { return }
        }
    }

    /// How the limit stands, without asking for anything.
    package func standing<Cell: RateCell>(of cell: Cell, now: UInt64) -> Standing {
        standing(max(cell.load(), now) - now)
    }

    private func standing(_ backlog: UInt64) -> Standing {
        let free = backlog < Self.period ? Self.period - backlog : 0
        let (high, low) = free.multipliedFullWidth(by: UInt64(unitsPerMinute))
        return Standing(
            limit: unitsPerMinute,
            remaining: Int(Self.period.dividingFullWidth((high, low)).quotient),
            resetNanoseconds: backlog)
    }

    /// What units cost, rounded down: the limit's units fit the minute exactly.
    private func nanoseconds(_ units: Int) -> UInt64 {
        // Three minutes' worth is more than is ever owed.
        let count = UInt64(min(max(units, 0), unitsPerMinute * 3))
        let (high, low) = count.multipliedFullWidth(by: Self.period)
        return UInt64(unitsPerMinute).dividingFullWidth((high, low)).quotient
    }
}
