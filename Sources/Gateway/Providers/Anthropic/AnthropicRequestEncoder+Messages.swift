// AnthropicRequestEncoder+Messages.swift — instructions, turns and their blocks.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension AnthropicRequestWriter {
    // MARK: Instructions

    /// All instructions in their order, wherever they stand in the conversation.
    func writeSystem(_ json: inout JSONWriter) {
        let isSaid = !plan.hasOnlyInstructions && hasInstructions
        var instruction = ByteBuffer()
        appendInstruction(to: &instruction)
        guard isSaid || !instruction.isEmpty else { return }
        json.beginArray(MessagesWire.system)
        if isSaid { writeInstructions(&json) }
        if !instruction.isEmpty { writeText(instruction.slice, nil, &json) }
        json.endArray()
    }

    private var hasInstructions: Bool {
        for message in request.messages where message.role.isInstruction {
            if hasWrittenPart(message) { return true }
        }
        return false
    }

    /// By index, here and below: a slice or a closure would count references for each message.
    private func hasWrittenPart(_ message: Message) -> Bool {
        for index in message.parts where isWritten(request.parts[index]) { return true }
        return false
    }

    private func writeInstructions(_ json: inout JSONWriter) {
        for message in request.messages where message.role.isInstruction {
            for index in message.parts where isWritten(request.parts[index]) {
                write(request.parts[index], &json)
            }
        }
    }

    private func appendInstruction(to buffer: inout ByteBuffer) {
        guard case .instruction(let schema) = plan.output else { return }
        buffer.append(
            "Answer with one JSON object and nothing else: no words around it, no code fence."
                as StaticString)
        guard let schema else { return }
        buffer.append(" It must satisfy this JSON Schema: " as StaticString)
        buffer.writeJSON { $0.value(schema) }
    }

    // MARK: Turns

    /// Messages of one side that follow one another are one turn. What answers calls comes first
    /// in it, as the dialect demands.
    func writeMessages(_ json: inout JSONWriter) {
        json.beginArray(MessagesWire.messages)
        if plan.hasOnlyInstructions {
            json.beginObject()
            json.field(MessagesWire.role, MessagesWire.Role.user)
            json.beginArray(MessagesWire.content)
            writeInstructions(&json)
            json.endArray()
            json.endObject()
        }
        let messages = request.messages
        var start = 0
        while start < messages.count {
            guard !messages[start].role.isInstruction else {
                start += 1
                continue
            }
            let isAssistant = messages[start].role == .assistant
            var end = start
            while end < messages.count,
                messages[end].role.isInstruction
                    || (messages[end].role == .assistant) == isAssistant
            {
                end += 1
            }
            writeTurn(start..<end, isAssistant: isAssistant, &json)
            start = end
        }
        json.endArray()
    }

    private func writeTurn(_ range: Range<Int>, isAssistant: Bool, _ json: inout JSONWriter) {
        guard hasContent(range) else { return }
        json.beginObject()
        json.field(
            MessagesWire.role,
            isAssistant ? MessagesWire.Role.assistant : MessagesWire.Role.user)
        json.beginArray(MessagesWire.content)
        for place in range where request.messages[place].role == .tool {
            writeResult(request.messages[place], &json)
        }
        let isLast = range.upperBound == request.messages.count
        for place in range {
            let message = request.messages[place]
            if message.role == .tool || message.role.isInstruction { continue }
            for index in message.parts where isWritten(request.parts[index]) {
                if isLast, isAssistant, plan.hasPrefill, index == lastText {
                    writeTrimmed(request.parts[index], &json)
                } else {
                    write(request.parts[index], &json)
                }
            }
        }
        json.endArray()
        json.endObject()
    }

    private func hasContent(_ range: Range<Int>) -> Bool {
        for place in range where !request.messages[place].role.isInstruction {
            let message = request.messages[place]
            if message.role == .tool || hasWrittenPart(message) { return true }
        }
        return false
    }

    /// The place of the last text, behind which no white space may stand where it ends all.
    private var lastText: Int? {
        request.prefill.map { request.messages[$0].parts }?.last { index in
            if case .text = request.parts[index].content {
                isWritten(request.parts[index])
            } else {
                false
            }
        }
    }

    private func writeTrimmed(_ part: ContentPart, _ json: inout JSONWriter) {
        guard case .text(let text) = part.content else { return write(part, &json) }
        writeText(text.trimmedEnd, part.cacheControl, &json)
    }

    private func writeResult(_ message: Message, _ json: inout JSONWriter) {
        guard let result = message.result else { return }
        let parts = request.parts(of: message).filter { isWritten($0) }
        json.beginObject()
        json.field(MessagesWire.type, MessagesWire.Block.toolResult)
        writeID(MessagesWire.toolUseID, result.callID, &json)
        if parts.count == 1, case .text(let text) = parts[0].content,
            parts[0].cacheControl == nil
        {
            json.field(MessagesWire.content, text)
        } else if !parts.isEmpty {
            json.beginArray(MessagesWire.content)
            for part in parts { write(part, &json) }
            json.endArray()
        }
        if result.isError { json.field(MessagesWire.isError, true) }
        json.endObject()
    }

    // MARK: Blocks

    /// Whether anything is to be written for a part: the dialect refuses a text of nothing.
    private func isWritten(_ part: ContentPart) -> Bool {
        switch part.content {
        case .text(let text), .refusal(let text): !text.isBlank
        case .reasoning(let reasoning): reasoning.canBeReplayed
        case .image, .audio, .file, .toolCall, .foreign: true
        }
    }

    private func write(_ part: ContentPart, _ json: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text): writeText(text, part.cacheControl, &json)
        case .image(let media), .file(let media): write(media, part, &json)
        case .reasoning(let reasoning): write(reasoning, &json)
        case .toolCall(let call):
            json.beginObject()
            json.field(MessagesWire.type, MessagesWire.Block.toolUse)
            writeID(MessagesWire.id, call.id, &json)
            json.field(MessagesWire.name, call.name)
            json.key(MessagesWire.input)
            writeInput(call, &json)
            endBlock(part.cacheControl, &json)
        case .foreign(_, let value): json.value(value)
        case .audio: preconditionFailure("audio is refused before anything is written")
        }
    }

    private func writeText(_ text: ByteSlice, _ mark: JSONValue?, _ json: inout JSONWriter) {
        json.beginObject()
        json.field(MessagesWire.type, MessagesWire.Block.text)
        json.field(MessagesWire.text, text)
        endBlock(mark, &json)
    }

    private func write(_ reasoning: Reasoning, _ json: inout JSONWriter) {
        json.beginObject()
        if let redacted = reasoning.redacted, !redacted.isEmpty {
            json.field(MessagesWire.type, MessagesWire.Block.redactedThinking)
            json.field(MessagesWire.data, redacted)
        } else {
            json.field(MessagesWire.type, MessagesWire.Block.thinking)
            json.field(MessagesWire.thinking, reasoning.text)
            json.field(MessagesWire.signature, reasoning.signature ?? .empty)
        }
        json.endObject()
    }

    private func write(_ media: Media, _ part: ContentPart, _ json: inout JSONWriter) {
        typealias Word = MessagesWire.Source
        let isImage = part.isImage
        json.beginObject()
        json.field(
            MessagesWire.type,
            isImage ? MessagesWire.Block.image : MessagesWire.Block.document)
        json.beginObject(MessagesWire.source)
        switch media.source {
        case .data(let data) where !isImage && media.isPlainText:
            var text = ByteBuffer()
            _ = Base64.standard.decode(data, into: &text)
            json.field(MessagesWire.type, Word.text)
            json.field(MessagesWire.mediaType, "text/plain")
            json.field(MessagesWire.data, text.slice)
        case .data(let data):
            json.field(MessagesWire.type, Word.base64)
            let type = media.mediaType
            json.field(
                MessagesWire.mediaType,
                type.isEmpty ? ByteSlice(isImage ? "image/png" : "application/pdf") : type)
            json.field(MessagesWire.data, data)
        case .url(let url):
            json.field(MessagesWire.type, Word.url)
            json.field(MessagesWire.url, url)
        case .fileID(let id):
            json.field(MessagesWire.type, Word.file)
            json.field(MessagesWire.fileID, id)
        case .text(let text):
            json.field(MessagesWire.type, Word.text)
            json.field(MessagesWire.mediaType, "text/plain")
            json.field(MessagesWire.data, text)
        }
        json.endObject()
        if !isImage, let name = media.name, !name.isEmpty { json.field(MessagesWire.title, name) }
        endBlock(part.cacheControl, &json)
    }

    private func endBlock(_ mark: JSONValue?, _ json: inout JSONWriter) {
        if let mark { json.field(MessagesWire.cacheControl, mark) }
        json.endObject()
    }
}

extension ContentPart {
    /// Whether it is shown as an image: a file of an image's type is one, too.
    var isImage: Bool {
        switch content {
        case .image: true
        case .file(let media): media.mediaType.hasPrefix("image/")
        default: false
        }
    }
}
