// CallSplicer.swift — sets right a call that an answer tells as a JSON object, and touches no other byte
// of the object. Pure; knows no dialect: a spelling says what the members are called.
// Used by the splices of whole answers.

import GatewayCodec
import GatewayProviders
import GatewayTools
import ReactorCore

/// How a dialect spells a call.
struct CallSpelling {
    /// The member with the call's id; nil where calls have none.
    var id: StaticString?
    /// How ids begin that are made here.
    var idPrefix: StaticString = "call_"
    var name: StaticString
    var arguments: StaticString
    /// Whether the arguments are a string that holds JSON; else they are the JSON itself.
    var argumentsAreText = true
    /// A member that must be there: its name and value.
    var type: (name: StaticString, value: StaticString)?
    /// The member with the object that has name and arguments; nil: they stand beside the id.
    var inner: StaticString?
    /// Whether the arguments are free text.
    var isCustom = false
}

/// Where an object tells what of a call; places count from its first byte.
struct CallSpans {
    var id: JSONSpan?
    var name: JSONSpan?
    var arguments: JSONSpan?
    var hasType = false
    /// The object with name and arguments, where it is one of its own.
    var inner: Range<Int>?

    /// Whether it says anything that a call says.
    var isCall: Bool { id != nil || name != nil || arguments != nil }
}

/// The calls of one answer, one after the other.
package struct CallSplicer: ~Copyable {
    enum Outcome {
        /// It is as it should be.
        case kept
        /// The whole object was written anew.
        case changed
        /// It is beyond repair; the text was written that is left of it.
        case text
    }

    private var repair: ToolCallRepair
    private let ids: IDSource
    /// Whether a call was spelled otherwise than its dialect has it.
    private var hasForm = false
    private var mended = MendedCall()
    /// The text of strings with escapes, and ids that are drawn.
    private var id = ByteBuffer()
    private var name = ByteBuffer()
    private var arguments = ByteBuffer()

    package init(_ repair: ToolCallRepair, ids: IDSource) {
        self.repair = repair
        self.ids = ids
    }

    var counts: RepairCounts {
        var counts = repair.counts
        if hasForm { counts.count(.form) }
        return counts
    }

    /// Looks at one call. - Parameter out: gets the object as it is to leave, unless it is kept.
    mutating func splice(
        _ object: ByteSlice, _ spans: CallSpans, _ spelling: CallSpelling,
        into out: inout ByteBuffer
    ) -> Outcome {
        guard spans.isCall else { return .kept }
        var given = Self.text(spans.id, object, &id)
        let isDrawn = given.isEmpty
        if isDrawn {
            ids.append(spelling.idPrefix, to: &id)
            given = id.slice
        }
        let text =
            spans.arguments?.kind == .string
            ? Self.text(spans.arguments, object, &arguments) : Self.raw(spans.arguments, object)
        let name = Self.text(spans.name, object, &name)
        repair.mend(
            id: given, name: name, arguments: text, isCustom: spelling.isCustom, into: &mended)
        if mended.isText {
            out.append(mended.arguments.slice)
            return .text
        }
        let isForm = spans.arguments?.kind == (spelling.argumentsAreText ? .string : .object)
        let lacksID = isDrawn && spelling.id != nil
        let lacksType = spelling.type != nil && !spans.hasType
        let hasArguments = isForm && !(mended.hasNewArguments && text.isEmpty)
        if lacksID || lacksType || !spelling.isCustom && !hasArguments { hasForm = true }
        var edits = JSONEdits()
        if lacksID || mended.hasNewID {
            write(spelling.id, .id, over: spans.id, at: 1, &edits)
        }
        if let type = spelling.type, lacksType {
            edits.insert(at: 1) { Self.member(type.name, ByteSlice(type.value), &$0) }
        }
        let isNew = mended.hasNewArguments || !isForm && !spelling.isCustom
        writeInner(spans, spelling, isNew: isNew, &edits)
        guard !edits.isEmpty else { return .kept }
        edits.append(object, to: &out)
        return .changed
    }

    /// What of a mended call is written.
    private enum Piece { case id, name, arguments, json }

    private func writeInner(
        _ spans: CallSpans, _ spelling: CallSpelling, isNew: Bool, _ edits: inout JSONEdits
    ) {
        let json: Piece = spelling.argumentsAreText ? .arguments : .json
        if let inner = spelling.inner, spans.name == nil, spans.arguments == nil {
            // Nothing of it is there, perhaps not even the object.
            let place = spans.inner ?? 1..<1
            return edits.replace(place) { out in
                if spans.inner == nil { Self.key(inner, &out) }
                out.append(ASCII.openBrace)
                Self.key(spelling.name, &out)
                append(.name, to: &out)
                out.append(ASCII.comma)
                Self.key(spelling.arguments, &out)
                append(json, to: &out)
                out.append(ASCII.closeBrace)
                if spans.inner == nil { out.append(ASCII.comma) }
            }
        }
        let start = (spans.inner?.lowerBound ?? 0) + 1
        if mended.hasNewName { write(spelling.name, .name, over: spans.name, at: start, &edits) }
        if isNew { write(spelling.arguments, json, over: spans.arguments, at: start, &edits) }
    }

    /// Puts a piece in the place of `span`, or a member with it in front of the others.
    private func write(
        _ member: StaticString?, _ piece: Piece, over span: JSONSpan?, at start: Int,
        _ edits: inout JSONEdits
    ) {
        if let span {
            edits.replace(span.range) { append(piece, to: &$0) }
        } else if let member {
            edits.insert(at: start) { out in
                Self.key(member, &out)
                append(piece, to: &out)
                out.append(ASCII.comma)
            }
        }
    }

    private func append(_ piece: Piece, to out: inout ByteBuffer) {
        switch piece {
        case .id: out.append(jsonString: mended.id.slice)
        case .name: out.append(jsonString: mended.name.slice)
        case .arguments: out.append(jsonString: mended.arguments.slice)
        case .json: out.append(mended.arguments.slice)
        }
    }

    private static func key(_ name: StaticString, _ out: inout ByteBuffer) {
        out.append(jsonString: ByteSlice(name))
        out.append(ASCII.colon)
    }

    private static func member(
        _ name: StaticString, _ value: ByteSlice, _ out: inout ByteBuffer
    ) {
        key(name, &out)
        out.append(jsonString: value)
        out.append(ASCII.comma)
    }

    /// A string's text: where it stands, or in `memory`; empty for anything else.
    static func text(
        _ span: JSONSpan?, _ bytes: ByteSlice, _ memory: inout ByteBuffer
    ) -> ByteSlice {
        memory.removeAll()
        guard let span, span.kind == .string else { return .empty }
        guard span.hasEscapes else { return bytes[span.inside] }
        memory.append(jsonUnescaping: bytes[span.inside])
        return memory.slice
    }

    /// Any value but null as it stands.
    static func raw(_ span: JSONSpan?, _ bytes: ByteSlice) -> ByteSlice {
        guard let span, span.kind != .null else { return .empty }
        return bytes[span.range]
    }
}
