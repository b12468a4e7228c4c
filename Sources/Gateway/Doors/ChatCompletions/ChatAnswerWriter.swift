// ChatAnswerWriter.swift — what stream and whole answer of the chat door share: ids and words.
// Pure. Only the chat encoders use it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum ChatAnswerWriter {
    private static let idPrefix: StaticString = "chatcmpl-"

    /// The answer's id: the request's, with another beginning.
    static func appendID(of context: AnswerContext, to buffer: inout ByteBuffer) {
        buffer.append(idPrefix)
        buffer.append(jsonEscaping: OpenAIAnswer.bareID(of: context))
    }

    /// An id for a call that has none, unlike every other of this answer and of others.
    static func callID(_ answerID: ByteSlice, choice: Int, call: Int) -> ByteBuffer {
        var id = ByteBuffer()
        id.append("call_" as StaticString)
        let known = idPrefix.utf8CodeUnitCount
        id.append(answerID.count > known ? answerID.dropFirst(known) : answerID)
        id.append("_" as StaticString)
        id.append(decimal: choice)
        id.append("_" as StaticString)
        id.append(decimal: call)
        return id
    }

    static func word(_ reason: FinishReason) -> StaticString {
        switch reason {
        // A reason that no dialect knows: clients know five words.
        case .stop, .other: ChatWire.stop
        case .length: ChatWire.length
        case .toolCalls: ChatWire.toolCalls
        case .contentFilter: ChatWire.contentFilter
        }
    }

    /// `extra_content`, as Gemini's servers write it in this dialect.
    static func write(thoughtSignature: ByteSlice, to json: inout JSONWriter) {
        json.beginObject(ChatWire.extraContent)
        json.beginObject(ChatWire.google)
        json.field(ChatWire.thoughtSignature, thoughtSignature)
        json.endObject()
        json.endObject()
    }

    /// An image, as servers with image models write it in this dialect.
    static func write(image data: ByteSlice, type: ByteSlice, to json: inout JSONWriter) {
        json.beginObject()
        json.field(ChatWire.type, ChatWire.imageURL)
        json.beginObject(ChatWire.imageURL)
        json.key(ChatWire.url)
        json.string { buffer in
            buffer.append("data:" as StaticString)
            buffer.append(jsonEscaping: type)
            buffer.append(";base64," as StaticString)
            buffer.append(jsonEscaping: data)
        }
        json.endObject()
        json.endObject()
    }
}
