// CompletionAnswerWriter.swift — what stream and whole answer of the completions door share.
// Pure. Only the completion encoders use it.

import GatewayModel
import GatewayWire
import ReactorCore

enum CompletionAnswerWriter {
    /// The answer's id: the request's, with another beginning.
    static func appendID(of context: AnswerContext, to buffer: inout ByteBuffer) {
        buffer.append("cmpl-" as StaticString)
        buffer.append(jsonEscaping: OpenAIAnswer.bareID(of: context))
    }

    static func word(_ reason: FinishReason) -> StaticString {
        switch reason {
        // No call can be told here; and clients know three words.
        case .stop, .other, .toolCalls: ChatWire.stop
        case .length: ChatWire.length
        case .contentFilter: ChatWire.contentFilter
        }
    }
}
