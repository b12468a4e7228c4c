// ChatMessageDecoder.swift — the messages of a chat request, and that calls and results go together.
// Pure; borrows the tree. Only ChatRequestDecoder uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Reads messages in their order.
struct ChatMessageDecoder {
    private var request: ModelRequest
    /// Ids of the calls whose results are due, those that came removed.
    private var due: [ByteSlice] = []
    /// The ids of all calls of the last turn that called.
    private var called: [ByteSlice] = []
    /// The name of the last legacy call, which has no id.
    private static let functionID: StaticString = "call_function"

    static func decode(
        _ fields: RequestFields, into request: inout ModelRequest
    ) throws(Failure) {
        guard let messages = try fields.array(ChatWire.messages) else {
            throw fields.at(ChatWire.messages).missing
        }
        guard messages.count > 0 else {
            throw fields.at(ChatWire.messages).invalid("must not be empty")
        }
        // Moved in and out: to copy a request is dear.
        var decoder = ChatMessageDecoder(request: ModelRequest())
        swap(&decoder.request, &request)
        decoder.request.messages.reserveCapacity(messages.count)
        decoder.request.parts.reserveCapacity(messages.count)
        for (index, value) in messages.elements.enumerated() {
            let place = fields.at(ChatWire.messages).element(index)
            try decoder.read(try RequestFields(value, at: place), at: place)
        }
        try decoder.closeCalls(before: fields.at(ChatWire.messages).element(messages.count - 1))
        swap(&decoder.request, &request)
    }

    private mutating func read(_ message: RequestFields, at place: RequestPlace) throws(Failure) {
        let role = try message.requiredString(ChatWire.role)
        let name = try message.string(ChatWire.name)
        if role == ChatWire.tool { return try readResult(message) }
        if role == ChatWire.function { return try readFunctionResult(message) }
        try closeCalls(before: place)
        if role == ChatWire.user {
            try readPlain(.user, message, name)
        } else if role == ChatWire.assistant {
            try readAssistant(message, name)
        } else if role == ChatWire.system {
            try readPlain(.system, message, name)
        } else if role == ChatWire.developer {
            try readPlain(.developer, message, name)
        } else {
            throw message.at(ChatWire.role).invalid(
                "must be 'system', 'developer', 'user', 'assistant', 'tool' or 'function'")
        }
    }

    /// A message that is nothing but its content.
    private mutating func readPlain(
        _ role: Message.Role, _ message: RequestFields, _ name: ByteSlice?
    ) throws(Failure) {
        // The form of nearly all, without an array of its own.
        if let text = message[ChatWire.content]?.string {
            request.append(role, ContentPart(.text(text)), name: name)
        } else {
            request.append(role, try readContent(message), name: name)
        }
    }

    // MARK: Calls and results

    private mutating func closeCalls(before place: RequestPlace) throws(Failure) {
        guard let id = due.first else { return }
        throw Failure(
            .invalidParameter,
            "Every tool call must be answered by a message with the role 'tool' before the next "
                + "message: there is none for '\(id.prefix(min(id.count, 64)).string)'.",
            parameter: place.text)
    }

    private mutating func answer(_ id: ByteSlice, at place: RequestPlace) throws(Failure) {
        guard called.contains(where: { $0 == id }) else {
            throw place.invalid("answers no call of the assistant's message before it")
        }
        if let index = due.firstIndex(where: { $0 == id }) { due.remove(at: index) }
    }

    private mutating func readResult(_ message: RequestFields) throws(Failure) {
        let id = try message.requiredString(ChatWire.toolCallID)
        try answer(id, at: message.at(ChatWire.toolCallID))
        request.append(
            .tool, try readContent(message),
            result: ToolResult(callID: id, name: try message.string(ChatWire.name)))
    }

    private mutating func readFunctionResult(_ message: RequestFields) throws(Failure) {
        let name = try message.requiredString(ChatWire.name)
        let id = ByteSlice(Self.functionID)
        try answer(id, at: message.at(ChatWire.role))
        let parts = message[ChatWire.content] == nil ? [] : try readContent(message)
        request.append(.tool, parts, result: ToolResult(callID: id, name: name))
    }

    // MARK: The assistant

    private mutating func readAssistant(
        _ message: RequestFields, _ name: ByteSlice?
    ) throws(Failure) {
        var parts = try readThoughts(message)
        if message[ChatWire.content] != nil { parts += try readContent(message) }
        if let refusal = try message.string(ChatWire.refusal) {
            parts.append(ContentPart(.refusal(refusal)))
        }
        due = []
        called = []
        if let calls = try message.array(ChatWire.toolCalls) {
            for (index, value) in calls.elements.enumerated() {
                let place = message.at(ChatWire.toolCalls).element(index)
                let call = try readCall(try RequestFields(value, at: place))
                due.append(call.id)
                parts.append(ContentPart(.toolCall(call)))
            }
        }
        if let function = try message.object(ChatWire.functionCall) {
            let call = ToolCall(
                id: ByteSlice(Self.functionID), name: try function.requiredString(ChatWire.name),
                arguments: try readArguments(function, ChatWire.arguments))
            due.append(call.id)
            parts.append(ContentPart(.toolCall(call)))
        }
        called = due
        request.append(.assistant, parts, name: name)
    }

