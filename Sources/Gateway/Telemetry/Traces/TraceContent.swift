// TraceContent.swift — prompts and answers as exporters may show them: bounded, pictures and other
// long data left out. Pure. Called by Exchange where an exporter asked for content, and nowhere else.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Writes content as JSON.
package enum TraceContent {
    /// Bytes of a prompt or an answer that are kept; of a longer one the beginning is.
    package static let bytesMax = 64 * 1024
    /// A run of so many characters of base64 is data that nobody reads.
    static let dataBytesMin = 512

    // MARK: As it was written

    /// Appends `json`, which is valid, without the data in it. What is too long becomes a string that
    /// holds its beginning.
    package static func append(json: ByteSlice, to buffer: inout ByteBuffer) {
        let start = buffer.count
        appendEliding(json, until: start + bytesMax + 1, to: &buffer)
        guard buffer.count - start > bytesMax else { return }
        var text = ByteBuffer()
        text.append(buffer.slice.dropFirst(start))
        buffer.truncate(to: start)
        appendCut(text.slice, to: &buffer)
    }

    /// Appends `text` as a JSON string, cut behind a whole character.
    package static func append(text: ByteSlice, to buffer: inout ByteBuffer) {
        guard text.count > bytesMax else { return buffer.append(jsonString: text) }
        appendCut(text, to: &buffer)
    }

    private static func appendCut(_ text: ByteSlice, to buffer: inout ByteBuffer) {
        var end = min(text.count, bytesMax)
        // Not within a character of several bytes.
        while end > 0, end < text.count, text[end] & 0xC0 == 0x80 { end -= 1 }
        buffer.append(ASCII.quote)
        buffer.append(jsonEscaping: text.prefix(end))
        buffer.append(" [cut]\"" as StaticString)
    }

    /// Looks at one byte of a run's length, nearly always: before what is no data there no run can have
    /// begun.
    private static func appendEliding(
        _ json: ByteSlice, until end: Int, to buffer: inout ByteBuffer
    ) {
        var kept = 0
        // Where a run could begin.
        var from = 0
        while from + dataBytesMin <= json.count {
            // What follows would be cut.
            if buffer.count + from - kept >= end { return buffer.append(json[kept..<from]) }
            var place = from + dataBytesMin - 1
            while place >= from, isData(json[place]) { place -= 1 }
            guard place < from else {
                from = place + 1
                continue
            }
            var behind = from + dataBytesMin
            while behind < json.count, isData(json[behind]) { behind += 1 }
            guard behind < json.count else { break }
            buffer.append(json[kept..<from])
            appendElision(of: behind - from, to: &buffer)
            kept = behind
            from = behind + 1
        }
        buffer.append(json.dropFirst(kept))
    }

    private static func isData(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }

    private static func appendElision(of count: Int, to buffer: inout ByteBuffer) {
        buffer.append("[" as StaticString)
        buffer.append(decimal: count)
        buffer.append(" characters of data]" as StaticString)
    }

    // MARK: As a chat message

    /// Appends an answer's message as `append(message:)` would, without reading it into anything, where
    /// it is the usual one: an assistant's text, and nothing else but what is null or empty.
    /// - Returns: false if it is not; nothing is appended then.
    package static func append(plain message: ByteSlice, to buffer: inout ByteBuffer) -> Bool {
        guard message.count <= bytesMax, let text = text(ofPlain: message) else { return false }
        buffer.append("{\"role\":\"assistant\",\"content\":" as StaticString)
        buffer.append(text)
        buffer.append(ASCII.closeBrace)
        return true
    }

    /// The text of such a message as it stands, quotes included.
    private static func text(ofPlain message: ByteSlice) -> ByteSlice? {
        var scanner = JSONScanner(message)
        var text: ByteSlice?
        do throws(JSONFailure) {
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                let name = scanner.bytes(member.key.range)
                switch member.value.kind {
                case .string where name == "role" && text == nil: break
                case .string where name == "content" && text == nil:
                    text = scanner.bytes(member.value.range)
                case .null where !(name == "content"): break
                case .array where scanner.bytes(member.value.range) == "[]": break
                default: return nil
                }
            }
        } catch {
            return nil
        }
        return text
    }

    /// Appends an answer as chat messages are written: one, or an array of one for each choice.
    package static func append(message response: ModelResponse, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            if response.choices.count == 1 { return write(response.choices[0], &json) }
            json.beginArray()
            for choice in response.choices { write(choice, &json) }
            json.endArray()
        }
    }

    private static func write(_ choice: ModelResponse.Choice, _ json: inout JSONWriter) {
        json.beginObject()
        json.field("role", "assistant")
        joined(choice, .text, "content", &json)
        joined(choice, .reasoning, "reasoning_content", &json)
        joined(choice, .refusal, "refusal", &json)
        let calls = choice.parts.filter { $0.isCall }
        if !calls.isEmpty {
            json.beginArray("tool_calls")
            for call in calls {
                json.beginObject()
                text(call.id, "id", &json)
                json.field("type", "function")
                json.beginObject("function")
                text(call.name, "name", &json)
                text(call.text, "arguments", &json)
                json.endObject()
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    /// The text of all parts of a kind; nothing where there is none, but for `content`.
    private static func joined(
        _ choice: ModelResponse.Choice, _ kind: ModelResponse.Part.Kind, _ name: StaticString,
        _ json: inout JSONWriter
    ) {
        var whole: [UInt8] = []
        var isThere = false
        for part in choice.parts where part.kind == kind {
            whole += part.text
            isThere = true
        }
        if isThere {
            text(whole, name, &json)
        } else if kind == .text {
            json.null(name)
        }
    }

    private static func text(
        _ bytes: [UInt8], _ name: StaticString, _ json: inout JSONWriter
    ) {
        bytes.withUnsafeBytes { json.field(name, ByteSlice($0).prefix(min($0.count, bytesMax))) }
    }

    // MARK: In the form of the GenAI conventions

    /// Appends an answer as `gen_ai.output.messages` has it.
    package static func append(parts response: ModelResponse, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            json.beginArray()
            for choice in response.choices {
                json.beginObject()
                json.field("role", "assistant")
                json.beginArray("parts")
                for part in choice.parts { write(part, &json) }
                json.endArray()
                json.field("finish_reason", choice.reason.name)
                json.endObject()
            }
            json.endArray()
        }
    }

    private static func write(_ part: ModelResponse.Part, _ json: inout JSONWriter) {
        json.beginObject()
        switch part.kind {
        case .text, .refusal:
            json.field("type", "text")
            text(part.text, "content", &json)
        case .reasoning, .redactedReasoning:
            json.field("type", "reasoning")
            text(part.kind == .reasoning ? part.text : [], "content", &json)
        case .toolCall:
            json.field("type", "tool_call")
            text(part.id, "id", &json)
            text(part.name, "name", &json)
            text(part.text, "arguments", &json)
        case .image:
            json.field("type", "blob")
            text(part.name, "mime_type", &json)
            json.field("modality", "image")
        }
        json.endObject()
    }

    /// Appends a request as `gen_ai.input.messages` has it.
    package static func append(parts request: ModelRequest, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            json.beginArray()
            var left = bytesMax
            for message in request.messages where left > 0 {
                json.beginObject()
                json.field("role", name(of: message.role))
                json.beginArray("parts")
                for part in request.parts(of: message) {
                    write(part.content, answering: message.result, &left, &json)
                }
                json.endArray()
                json.endObject()
            }
            json.endArray()
        }
    }

    private static func name(of role: Message.Role) -> StaticString {
        switch role {
        case .system, .developer: "system"
        case .user: "user"
        case .assistant: "assistant"
        case .tool: "tool"
        }
    }

    private static func write(
        _ content: ContentPart.Content, answering result: ToolResult?, _ left: inout Int,
        _ json: inout JSONWriter
    ) {
        json.beginObject()
        switch content {
        case .text(let text), .refusal(let text):
            if let result {
                json.field("type", "tool_call_response")
                json.field("id", result.callID)
                json.field("response", bounded(text, &left))
            } else {
                json.field("type", "text")
                json.field("content", bounded(text, &left))
            }
        case .image(let media): write(media, "image", &left, &json)
        case .audio(let media): write(media, "audio", &left, &json)
        case .file(let media): write(media, "document", &left, &json)
        case .reasoning(let reasoning):
            json.field("type", "reasoning")
            json.field("content", bounded(reasoning.text, &left))
        case .toolCall(let call):
            json.field("type", "tool_call")
            json.field("id", call.id)
            json.field("name", call.name)
            switch call.arguments {
            case .text(let text): json.field("arguments", bounded(text, &left))
            case .value(let value): json.field("arguments", value)
            }
        case .foreign:
            json.field("type", "other")
        }
        json.endObject()
    }

    /// Where it is, but never the data itself.
    private static func write(
        _ media: Media, _ modality: StaticString, _ left: inout Int, _ json: inout JSONWriter
    ) {
        switch media.source {
        case .data(let data):
            json.field("type", "blob")
            json.field("bytes", data.count / 4 * 3)
        case .url(let url):
            json.field("type", "uri")
            json.field("uri", bounded(url, &left))
        case .fileID(let id):
            json.field("type", "file")
            json.field("file_id", id)
        case .text(let text):
            json.field("type", "text")
            json.field("content", bounded(text, &left))
        }
        if !media.mediaType.isEmpty { json.field("mime_type", media.mediaType) }
        json.field("modality", modality)
    }

    /// What still has room of `text`, cut behind a whole character.
    private static func bounded(_ text: ByteSlice, _ left: inout Int) -> ByteSlice {
        var end = min(text.count, left)
        while end > 0, end < text.count, text[end] & 0xC0 == 0x80 { end -= 1 }
        left -= end
        return text.prefix(end)
    }
}

extension ModelResponse.Part {
    fileprivate var isCall: Bool {
        if case .toolCall = kind { return true }
        return false
    }
}
