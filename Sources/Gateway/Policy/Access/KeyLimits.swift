// KeyLimits.swift — what one key may do a minute and at once, and the cells by which all workers keep
// it. Pure but for the shared words that are handed in.

import ReactorCore

/// The limits of a key. The same name after a reload means the same cells.
package struct KeyLimits: Equatable, Sendable {
    package let requests: RateLimit?
    package let tokens: RateLimit?
    /// Requests at once.
    package let concurrent: Int?
    /// Money.
    package let budget: Budget?
    /// The key's places in the tables.
    let requestsHash: UInt64
    let tokensHash: UInt64
    let concurrentHash: UInt64
    let budgetHash: UInt64

    package init(
        name: String, requests: Int?, tokens: Int?, concurrent: Int?, budget: Budget? = nil
    ) {
        self.requests = requests.map { RateLimit(unitsPerMinute: $0) }
        self.tokens = tokens.map { RateLimit(unitsPerMinute: $0) }
        self.concurrent = concurrent
        self.budget = budget
        requestsHash = CellTable.hash(name, salt: 1)
        tokensHash = CellTable.hash(name, salt: 2)
        concurrentHash = CellTable.hash(name, salt: 3)
        budgetHash = CellTable.hash(name, salt: 5)
    }

    package var isEmpty: Bool {
        requests == nil && tokens == nil && concurrent == nil && budget == nil
    }

    /// How the budget stands; nil where there is none, or no cell for it.
    package func budgetStanding(in cells: LimitCells, seconds: Int) -> Budget.Standing? {
        guard let budget, let cell = cells.rate(budgetHash) else { return nil }
        return budget.standing(of: cell, seconds: seconds)
    }

    /// Counts what was spent before a restart, in billionths of a dollar.
    /// - Returns: whether there is a cell for it.
    func addToBudget(_ spent: Int, in cells: LimitCells, seconds: Int) -> Bool {
        guard let budget, let cell = cells.rate(budgetHash) else { return false }
        budget.add(spent, to: cell, seconds: seconds)
        return true
    }
}

/// The words behind all limits.
package struct LimitCells: Sendable {
    /// Cells of requests and tokens a minute and of budgets; above it keys with limits are refused.
    package static let rateCapacity = 65_536
    /// Keys with a limit of requests at once.
    package static let concurrentCapacity = 4096

    private let rateNames: CellTable
    private let rates: AtomicWord
    private let concurrentNames: CellTable
    private let counts: AtomicWord
    private let processCount: Int
    private let own: Int

    /// Words for so many processes.
    package static func wordCount(processCount: Int) -> Int {
        rateCapacity * 2 + concurrentCapacity * (1 + processCount)
    }

    /// - Parameter own: this process's number.
    package init(at first: AtomicWord, processCount: Int, own: Int) {
        rateNames = CellTable(at: first, capacity: Self.rateCapacity)
        rates = first.advanced(by: Self.rateCapacity)
        let concurrent = first.advanced(by: Self.rateCapacity * 2)
        concurrentNames = CellTable(at: concurrent, capacity: Self.concurrentCapacity)
        counts = concurrent.advanced(by: Self.concurrentCapacity)
        self.processCount = processCount
        self.own = own
    }

    func rate(_ hash: UInt64) -> AtomicWord? {
        rateNames.place(of: hash).map { rates.advanced(by: $0) }
    }

    /// The slot of this process for a key's requests at once, and the key's place.
    func slot(_ hash: UInt64) -> Int? { concurrentNames.place(of: hash) }

    /// Takes a slot if no more than `limit` are taken over all processes. Counted first and looked at
    /// then, so that two who come at once may both be refused, but never both let in.
    func enter(_ place: Int, limit: Int) -> Bool {
        let word = count(place, of: own)
        word.add(1)
        let sum = (0..<processCount).reduce(0) { $0 &+ count(place, of: $1).load() }
        guard sum <= UInt64(limit) else {
            word.subtract(1)
            return false
        }
        return true
    }

    func leave(_ place: Int) { count(place, of: own).subtract(1) }

    private func count(_ place: Int, of process: Int) -> AtomicWord {
        counts.advanced(by: process * Self.concurrentCapacity + place)
    }

    /// A process is dead: what it held is given back.
    package func clear(process: Int) {
        for place in 0..<Self.concurrentCapacity {
            let word = count(place, of: process)
            if word.load() != 0 { word.store(0) }
        }
    }
}