    /// Our own extension: thoughts of an answer given back.
    private func readThoughts(_ message: RequestFields) throws(Failure) -> [ContentPart] {
        var parts: [ContentPart] = []
        let text = message[ChatWire.reasoningContent]?.string ?? message[ChatWire.reasoning]?.string
        var signature = try message.string(ChatWire.reasoningSignature)
        if signature == nil { signature = try message.string(ChatWire.signature) }
        if text != nil || signature != nil {
            parts.append(
                ContentPart(.reasoning(Reasoning(text: text ?? .empty, signature: signature))))
        }
        if let redacted = try message.string(ChatWire.reasoningRedacted) {
            parts.append(ContentPart(.reasoning(Reasoning(text: .empty, redacted: redacted))))
        }
        return parts
    }

    private func readCall(_ call: RequestFields) throws(Failure) -> ToolCall {
        let id = try call.requiredString(ChatWire.id)
        let type = try call.string(ChatWire.type)
        let isCustom = type.map { $0 == ChatWire.custom } ?? false
        if let type, !isCustom, type != ByteSlice(ChatWire.function) {
            throw call.at(ChatWire.type).invalid("must be 'function' or 'custom'")
        }
        let inner = try call.requiredObject(isCustom ? ChatWire.custom : ChatWire.function)
        let google = try call.object(ChatWire.extraContent)?.object(ChatWire.google)
        return ToolCall(
            id: id, name: try inner.requiredString(ChatWire.name),
            arguments: try readArguments(inner, isCustom ? ChatWire.input : ChatWire.arguments),
            isCustom: isCustom, signature: try google?.string(ChatWire.thoughtSignature))
    }

    /// Arguments as a string; an object, which some clients write, is taken, too.
    private func readArguments(
        _ fields: RequestFields, _ name: StaticString
    ) throws(Failure) -> ToolCall.Arguments {
        if let value = fields[name], value.kind == .object { return .value(value) }
        return .text(try fields.string(name) ?? .empty)
    }

    // MARK: Content

    private func readContent(_ message: RequestFields) throws(Failure) -> [ContentPart] {
        let place = message.at(ChatWire.content)
        guard let content = message[ChatWire.content] else { throw place.missing }
        if let text = content.string { return [ContentPart(.text(text))] }
        guard content.kind == .array else {
            throw place.invalid("must be a string or an array of parts")
        }
        var parts: [ContentPart] = []
        for (index, value) in content.elements.enumerated() {
            let fields = try RequestFields(value, at: place.element(index))
            parts.append(
                ContentPart(try readPart(fields), cacheControl: fields[ChatWire.cacheControl]))
        }
        return parts
    }

    private func readPart(_ part: RequestFields) throws(Failure) -> ContentPart.Content {
        let type = try part.requiredString(ChatWire.type)
        if type == ChatWire.text { return .text(try part.requiredString(ChatWire.text)) }
        if type == ChatWire.refusal { return .refusal(try part.requiredString(ChatWire.refusal)) }
        if type == ChatWire.imageURL {
            // Some clients write the URL itself.
            if let url = part[ChatWire.imageURL]?.string { return .image(Self.media(url, nil)) }
            let image = try part.requiredObject(ChatWire.imageURL)
            return .image(
                Self.media(
                    try image.requiredString(ChatWire.url), try image.string(ChatWire.detail)))
        }
        if type == ChatWire.inputAudio {
            let audio = try part.requiredObject(ChatWire.inputAudio)
            let format = try audio.requiredString(ChatWire.format)
            let type: StaticString
            if format == "wav" {
                type = "audio/wav"
            } else if format == "mp3" {
                type = "audio/mpeg"
            } else {
                throw audio.at(ChatWire.format).invalid("must be 'wav' or 'mp3'")
            }
            return .audio(
                Media(
                    .data(try audio.requiredString(ChatWire.data)), mediaType: ByteSlice(type)))
        }
        if type == ChatWire.file { return .file(try readFile(part)) }
        return .foreign(.chat, part.value)
    }

    private func readFile(_ part: RequestFields) throws(Failure) -> Media {
        let file = try part.requiredObject(ChatWire.file)
        let name = try file.string(ChatWire.filename)
        if let id = try file.string(ChatWire.fileID) {
            return Media(.fileID(id), mediaType: .empty, name: name)
        }
        let data = try file.requiredString(ChatWire.fileData)
        return Media(dataURL: data, name: name) ?? Media(.data(data), mediaType: .empty, name: name)
    }

    private static func media(_ url: ByteSlice, _ detail: ByteSlice?) -> Media {
        Media(dataURL: url, detail: detail) ?? Media(.url(url), mediaType: .empty, detail: detail)
    }
}
