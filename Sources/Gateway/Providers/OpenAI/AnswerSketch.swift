// AnswerSketch.swift — what a record of requests tells of an answer that is passed on as it is: its
// id, its model, and where its content stands. Pure; borrows the document. Looks no further than it
// must, so what it read need not be valid behind that. For the dialects that are relayed.

import GatewayCodec
import GatewayWire
import ReactorCore

/// Pieces of an answer, or of an event of one; empty where they are missing.
package struct AnswerSketch {
    /// The insides of strings, escapes as they stand.
    package private(set) var id = ByteSlice.empty
    package private(set) var model = ByteSlice.empty
    /// An array: the answer's choices, output or content.
    package private(set) var content = ByteSlice.empty

    /// The members of an answer; those from `nestIndex` on hold one, in events of Anthropic's
    /// dialect and of the responses'.
    private static let names = JSONNames(
        ChatWire.id, ChatWire.model, ChatWire.choices, ResponsesWire.output, MessagesWire.content,
        MessagesWire.message, ResponsesWire.response)
    private static let nestIndex = 5
    private static let choiceNames = JSONNames(CompletionWire.text)

    /// Reads a document.
    /// - Parameter wantsContent: whether to look for more than the names.
    package init(of document: ByteSlice, wantsContent: Bool = false) {
        var scanner = JSONScanner(document)
        guard scanner.comesObject else { return }
        // What is broken was told elsewhere; here it is the end.
        do throws(JSONFailure) { try read(&scanner, wantsContent, depth: 0) } catch {}
    }

    private mutating func read(
        _ scanner: inout JSONScanner, _ wantsContent: Bool, depth: Int
    ) throws(JSONFailure) {
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            if name.index >= Self.nestIndex, depth == 0, scanner.comesObject {
                try read(&scanner, wantsContent, depth: 1)
            } else {
                let value = try scanner.value()
                switch (name.index, value.kind) {
                case (0, .string): id = scanner.bytes(value.inside)
                case (1, .string): model = scanner.bytes(value.inside)
                case (2...4, .array) where wantsContent: content = scanner.bytes(value.range)
                default: break
                }
            }
            if !id.isEmpty, !model.isEmpty, !wantsContent || !content.isEmpty { return }
        }
    }

    /// Calls `body` with the inside of the text of each choice of a text completion, escapes as they
    /// stand.
    package static func texts(in choices: ByteSlice, _ body: (ByteSlice) -> Void) {
        var scanner = JSONScanner(choices)
        guard scanner.comesArray else { return }
        do throws(JSONFailure) {
            try scanner.beginArray()
            while try scanner.nextElement() {
                guard scanner.comesObject else {
                    try scanner.value()
                    continue
                }
                try scanner.beginObject()
                while try scanner.nextName(in: choiceNames) != nil {
                    let value = try scanner.value()
                    if value.kind == .string { body(scanner.bytes(value.inside)) }
                }
            }
        } catch {}
    }
}
