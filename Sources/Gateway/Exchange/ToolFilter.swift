// ToolFilter.swift — what stands between a provider's decoder and a door's encoder where a request has
// tools: calls of free text brought back, repair, or calls read out of text; behind them, the rounds of
// built-in tools. Pure: events in, events out. Used by Translation.

import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore

/// One answer's filters; without tools, none.
struct ToolFilter {
    private var repair: ToolCallRepair?
    private var parser: TextToolParser?
    /// There where tools called with free text went out as functions.
    private var freeText: FreeTextCalls?
    /// The rounds of built-in tools; stays from round to round.
    private(set) var loop: ToolLoopMachine?
    /// Of rounds that are over.
    private var earlier = RepairCounts()

    init() {}

    init(_ repair: ToolCallRepair) { self.repair = repair }

    /// For a provider that knows text only.
    init(_ parser: TextToolParser) { self.parser = parser }

    /// Whether anything is filtered at all.
    var isActive: Bool { finds || loop != nil || freeText != nil }

    /// Whether a call without a name may be told: somebody here looks for one.
    var finds: Bool { repair != nil || parser != nil }

    /// Whether the round that has ended wants another.
    var wantsRound: Bool { loop?.wantsRound ?? false }

    var counts: RepairCounts {
        var counts = earlier
        if let repair { counts.add(repair.counts) }
        if let parser { counts.add(parser.counts) }
        return counts
    }

    /// Adds the rounds of built-in tools.
    mutating func add(_ loop: ToolLoopMachine) { self.loop = loop }

    /// Adds the way back to free text.
    mutating func add(_ freeText: FreeTextCalls) { self.freeText = freeText }

    /// Takes the place of the filter of the round before.
    mutating func follow(_ other: ToolFilter) {
        earlier = other.counts
        loop = other.loop
    }

    /// - Parameter arena: where the JSON of a free-text call is read.
    mutating func pass(_ event: ModelEvent, _ arena: JSONArena, _ emit: (ModelEvent) -> Void) {
        guard var freeText else { return find(event, emit) }
        // Free text must not be set right as JSON, but calls in a text are there only once they have
        // been read out of it.
        self.freeText = nil
        if parser == nil {
            freeText.pass(event, arena) { find($0, emit) }
        } else {
            find(event) { freeText.pass($0, arena, emit) }
        }
        self.freeText = freeText
    }

    /// Repairs calls, or reads them out of text, and runs those of built-in tools.
    private mutating func find(_ event: ModelEvent, _ emit: (ModelEvent) -> Void) {
        let loop = loop
        func tell(_ event: ModelEvent) {
            if let loop { loop.pass(event, emit) } else { emit(event) }
        }
        if repair != nil {
            repair?.pass(event) { tell($0) }
        } else if parser != nil {
            parser?.pass(event) { tell($0) }
        } else {
            tell(event)
        }
    }
}
