// AnswerSplice+Messages.swift — the calls of a message of Anthropic's dialect, whose arguments are JSON
// among JSON. A call beyond repair is a block of text.

import GatewayCodec
import GatewayTools
import GatewayWire
import ReactorCore

extension AnswerSplice {
    private static let names = JSONNames(MessagesWire.content, MessagesWire.stopReason)
    private static let blockNames = JSONNames(
        MessagesWire.id, MessagesWire.name, MessagesWire.input, MessagesWire.type)
    private static let typeNames = JSONNames(MessagesWire.type)

    private static let spelling = CallSpelling(
        id: MessagesWire.id, idPrefix: MessagesWire.callIDPrefix, name: MessagesWire.name,
        arguments: MessagesWire.input, argumentsAreText: false)

    static func hasMessagesCalls(_ body: ByteSlice) throws(JSONFailure) -> Bool {
        for block in try message(body).blocks where try isMessagesCall(body[block]) { return true }
        return false
    }

    mutating func mendMessages(_ body: ByteSlice) throws(JSONFailure) {
        let (blocks, reason) = try Self.message(body)
        for block in blocks where try Self.isMessagesCall(body[block]) {
            var scanner = JSONScanner(body[block])
            let spans = try scanner.callSpans(in: Self.blockNames)
            place(body[block], at: block, spans, Self.spelling) { text, out in
                Self.appendText(text, to: &out)
            }
        }
        guard hasTexts, !hasCalls, let reason, reason.kind == .string,
            body[reason.inside] == MessagesWire.Stop.toolUse
        else { return }
        edits.replace(reason.range) { $0.append(jsonString: ByteSlice(MessagesWire.Stop.endTurn)) }
    }

    /// A block of text.
    static func appendText(_ text: ByteSlice, to out: inout ByteBuffer) {
        out.writeJSON { json in
            json.beginObject()
            json.field(MessagesWire.type, MessagesWire.Block.text)
            json.field(MessagesWire.text, text)
            json.endObject()
        }
    }

    /// The blocks that are objects, and why the answer ended.
    private static func message(
        _ body: ByteSlice
    ) throws(JSONFailure) -> (blocks: [Range<Int>], reason: JSONSpan?) {
        var blocks: [Range<Int>] = []
        var reason: JSONSpan?
        var scanner = JSONScanner(body)
        guard scanner.comesObject else { return ([], nil) }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names) {
            guard name.index == 0, scanner.comesArray else {
                let value = try scanner.value()
                if name.index == 1 { reason = value }
                continue
            }
            try scanner.beginArray()
            while try scanner.nextElement() {
                let value = try scanner.value()
                if value.kind == .object { blocks.append(value.range) }
            }
        }
        return (blocks, reason)
    }

    /// Whether a block is a call of a tool of the client's.
    static func isMessagesCall(_ block: ByteSlice) throws(JSONFailure) -> Bool {
        var scanner = JSONScanner(block)
        var isCall = false
        try scanner.beginObject()
        while try scanner.nextName(in: typeNames) != nil {
            let value = try scanner.value()
            isCall = value.kind == .string && block[value.inside] == MessagesWire.Block.toolUse
        }
        return isCall
    }
}
