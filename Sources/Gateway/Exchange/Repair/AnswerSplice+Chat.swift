// AnswerSplice+Chat.swift — the calls of a chat completion. A call beyond repair moves into the text of
// its message, which is written anew, member by member.

import GatewayCodec
import GatewayTools
import GatewayWire
import ReactorCore

extension AnswerSplice {
    private static let names = JSONNames(ChatWire.choices)
    private static let choiceNames = JSONNames(ChatWire.message, ChatWire.finishReason)
    private static let messageNames = JSONNames(
        ChatWire.toolCalls, ChatWire.functionCall, ChatWire.content)
    private static let callNames = JSONNames(
        ChatWire.id, ChatWire.type, ChatWire.function, ChatWire.custom)
    private static let functionNames = JSONNames(
        ChatWire.id, ChatWire.name, ChatWire.arguments, ChatWire.type)
    private static let customNames = JSONNames(
        ChatWire.id, ChatWire.name, ChatWire.input, ChatWire.type)

    private static let function = CallSpelling(
        id: ChatWire.id, name: ChatWire.name, arguments: ChatWire.arguments,
        type: (ChatWire.type, ChatWire.function), inner: ChatWire.function)
    private static let custom = CallSpelling(
        id: ChatWire.id, name: ChatWire.name, arguments: ChatWire.input,
        type: (ChatWire.type, ChatWire.custom), inner: ChatWire.custom, isCustom: true)
    /// The one call of old.
    private static let legacy = CallSpelling(
        name: ChatWire.name, arguments: ChatWire.arguments)

    /// A choice's members, by their places in the body.
    private struct Choice {
        var message: Range<Int>?
        var reason: JSONSpan?
    }

    private static func choices(of body: ByteSlice) throws(JSONFailure) -> [Choice] {
        var found: [Choice] = []
        var scanner = JSONScanner(body)
        guard scanner.comesObject else { return [] }
        try scanner.beginObject()
        while try scanner.nextName(in: names) != nil {
            guard scanner.comesArray else {
                try scanner.value()
                continue
            }
            try scanner.beginArray()
            while try scanner.nextElement() {
                guard scanner.comesObject else {
                    try scanner.value()
                    continue
                }
                var choice = Choice()
                try scanner.beginObject()
                while let name = try scanner.nextName(in: choiceNames) {
                    let value = try scanner.value()
                    if name.index == 1 {
                        choice.reason = value
                    } else if value.kind == .object {
                        choice.message = value.range
                    }
                }
                found.append(choice)
            }
        }
        return found
    }

    static func hasChatCalls(_ body: ByteSlice) throws(JSONFailure) -> Bool {
        for choice in try choices(of: body) {
            guard let message = choice.message else { continue }
            var scanner = JSONScanner(body[message])
            try scanner.beginObject()
            while let name = try scanner.nextName(in: messageNames) {
                let value = try scanner.value()
                if name.index < 2, value.kind == .array || value.kind == .object,
                    value.range.count > 2
                {
                    return true
                }
            }
        }
        return false
    }

    mutating func mendChat(_ body: ByteSlice) throws(JSONFailure) {
        for choice in try Self.choices(of: body) {
            guard let message = choice.message else { continue }
            hasCalls = false
            var chosen = ChatMessageCalls(body[message])
            try chosen.find(&self)
            if chosen.texts.isEmpty {
                for call in chosen.changed {
                    let start = message.lowerBound + call.range.lowerBound
                    edits.replace(start..<start + call.range.count) {
                        $0.append(chosen.memory.slice[call.written])
                    }
                }
                continue
            }
            let rewritten = try chosen.rewritten()
            edits.replace(message) { $0.append(rewritten.slice) }
            guard !hasCalls, let reason = choice.reason, reason.kind == .string else { continue }
            let word = body[reason.inside]
            if word == ChatWire.toolCalls || word == ChatWire.functionCall {
                edits.replace(reason.range) { $0.append(jsonString: ByteSlice(ChatWire.stop)) }
            }
        }
    }

    /// The calls of one message.
    private struct ChatMessageCalls: ~Copyable {
        struct Changed {
            /// In the message.
            var range: Range<Int>
            /// In `memory`.
            var written: Range<Int>
        }

        let message: ByteSlice
        var memory = ByteBuffer()
        var changed: [Changed] = []
        /// Calls that became text.
        var texts: [Changed] = []

        init(_ message: ByteSlice) { self.message = message }

        mutating func find(_ splice: inout AnswerSplice) throws(JSONFailure) {
            var scanner = JSONScanner(message)
            try scanner.beginObject()
            while let name = try scanner.nextName(in: messageNames) {
                if name.index == 0, scanner.comesArray {
                    try scanner.beginArray()
                    while try scanner.nextElement() {
                        let value = try scanner.value()
                        guard value.kind == .object else { continue }
                        try take(call: value.range, &splice)
                    }
                    continue
                }
                let value = try scanner.value()
                guard name.index == 1, value.kind == .object else { continue }
                var inner = JSONScanner(message[value.range])
                let spans = try inner.callSpans(in: functionNames)
                take(value.range, spans, legacy, &splice)
            }
        }

