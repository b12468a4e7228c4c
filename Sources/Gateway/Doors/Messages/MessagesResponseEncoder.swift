// MessagesResponseEncoder.swift — a whole answer in the words of Anthropic's Messages.
// Pure. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum MessagesResponseEncoder {
    /// Appends the answer's body. Of several choices the first is told: the dialect has one.
    package static func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        var id = ByteBuffer()
        response.id.withUnsafeBytes { appendID(ByteSlice($0), context.requestID, to: &id) }
        let choice = response.choices.first ?? ModelResponse.Choice()
        buffer.writeJSON { json in
            json.beginObject()
            json.field(MessagesWire.id, id.slice)
            json.field(MessagesWire.type, MessagesWire.message)
            json.field(MessagesWire.role, MessagesWire.Role.assistant)
            json.key(MessagesWire.model)
            response.model.withUnsafeBytes {
                json.value($0.isEmpty ? context.requestedModel : ByteSlice($0))
            }
            json.beginArray(MessagesWire.content)
            var count = 0
            for part in choice.parts { write(part, context, &count, &json) }
            json.endArray()
            writeStop(choice.reason, choice.stopSequence, &json)
            write(response.usage ?? Usage(), &json)
            json.endObject()
        }
    }

    /// Appends the answer to a request to count tokens.
    package static func encode(countOfTokens tokens: Int, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            json.beginObject()
            json.field(MessagesWire.inputTokens, tokens)
            json.endObject()
        }
    }

    private static func write(
        _ part: ModelResponse.Part, _ context: AnswerContext, _ count: inout Int,
        _ json: inout JSONWriter
    ) {
        typealias Word = MessagesWire.Block
        part.text.withUnsafeBytes { bytes in
            let text = ByteSlice(bytes)
            switch part.kind {
            case .image: return
            case .text, .refusal:
                if text.isEmpty { return }
                begin(Word.text, &json)
                json.field(MessagesWire.text, text)
            case .reasoning:
                begin(Word.thinking, &json)
                json.field(MessagesWire.thinking, text)
                let signature = part.signature ?? []
                signature.withUnsafeBytes {
                    json.field(
                        MessagesWire.signature,
                        $0.isEmpty ? ByteSlice(MessagesWire.unsigned) : ByteSlice($0))
                }
            case .redactedReasoning:
                begin(Word.redactedThinking, &json)
                json.field(MessagesWire.data, text)
            case .toolCall(let isCustom):
                begin(Word.toolUse, &json)
                let id = part.id.withUnsafeBytes { callID(ByteSlice($0), context.requestID, count) }
                id.withUnsafeBytes { json.field(MessagesWire.id, ByteSlice($0)) }
                part.name.withUnsafeBytes { json.field(MessagesWire.name, ByteSlice($0)) }
                writeInput(text, isCustom: isCustom, &json)
            }
            json.endObject()
            count += 1
        }
    }

    private static func begin(_ type: StaticString, _ json: inout JSONWriter) {
        json.beginObject()
        json.field(MessagesWire.type, type)
    }

    /// Arguments must be an object: what is none goes under a name of its own.
    private static func writeInput(
        _ text: ByteSlice, isCustom: Bool, _ json: inout JSONWriter
    ) {
        json.key(MessagesWire.input)
        if !isCustom, (try? JSONScanner.validate(text)) == .object { return json.raw(text) }
        json.beginObject()
        if isCustom {
            json.field(MessagesWire.input, text)
        } else if !text.trimmed.isEmpty {
            json.field(MessagesWire.rawInput, text)
        }
        json.endObject()
    }

    /// Appends the provider's id where it is of this dialect, else one made of the request's.
    static func appendID(_ id: ByteSlice, _ requestID: ByteSlice, to buffer: inout ByteBuffer) {
        if id.hasPrefix(MessagesWire.messageIDPrefix) { return buffer.append(id) }
        buffer.append(MessagesWire.messageIDPrefix)
        appendPlain(requestID, to: &buffer)
    }

    /// A call's id as the provider gave it, or one made of the request's id and the call's place.
    static func callID(_ id: ByteSlice, _ requestID: ByteSlice, _ place: Int) -> [UInt8] {
        guard id.isEmpty else { return Array(id.raw) }
        var made = ByteBuffer()
        made.append(MessagesWire.callIDPrefix)
        appendPlain(requestID, to: &made)
        made.append(UInt8(ascii: "_"))
        made.append(decimal: place)
        return made.array
    }

    private static func appendPlain(_ text: ByteSlice, to buffer: inout ByteBuffer) {
        for index in 0..<text.count where ASCII.isLetter(text[index]) || ASCII.isDigit(text[index])
        {
            buffer.append(text[index])
        }
    }

    static func writeStop(
        _ reason: FinishReason, _ stopSequence: [UInt8]?, _ json: inout JSONWriter
    ) {
        typealias Word = MessagesWire.Stop
        let word =
            switch reason {
            case .stop: stopSequence == nil ? Word.endTurn : Word.stopSequence
            case .length: Word.maxTokens
            case .toolCalls: Word.toolUse
            case .contentFilter: Word.refusal
            case .other: Word.endTurn
            }
        json.field(MessagesWire.stopReason, word)
        if reason == .stop, let stopSequence {
            stopSequence.withUnsafeBytes { json.field(MessagesWire.stopSequence, ByteSlice($0)) }
        } else {
            json.null(MessagesWire.stopSequence)
        }
    }

    /// Writes the member `usage`. This dialect's input leaves out what the cache gave and took.
    static func write(_ usage: Usage, _ json: inout JSONWriter) {
        json.beginObject(MessagesWire.usage)
        json.field(
            MessagesWire.inputTokens,
            max(0, usage.inputTokens - usage.cachedTokens - usage.cacheWriteTokens))
        json.field(MessagesWire.cacheCreationTokens, usage.cacheWriteTokens)
        json.field(MessagesWire.cacheReadTokens, usage.cachedTokens)
        json.field(MessagesWire.outputTokens, usage.outputTokens)
        json.endObject()
    }
}
