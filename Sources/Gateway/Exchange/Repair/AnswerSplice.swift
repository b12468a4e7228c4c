// AnswerSplice.swift — a whole answer with its tool calls set right, and every other byte of it as it
// came. Pure. Used by Exchange on the relay lane; a dialect's own part is in a file beside.

import GatewayCodec
import GatewayDoors
import GatewayTools
import ReactorCore

/// One answer being looked at.
package struct AnswerSplice: ~Copyable {
    var splicer: CallSplicer
    var edits = JSONEdits()
    /// What the splicer wrote.
    var written = ByteBuffer()
    /// Whether a call is left that the client can answer, and whether one became text.
    var hasCalls = false
    var hasTexts = false

    package init(_ splicer: consuming CallSplicer) { self.splicer = splicer }

    /// What was set right.
    package var counts: RepairCounts { splicer.counts }

    /// Whether an answer of this door's dialect calls tools.
    package static func hasCalls(_ body: ByteSlice, at door: AnswerDoor) -> Bool {
        do throws(JSONFailure) {
            switch door {
            case .chat: return try hasChatCalls(body)
            case .messages: return try hasMessagesCalls(body)
            case .responses: return try hasResponsesCalls(body)
            case .completions: return false
            }
        } catch { return false }
    }

    /// Appends the answer as it is to leave. - Returns: false if it is to leave as it came; then
    /// nothing was appended.
    package mutating func mend(_ body: ByteSlice, at door: AnswerDoor, into out: inout ByteBuffer)
        -> Bool
    {
        do throws(JSONFailure) {
            switch door {
            case .chat: try mendChat(body)
            case .messages: try mendMessages(body)
            case .responses: try mendResponses(body)
            case .completions: break
            }
        } catch { return false }
        guard !edits.isEmpty else { return false }
        edits.append(body, to: &out)
        return true
    }

    /// Looks at the call in `object`, which stands at `range`, and puts it right there. A call that is
    /// beyond repair is written by `text`, which gets what is left of it.
    mutating func place(
        _ object: ByteSlice, at range: Range<Int>, _ spans: CallSpans, _ spelling: CallSpelling,
        text: (ByteSlice, inout ByteBuffer) -> Void
    ) {
        written.removeAll()
        switch splicer.splice(object, spans, spelling, into: &written) {
        case .kept: hasCalls = true
        case .changed:
            hasCalls = true
            let changed = written.slice
            edits.replace(range) { $0.append(changed) }
        case .text:
            hasTexts = true
            let left = written.slice
            edits.replace(range) { text(left, &$0) }
        }
    }
}

extension JSONScanner {
    /// The spans of the members of the object at hand that a call may have; `names` lists id, name,
    /// arguments and type in this order. - Returns: nothing of a call for any other value.
    mutating func callSpans(in names: JSONNames) throws(JSONFailure) -> CallSpans {
        var spans = CallSpans()
        guard comesObject else {
            try value()
            return spans
        }
        try beginObject()
        while let name = try nextName(in: names) {
            let value = try value()
            switch name.index {
            case 0: spans.id = value
            case 1: spans.name = value
            case 2: spans.arguments = value
            default: spans.hasType = value.kind == .string
            }
        }
        return spans
    }
}
