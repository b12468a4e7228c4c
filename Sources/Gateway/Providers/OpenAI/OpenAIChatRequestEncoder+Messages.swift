// OpenAIChatRequestEncoder+Messages.swift — the conversation, in the words of the chat dialect.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension OpenAIChatRequestEncoder {
    /// Stands in a tool's message whose result follows as an image.
    private static let mediaFollows: StaticString = "The result is attached to the next message."

    mutating func writeMessages(to json: inout JSONWriter) {
        // Media in results of tools: the dialect takes text only there, so that they follow in a
        // user's message, behind the last of the results that belong together.
        var owed: [(message: Int, part: Int)] = []
        for (index, message) in request.messages.enumerated() {
            if message.role != .tool { payMedia(&owed, to: &json) }
            switch message.role {
            case .system: writePlain(message, at: index, as: ChatWire.system, to: &json)
            case .developer:
                let knows = !isSambaNova && !quirks.contains(.systemForDeveloper)
                writePlain(
                    message, at: index, as: knows ? ChatWire.developer : ChatWire.system,
                    to: &json)
            case .user: writePlain(message, at: index, as: ChatWire.user, to: &json)
            case .assistant: writeAssistant(message, at: index, to: &json)
            case .tool: writeResult(message, at: index, &owed, to: &json)
            }
        }
        payMedia(&owed, to: &json)
    }

    private mutating func payMedia(
        _ owed: inout [(message: Int, part: Int)], to json: inout JSONWriter
    ) {
        guard !owed.isEmpty else { return }
        json.beginObject()
        json.field(ChatWire.role, ChatWire.user)
        json.beginArray(ChatWire.content)
        for debt in owed {
            let part = request.parts[debt.part]
            let first = request.messages[debt.message].parts.lowerBound
            write(part, at: Place(message: debt.message, part: debt.part - first), to: &json)
        }
        json.endArray()
        json.endObject()
        owed.removeAll()
    }

    // MARK: Roles

    private mutating func writePlain(
        _ message: Message, at index: Int, as role: StaticString, to json: inout JSONWriter
    ) {
        json.beginObject()
        json.field(ChatWire.role, role)
        if let name = message.name { json.field(ChatWire.name, name) }
        json.key(ChatWire.content)
        let parts = request.parts(of: message)
        if let text = loneText(parts) {
            json.value(text)
        } else if isBare, message.role != .user, parts.allSatisfy(\.isText) {
            writeJoined(parts, to: &json)
        } else {
            json.beginArray()
            for (number, part) in parts.enumerated() {
                let place = Place(message: index, part: number)
                if message.role != .user, !part.isText {
                    refuse("This part of a \(message.role) message", at: place.text)
                } else {
                    write(part, at: place, to: &json)
                }
            }
            json.endArray()
        }
        json.endObject()
    }

    private var isBare: Bool { isSambaNova || quirks.contains(.bareMessages) }

    /// Several texts as one, a blank line between them: instructions are a string there.
    private func writeJoined(_ parts: ArraySlice<ContentPart>, to json: inout JSONWriter) {
        json.string { buffer in
            for (number, part) in parts.enumerated() {
                guard case .text(let text) = part.content else { continue }
                if number > 0 { buffer.append("\\n\\n" as StaticString) }
                buffer.append(jsonEscaping: text)
            }
        }
    }

    /// The text of a message that is nothing but one text without a mark, which every server takes
    /// as a string.
    private func loneText(_ parts: ArraySlice<ContentPart>) -> ByteSlice? {
        guard let part = parts.first else { return .empty }
        guard parts.count == 1, case .text(let text) = part.content else { return nil }
        let isMarked = part.cacheControl != nil && quirks.contains(.cacheControl)
        return isMarked ? nil : text
    }

    private mutating func writeAssistant(
        _ message: Message, at index: Int, to json: inout JSONWriter
    ) {
        let parts = request.parts(of: message)
        json.beginObject()
        json.field(ChatWire.role, ChatWire.assistant)
        if let name = message.name { json.field(ChatWire.name, name) }
        writeSpoken(parts, at: index, to: &json)
        writeThoughts(parts, to: &json)
        if parts.contains(where: { $0.call != nil }) {
            json.beginArray(ChatWire.toolCalls)
            for part in parts {
                if let call = part.call { write(call, to: &json) }
            }
            json.endArray()
        }
        json.endObject()
    }

    /// Content and refusal.
    private mutating func writeSpoken(
        _ parts: ArraySlice<ContentPart>, at index: Int, to json: inout JSONWriter
    ) {
        var lone: ByteSlice?
        var count = 0
        var hasCalls = false
        var refusal: ByteSlice?
        for (number, part) in parts.enumerated() {
            switch part.content {
            case .text(let text):
                count += 1
                lone = text
            case .foreign(.chat, _): count += 2
            case .refusal(let text): refusal = text
            case .toolCall: hasCalls = true
            case .reasoning: break
            case .image, .audio, .file, .foreign:
                refuse(
                    "This part of an assistant's message",
                    at: Place(message: index, part: number).text)
            }
        }
        if let refusal { json.field(ChatWire.refusal, refusal) }
        json.key(ChatWire.content)
        if count == 1, let lone {
            json.value(lone)
        } else if count == 0 {
            if hasCalls || refusal != nil { json.null() } else { json.value("" as StaticString) }
        } else {
            json.beginArray()
            for (number, part) in parts.enumerated() {
                switch part.content {
                case .text, .foreign:
                    write(part, at: Place(message: index, part: number), to: &json)
                default: break
                }
            }
            json.endArray()
        }
        for part in parts where count == 1 && part.isText && part.cacheControl != nil {
            drop(.cacheControl)
        }
    }

    private mutating func writeThoughts(
        _ parts: ArraySlice<ContentPart>, to json: inout JSONWriter
    ) {
        let thoughts = parts.compactMap { part -> Reasoning? in
            if case .reasoning(let reasoning) = part.content { reasoning } else { nil }
        }
        guard !thoughts.isEmpty else { return }
        guard quirks.contains(.reasoningHistory) else { return drop(.reasoningHistory) }
        json.key(ChatWire.reasoningContent)
        json.string { buffer in
            for thought in thoughts { buffer.append(jsonEscaping: thought.text) }
        }
    }

    private mutating func write(_ call: ToolCall, to json: inout JSONWriter) {
        json.beginObject()
        json.field(ChatWire.id, call.id)
        let word = call.isCustom ? ChatWire.custom : ChatWire.function
        json.field(ChatWire.type, word)
        json.beginObject(word)
        json.field(ChatWire.name, call.name)
        json.key(call.isCustom ? ChatWire.input : ChatWire.arguments)
        switch call.arguments {
        case .text(let text): json.value(text)
        case .value(let value):
            var text = ByteBuffer()
            text.writeJSON { $0.value(value) }
            json.value(text.slice)
        }
        json.endObject()
        if let signature = call.signature {
            if quirks.contains(.thoughtSignatures) {
                json.beginObject(ChatWire.extraContent)
                json.beginObject(ChatWire.google)
                json.field(ChatWire.thoughtSignature, signature)
                json.endObject()
                json.endObject()
            } else {
                drop(.reasoningHistory)
            }
        }
        json.endObject()
    }

    private mutating func writeResult(
        _ message: Message, at index: Int, _ owed: inout [(message: Int, part: Int)],
        to json: inout JSONWriter
    ) {
        json.beginObject()
        json.field(ChatWire.role, ChatWire.tool)
        json.field(ChatWire.toolCallID, message.result?.callID ?? .empty)
        json.key(ChatWire.content)
        let parts = request.parts(of: message)
        if let text = loneText(parts) {
            json.value(text)
        } else if parts.contains(where: \.isText) {
            json.beginArray()
            for (number, part) in parts.enumerated() where part.isText {
                write(part, at: Place(message: index, part: number), to: &json)
            }
            json.endArray()
        } else {
            json.value(Self.mediaFollows)
        }
        json.endObject()
        for place in message.parts where !request.parts[place].isText {
            owed.append((index, place))
        }
    }

    // MARK: Parts

    /// Where a part stands, for failures.
    private struct Place {
        var message: Int
        var part: Int

        var text: String { "messages[\(message)].content[\(part)]" }
    }

    private mutating func write(
        _ part: ContentPart, at place: Place, to json: inout JSONWriter
    ) {
        switch part.content {
        case .text(let text):
            json.beginObject()
            json.field(ChatWire.type, ChatWire.text)
            json.field(ChatWire.text, text)
        case .image(let media):
            guard writeImage(media, to: &json) else { return refuse("This image", at: place.text) }
        case .audio(let media):
            guard writeAudio(media, to: &json) else { return refuse("This sound", at: place.text) }
        case .file(let media):
            guard writeFile(media, to: &json) else { return refuse("This file", at: place.text) }
        case .foreign(.chat, let value): return json.value(value)
        case .reasoning, .toolCall, .refusal, .foreign:
            return refuse("This part", at: place.text)
        }
        write(cacheControl: part.cacheControl, to: &json)
        json.endObject()
    }

    /// Begins the part's object, like the two below. - Returns: false, nothing written, if the
    /// dialect cannot say it.
    private mutating func writeImage(_ media: Media, to json: inout JSONWriter) -> Bool {
        switch media.source {
        case .data, .url: break
        case .fileID, .text: return false
        }
        json.beginObject()
        json.field(ChatWire.type, ChatWire.imageURL)
        json.beginObject(ChatWire.imageURL)
        json.key(ChatWire.url)
        switch media.source {
        case .data(let data): Self.write(data, type: media.mediaType, "image/png", to: &json)
        case .url(let text), .fileID(let text), .text(let text): json.value(text)
        }
        if let detail = media.detail {
            if !isBare, !quirks.contains(.thoughtSignatures) {
                json.field(ChatWire.detail, detail)
            } else if !(detail == ChatWire.auto) {
                drop(.imageDetail)
            }
        }
        json.endObject()
        return true
    }

    private func writeAudio(_ media: Media, to json: inout JSONWriter) -> Bool {
        guard case .data(let data) = media.source else { return false }
        if isSambaNova {
            json.beginObject()
            json.field(ChatWire.type, ChatWire.audioContent)
            json.beginObject(ChatWire.audioContent)
            json.key(ChatWire.content)
            Self.write(data, type: media.mediaType, "audio/wav", to: &json)
            json.endObject()
            return true
        }
        guard let format = Self.audioFormat(media.mediaType) else { return false }
        json.beginObject()
        json.field(ChatWire.type, ChatWire.inputAudio)
        json.beginObject(ChatWire.inputAudio)
        json.field(ChatWire.data, data)
        json.field(ChatWire.format, format)
        json.endObject()
        return true
    }

    private func writeFile(_ media: Media, to json: inout JSONWriter) -> Bool {
        switch media.source {
        case .text(let text):
            json.beginObject()
            json.field(ChatWire.type, ChatWire.text)
            json.field(ChatWire.text, text)
            return true
        case .url: return false
        case .data, .fileID: if isSambaNova { return false }
        }
        json.beginObject()
        json.field(ChatWire.type, ChatWire.file)
        json.beginObject(ChatWire.file)
        if case .fileID(let id) = media.source { json.field(ChatWire.fileID, id) }
        if case .data(let data) = media.source {
            if let name = media.name { json.field(ChatWire.filename, name) }
            json.key(ChatWire.fileData)
            Self.write(data, type: media.mediaType, "application/pdf", to: &json)
        }
        json.endObject()
        return true
    }

    /// A `data:` URL.
    private static func write(
        _ data: ByteSlice, type: ByteSlice, _ usual: StaticString, to json: inout JSONWriter
    ) {
        json.string { buffer in
            buffer.append("data:" as StaticString)
            buffer.append(jsonEscaping: type.isEmpty ? ByteSlice(usual) : type)
            buffer.append(";base64," as StaticString)
            buffer.append(jsonEscaping: data)
        }
    }

    private static func audioFormat(_ type: ByteSlice) -> StaticString? {
        if type == "audio/wav" || type == "audio/x-wav" || type == "audio/wave" { return "wav" }
        return type == "audio/mpeg" || type == "audio/mp3" ? "mp3" : nil
    }
}

extension ContentPart {
    fileprivate var isText: Bool { if case .text = content { true } else { false } }

    fileprivate var call: ToolCall? {
        if case .toolCall(let call) = content { call } else { nil }
    }
}
