// ChatResponseEncoder.swift — a whole answer as a chat completion.
// Pure. Imported by AnswerDoor.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum ChatResponseEncoder {
    /// Appends the body of an answer that has not failed.
    package static func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        var id = ByteBuffer()
        ChatAnswerWriter.appendID(of: context, to: &id)
        let answerID = id.slice
        buffer.writeJSON { json in
            json.beginObject()
            json.field(ChatWire.id, answerID)
            json.field(ChatWire.object, ChatWire.completion)
            json.field(ChatWire.created, response.createdSeconds ?? context.createdSeconds)
            if response.model.isEmpty {
                json.field(ChatWire.model, context.requestedModel)
            } else {
                field(ChatWire.model, response.model, &json)
            }
            json.beginArray(ChatWire.choices)
            for (index, choice) in response.choices.enumerated() {
                json.beginObject()
                json.field(ChatWire.index, index)
                json.key(ChatWire.message)
                write(choice, index, answerID, to: &json)
                json.null(ChatWire.logprobs)
                json.field(ChatWire.finishReason, ChatAnswerWriter.word(choice.reason))
                json.endObject()
            }
            json.endArray()
            if let usage = response.usage {
                json.key(ChatWire.usage)
                OpenAIAnswer.write(usage, to: &json)
            }
            json.endObject()
        }
    }

    private static func write(
        _ choice: ModelResponse.Choice, _ index: Int, _ answerID: ByteSlice,
        to json: inout JSONWriter
    ) {
        let parts = choice.parts
        let counts = PartCounts(parts)
        json.beginObject()
        json.field(ChatWire.role, ChatWire.assistant)
        if counts.texts > 0 || (counts.calls == 0 && counts.refusals == 0) {
            texts(.text, ChatWire.content, parts, &json)
        } else {
            json.null(ChatWire.content)
        }
        if counts.refusals > 0 {
            texts(.refusal, ChatWire.refusal, parts, &json)
        } else {
            json.null(ChatWire.refusal)
        }
        if counts.thoughts > 0 { writeThoughts(parts, counts, to: &json) }
        if counts.signedTexts > 0 {
            let signed = parts.last { $0.kind == .text && $0.signature != nil }
            if let signature = signed?.signature {
                slice(signature) { ChatAnswerWriter.write(thoughtSignature: $0, to: &json) }
            }
        }
        if counts.images > 0 { writeImages(parts, to: &json) }
        if counts.calls > 0 {
            json.beginArray(ChatWire.toolCalls)
            for (number, call) in parts.filter({ $0.isCall }).enumerated() {
                let drawn = ChatAnswerWriter.callID(answerID, choice: index, call: number)
                write(call, drawn.slice, to: &json)
            }
            json.endArray()
        }
        json.endObject()
    }

    /// How many parts of each kind there are: most answers have one, of text.
    private struct PartCounts {
        var texts = 0
        var signedTexts = 0
        var refusals = 0
        /// Those to be read and those that are encrypted.
        var thoughts = 0
        var images = 0
        var calls = 0

        init(_ parts: [ModelResponse.Part]) {
            for index in parts.indices {
                switch parts[index].kind {
                case .text:
                    texts += 1
                    if parts[index].signature != nil { signedTexts += 1 }
                case .refusal: refusals += 1
                case .reasoning, .redactedReasoning: thoughts += 1
                case .image: images += 1
                case .toolCall: calls += 1
                }
            }
        }
    }

    private static func writeImages(
        _ parts: [ModelResponse.Part], to json: inout JSONWriter
    ) {
        json.beginArray(ChatWire.images)
        for part in parts where part.kind == .image {
            slice(part.text) { data in
                slice(part.name) {
                    ChatAnswerWriter.write(image: data, type: $0, to: &json)
                }
            }
        }
        json.endArray()
    }

    private static func writeThoughts(
        _ parts: [ModelResponse.Part], _ counts: PartCounts, to json: inout JSONWriter
    ) {
        let thoughts = parts.filter { $0.kind == .reasoning }
        if !thoughts.isEmpty { texts(.reasoning, ChatWire.reasoningContent, parts, &json) }
        // A proof is of one thought: of several, run together here, it would be of none.
        if thoughts.count == 1, let signature = thoughts[0].signature {
            field(ChatWire.reasoningSignature, signature, &json)
        }
        if thoughts.count < counts.thoughts {
            texts(.redactedReasoning, ChatWire.reasoningRedacted, parts, &json)
        }
    }

    private static func write(
        _ call: ModelResponse.Part, _ drawn: ByteSlice, to json: inout JSONWriter
    ) {
        let isCustom = call.kind == .toolCall(isCustom: true)
        let word = isCustom ? ChatWire.custom : ChatWire.function
        json.beginObject()
        if call.id.isEmpty {
            json.field(ChatWire.id, drawn)
        } else {
            field(ChatWire.id, call.id, &json)
        }
        json.field(ChatWire.type, word)
        json.beginObject(word)
        field(ChatWire.name, call.name, &json)
        field(isCustom ? ChatWire.input : ChatWire.arguments, call.text, &json)
        json.endObject()
        if let signature = call.signature {
            slice(signature) { ChatAnswerWriter.write(thoughtSignature: $0, to: &json) }
        }
        json.endObject()
    }

    /// One string of all parts of a kind.
    private static func texts(
        _ kind: ModelResponse.Part.Kind, _ name: StaticString, _ parts: [ModelResponse.Part],
        _ json: inout JSONWriter
    ) {
        json.key(name)
        json.string { buffer in
            for index in parts.indices where parts[index].kind == kind {
                slice(parts[index].text) { buffer.append(jsonEscaping: $0) }
            }
        }
    }

    private static func field(
        _ name: StaticString, _ value: [UInt8], _ json: inout JSONWriter
    ) {
        slice(value) { json.field(name, $0) }
    }

    private static func slice(_ bytes: [UInt8], _ body: (ByteSlice) -> Void) {
        bytes.withUnsafeBytes { body(ByteSlice($0)) }
    }
}

extension ModelResponse.Part {
    fileprivate var isCall: Bool { if case .toolCall = kind { true } else { false } }
}
