// UpstreamCells.swift — what all workers know of a provider: its breaker and a few counts, as words that
// they share. The same name after a reload means the same words.

import ReactorCore

/// The words of one provider.
package struct UpstreamCell: Sendable {
    /// A `BreakerMachine`.
    let breaker: AtomicWord

    init(_ first: AtomicWord) { breaker = first }

    /// How often the breaker has opened.
    private var openingsWord: AtomicWord { breaker.advanced(by: 1) }
    /// Requests that the breaker kept away.
    private var refusalsWord: AtomicWord { breaker.advanced(by: 2) }
    /// Requests that went on to another target.
    private var departuresWord: AtomicWord { breaker.advanced(by: 3) }

    package var openings: Int { openingsWord.value }
    package var refusals: Int { refusalsWord.value }
    package var departures: Int { departuresWord.value }

    package var machine: BreakerMachine { BreakerMachine(word: breaker.load()) }

    /// A request went on to another target.
    package func countDeparture() { departuresWord.add(1) }

    /// Asks the breaker for a request.
    package func admit(_ policy: BreakerPolicy, now: UInt64) -> BreakerMachine.Admission {
        let admission = change { $0.admit(policy, now: now) }
        if case .refused = admission { refusalsWord.add(1) }
        return admission
    }

    /// Tells the breaker of a request's end.
    package func ended(
        _ outcome: BreakerMachine.Outcome, probed: Bool, _ policy: BreakerPolicy, now: UInt64
    ) {
        if change({ $0.ended(outcome, probed: probed, policy, now: now) }) { openingsWord.add(1) }
    }

    /// Settled by compare-and-exchange; a state that stays is only read.
    private func change<Answer>(_ body: (inout BreakerMachine) -> Answer) -> Answer {
        var word = breaker.load()
        while true {
            var machine = BreakerMachine(word: word)
            let answer = body(&machine)
            if machine.word == word || breaker.exchange(&word, for: machine.word) { return answer }
        }
    }
}

/// The words of all providers.
package struct UpstreamCells: Sendable {
    /// Names of providers that there can be from the first start on, reloads included; further ones
    /// have no breaker.
    package static let capacity = 1024
    private static let wordsPerCell = 4
    package static let wordCount = capacity * (1 + wordsPerCell)

    private let names: CellTable
    private let cells: AtomicWord

    package init(at first: AtomicWord) {
        names = CellTable(at: first, capacity: Self.capacity)
        cells = first.advanced(by: Self.capacity)
    }

    /// The words of the provider called `name`; nil where there is no room for another.
    package func cell(_ name: String) -> UpstreamCell? {
        names.place(of: CellTable.hash(name, salt: 4)).map {
            UpstreamCell(cells.advanced(by: $0 * Self.wordsPerCell))
        }
    }
}
