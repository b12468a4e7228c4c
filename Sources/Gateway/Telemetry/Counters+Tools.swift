// Counters+Tools.swift — what was done for tools: repairs by kind, and what the gateway ran itself. The
// last sixteen words of a block.

import ReactorCore

extension Counters {
    /// Kinds of repairs and functions that have a word of their own; all others share the last.
    package static let repairKindCount = 7
    package static let functionCount = 8

    private static let repairsPlace = 16
    private static let roundsPlace = 23
    private static let callsPlace = 24

    private func word(_ place: Int, _ index: Int, of count: Int) -> AtomicWord {
        first.advanced(by: place + min(max(index, 0), count - 1))
    }

    /// Repairs of one kind, by its number.
    package func repairs(ofKind kind: Int) -> Int {
        word(Self.repairsPlace, kind, of: Self.repairKindCount).value
    }

    package func add(repairs count: Int, ofKind kind: Int) {
        word(Self.repairsPlace, kind, of: Self.repairKindCount).value += count
    }

    /// Requests to providers in answers for which the gateway ran a function itself.
    package var builtInRounds: Int {
        get { first.advanced(by: Self.roundsPlace).value }
        nonmutating set { first.advanced(by: Self.roundsPlace).value = newValue }
    }

    /// Calls of one function that the gateway ran, by its number.
    package func builtInCalls(of function: Int) -> Int {
        word(Self.callsPlace, function, of: Self.functionCount).value
    }

    package func add(builtInCalls count: Int, of function: Int) {
        word(Self.callsPlace, function, of: Self.functionCount).value += count
    }
}
