// ToolFilter.swift — what stands between a provider's decoder and a door's encoder where a request has
// tools: repair, or calls read out of text; behind either, the rounds of built-in tools.
// Pure: events in, events out. Used by Translation.

import GatewayModel
import GatewayTools
import ReactorCore

/// One answer's filters; without tools, none.
struct ToolFilter {
    private var repair: ToolCallRepair?
    private var parser: TextToolParser?
    /// The rounds of built-in tools; stays from round to round.
    private(set) var loop: ToolLoopMachine?
    /// Of rounds that are over.
    private var earlier = RepairCounts()

    init() {}

    init(_ repair: ToolCallRepair) { self.repair = repair }

    /// For a provider that knows text only.
    init(_ parser: TextToolParser) { self.parser = parser }

    /// Whether anything is filtered at all.
    var isActive: Bool { repair != nil || parser != nil || loop != nil }

    /// Whether calls are read out of text.
    var readsText: Bool { parser != nil }

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

    /// Takes the place of the filter of the round before.
    mutating func follow(_ other: ToolFilter) {
        earlier = other.counts
        loop = other.loop
    }

    mutating func pass(_ event: ModelEvent, _ emit: (ModelEvent) -> Void) {
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
