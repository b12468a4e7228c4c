// CompletionResponseEncoder.swift — a whole answer as a text completion.
// Pure. Imported by AnswerDoor.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum CompletionResponseEncoder {
    /// Appends the body of an answer that has not failed. Only texts and refusals are told.
    package static func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        var id = ByteBuffer()
        CompletionAnswerWriter.appendID(of: context, to: &id)
        let answerID = id.slice
        buffer.writeJSON { json in
            json.beginObject()
            // Escaped already.
            json.key(ChatWire.id)
            json.string { $0.append(answerID) }
            json.field(ChatWire.object, CompletionWire.completion)
            json.field(ChatWire.created, response.createdSeconds ?? context.createdSeconds)
            json.key(ChatWire.model)
            if response.model.isEmpty {
                json.value(context.requestedModel)
            } else {
                response.model.withUnsafeBytes { json.value(ByteSlice($0)) }
            }
            json.beginArray(ChatWire.choices)
            for (index, choice) in response.choices.enumerated() {
                json.beginObject()
                write(choice, echo: context.echoedPrompt, to: &json)
                json.field(ChatWire.index, index)
                json.null(ChatWire.logprobs)
                json.field(
                    ChatWire.finishReason, CompletionAnswerWriter.word(choice.reason))
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
        _ choice: ModelResponse.Choice, echo: ByteSlice, to json: inout JSONWriter
    ) {
        json.key(CompletionWire.text)
        json.string { buffer in
            buffer.append(jsonEscaping: echo)
            for part in choice.parts where part.kind == .text || part.kind == .refusal {
                part.text.withUnsafeBytes { buffer.append(jsonEscaping: ByteSlice($0)) }
            }
        }
    }
}