        private mutating func take(
            call range: Range<Int>, _ splice: inout AnswerSplice
        ) throws(JSONFailure) {
            var scanner = JSONScanner(message[range])
            var spans = CallSpans()
            var spelling = function
            try scanner.beginObject()
            while let name = try scanner.nextName(in: callNames) {
                let value = try scanner.value()
                switch name.index {
                case 0: spans.id = value
                case 1: spans.hasType = value.kind == .string
                default:
                    guard value.kind == .object else { continue }
                    if name.index == 3 { spelling = custom }
                    var inner = JSONScanner(message[range][value.range])
                    let found = try inner.callSpans(
                        in: name.index == 3 ? customNames : functionNames)
                    spans.inner = value.range
                    spans.name = found.name?.moved(by: value.range.lowerBound)
                    spans.arguments = found.arguments?.moved(by: value.range.lowerBound)
                }
            }
            take(range, spans, spelling, &splice)
        }

        private mutating func take(
            _ range: Range<Int>, _ spans: CallSpans, _ spelling: CallSpelling,
            _ splice: inout AnswerSplice
        ) {
            let start = memory.count
            switch splice.splicer.splice(message[range], spans, spelling, into: &memory) {
            case .kept: splice.hasCalls = true
            case .changed:
                splice.hasCalls = true
                changed.append(Changed(range: range, written: start..<memory.count))
            case .text:
                splice.hasTexts = true
                texts.append(Changed(range: range, written: start..<memory.count))
            }
        }

        /// The message with the calls that became text in its content.
        func rewritten() throws(JSONFailure) -> ByteBuffer {
            var out = ByteBuffer()
            var hasContent = false
            var plain = ByteBuffer()
            out.append(ASCII.openBrace)
            var scanner = JSONScanner(message)
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                let key = message[member.key.range]
                plain.removeAll()
                plain.append(jsonUnescaping: key)
                let name = plain.slice
                let value = member.value
                let start = out.count
                if out.count > 1 { out.append(ASCII.comma) }
                out.append(ASCII.quote)
                out.append(key)
                out.append("\":" as StaticString)
                if name == ChatWire.content {
                    hasContent = true
                    appendContent(value, to: &out)
                } else if name == ChatWire.toolCalls, value.kind == .array {
                    // A member without a call would be one that this dialect does not know.
                    if try !appendCalls(value.range, to: &out) { out.truncate(to: start) }
                } else if name == ChatWire.functionCall, isText(value.range) {
                    out.truncate(to: start)
                } else {
                    append(value.range, to: &out)
                }
            }
            if !hasContent {
                if out.count > 1 { out.append(ASCII.comma) }
                out.append(jsonString: ByteSlice(ChatWire.content))
                out.append(ASCII.colon)
                out.append(ASCII.quote)
                appendTexts(isFirst: true, to: &out)
                out.append(ASCII.quote)
            }
            out.append(ASCII.closeBrace)
            return out
        }

        private func isText(_ range: Range<Int>) -> Bool { texts.contains { $0.range == range } }

        /// A value as it is to leave.
        private func append(_ range: Range<Int>, to out: inout ByteBuffer) {
            guard let call = changed.first(where: { $0.range == range }) else {
                return out.append(message[range])
            }
            out.append(memory.slice[call.written])
        }

        /// - Returns: whether there was a call left.
        private func appendCalls(
            _ range: Range<Int>, to out: inout ByteBuffer
        ) throws(JSONFailure) -> Bool {
            var isEmpty = true
            var scanner = JSONScanner(message[range])
            try scanner.beginArray()
            while try scanner.nextElement() {
                let element = try scanner.value().moved(by: range.lowerBound).range
                if isText(element) { continue }
                out.append(isEmpty ? ASCII.openBracket : ASCII.comma)
                isEmpty = false
                append(element, to: &out)
            }
            if !isEmpty { out.append(ASCII.closeBracket) }
            return !isEmpty
        }

        /// The text there was, and behind it what is left of the calls.
        private func appendContent(_ content: JSONSpan, to out: inout ByteBuffer) {
            if content.kind == .array {
                let inside = message[content.inside].trimmed
                out.append(ASCII.openBracket)
                out.append(inside)
                out.append(inside.isEmpty ? "" : "," as StaticString)
                out.append("{\"type\":\"text\",\"text\":\"" as StaticString)
                appendTexts(isFirst: true, to: &out)
                out.append("\"}]" as StaticString)
                return
            }
            let text = content.kind == .string ? message[content.inside] : .empty
            out.append(ASCII.quote)
            out.append(text)
            appendTexts(isFirst: text.isEmpty, to: &out)
            out.append(ASCII.quote)
        }

        private func appendTexts(isFirst: Bool, to out: inout ByteBuffer) {
            var isFirst = isFirst
            for text in texts {
                if !isFirst { out.append("\\n" as StaticString) }
                isFirst = false
                out.append(jsonEscaping: memory.slice[text.written])
            }
        }
    }
}
