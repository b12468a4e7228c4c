// AnswerSplice+Responses.swift — the calls of a response of OpenAI's newer dialect. A call beyond repair
// is a message.

import GatewayCodec
import GatewayTools
import GatewayWire
import ReactorCore

extension AnswerSplice {
    private static let names = JSONNames(ResponsesWire.output)
    private static let callNames = JSONNames(
        ResponsesWire.callID, ResponsesWire.name, ResponsesWire.arguments, ResponsesWire.type)
    static let customCallNames = JSONNames(
        ResponsesWire.callID, ResponsesWire.name, ResponsesWire.input, ResponsesWire.type)
    private static let idNames = JSONNames(ResponsesWire.id)
    private static let typeNames = JSONNames(ResponsesWire.type)

    private static let function = CallSpelling(
        id: ResponsesWire.callID, name: ResponsesWire.name, arguments: ResponsesWire.arguments)
    private static let custom = CallSpelling(
        id: ResponsesWire.callID, name: ResponsesWire.name, arguments: ResponsesWire.input,
        isCustom: true)

    /// Which kind of call an item is.
    enum ResponsesCall { case function, custom }

    static func hasResponsesCalls(_ body: ByteSlice) throws(JSONFailure) -> Bool {
        for item in try outputItems(of: body) where try kind(of: body[item]) != nil { return true }
        return false
    }

    mutating func mendResponses(_ body: ByteSlice) throws(JSONFailure) {
        for item in try Self.outputItems(of: body) { try mend(item: item, of: body) }
    }

    /// Looks at one item of an answer's output.
    mutating func mend(item range: Range<Int>, of body: ByteSlice) throws(JSONFailure) {
        let item = body[range]
        guard let kind = try Self.kind(of: item) else { return }
        let (names, spelling) =
            kind == .function
            ? (Self.callNames, Self.function) : (Self.customCallNames, Self.custom)
        var scanner = JSONScanner(item)
        let spans = try scanner.callSpans(in: names)
        let id = try Self.id(of: item)
        place(item, at: range, spans, spelling) { text, out in
            Self.appendMessage(text, id: id, to: &out)
        }
    }

    /// The items, whatever they are: their places count.
    static func outputItems(of response: ByteSlice) throws(JSONFailure) -> [Range<Int>] {
        var items: [Range<Int>] = []
        var scanner = JSONScanner(response)
        guard scanner.comesObject else { return [] }
        try scanner.beginObject()
        while try scanner.nextName(in: names) != nil {
            guard scanner.comesArray else {
                try scanner.value()
                continue
            }
            try scanner.beginArray()
            while try scanner.nextElement() { items.append(try scanner.value().range) }
        }
        return items
    }

    /// Nil: it is no call of a tool of the client's.
    static func kind(of item: ByteSlice) throws(JSONFailure) -> ResponsesCall? {
        var scanner = JSONScanner(item)
        var kind: ResponsesCall?
        guard scanner.comesObject else { return nil }
        try scanner.beginObject()
        while try scanner.nextName(in: typeNames) != nil {
            let value = try scanner.value()
            guard value.kind == .string else { continue }
            let word = item[value.inside]
            kind =
                word == ResponsesWire.Item.functionCall
                ? .function : word == ResponsesWire.Item.customCall ? .custom : nil
        }
        return kind
    }

    /// The value of an item's own id as it stands; an empty string if there is none.
    static func id(of item: ByteSlice) throws(JSONFailure) -> ByteSlice {
        var scanner = JSONScanner(item)
        var id = ByteSlice("\"\"" as StaticString)
        try scanner.beginObject()
        while try scanner.nextName(in: idNames) != nil {
            let value = try scanner.value()
            if value.kind == .string { id = item[value.range] }
        }
        return id
    }

    /// Appends a message of `text` as an item; `id` is a JSON string.
    static func appendMessage(
        _ text: ByteSlice, id: ByteSlice, to out: inout ByteBuffer
    ) {
        out.writeJSON { json in
            json.beginObject()
            json.key(ResponsesWire.id)
            json.raw(id)
            json.field(ResponsesWire.type, ResponsesWire.Item.message)
            json.field(ResponsesWire.status, ResponsesWire.Status.completed)
            json.field(ResponsesWire.role, ResponsesWire.Role.assistant)
            json.beginArray(ResponsesWire.content)
            write(part: text, to: &json)
            json.endArray()
            json.endObject()
        }
    }

    /// A message's part.
    static func write(part text: ByteSlice, to json: inout JSONWriter) {
        json.beginObject()
        json.field(ResponsesWire.type, ResponsesWire.Part.outputText)
        json.field(ResponsesWire.text, text)
        json.beginArray(ResponsesWire.annotations)
        json.endArray()
        json.endObject()
    }
}
