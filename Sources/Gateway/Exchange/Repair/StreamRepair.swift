// StreamRepair.swift — looks after the tool calls of a stream that is relayed, whatever its dialect.
// Pure: events in, verdicts out. Used by Exchange from the first event with a call on; until then a
// stream is asked only whether it has come.

import GatewayDoors
import GatewayTools
import ReactorCore

/// What the client gets for an event.
package enum RepairedEvent: Equatable {
    case asItCame
    /// The first bytes of the repair's output, then the event as it came.
    case precededBy(Int)
    /// All of the output instead.
    case rewritten
}

/// The repair of one stream of a dialect whose events have names.
package enum NamedStreamRepair {
    case messages(MessagesStreamRepair)
    case responses(ResponsesStreamRepair)

    /// - Parameters:
    ///   - repair: sets right what comes in pieces.
    ///   - whole: sets right what the last event tells again.
    /// - Returns: nil at a door whose events have no names.
    package init?(at door: AnswerDoor, _ repair: ToolCallRepair, whole: consuming CallSplicer) {
        switch door {
        case .messages: self = .messages(MessagesStreamRepair(repair))
        case .responses: self = .responses(ResponsesStreamRepair(repair, whole: whole))
        case .chat, .completions: return nil
        }
    }

    /// Whether an event holds the first piece of a call.
    package static func isDue(_ event: EventStreamEvent, at door: AnswerDoor) -> Bool {
        switch door {
        case .messages: MessagesStreamRepair.opensCall(event)
        case .responses: ResponsesStreamRepair.opensCall(event)
        case .chat, .completions: false
        }
    }

    var counts: RepairCounts {
        switch self {
        case .messages(let repair): repair.counts
        case .responses(let repair): repair.counts
        }
    }

    /// Events that were added to the stream.
    var addedCount: Int {
        switch self {
        case .messages: 0
        case .responses(let repair): repair.addedCount
        }
    }

    /// Takes one event. - Parameter write: gets what the repair wrote, in whole events.
    package func take(_ event: EventStreamEvent, write: (ByteSlice) -> Void) -> RepairedEvent {
        switch self {
        case .messages(let repair):
            let verdict = repair.take(event)
            if verdict != .asItCame { write(repair.output.slice) }
            return verdict
        case .responses(let repair):
            let verdict = repair.take(event)
            if verdict != .asItCame { write(repair.output.slice) }
            return verdict
        }
    }
}
