// OpenAIAnswer.swift — what the answers of all doors that speak OpenAI's dialects share.
// Pure. Only the encoders of those doors use it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum OpenAIAnswer {
    /// The request's id without its beginning: answers' ids put another one before it.
    static func bareID(of context: AnswerContext) -> ByteSlice {
        let id = context.requestID
        return id.hasPrefix("req_") ? id.dropFirst(4) : id
    }

    static func write(_ usage: Usage, to json: inout JSONWriter) {
        json.beginObject()
        json.field(ChatWire.promptTokens, usage.inputTokens)
        json.field(ChatWire.completionTokens, usage.outputTokens)
        let sum = usage.inputTokens &+ usage.outputTokens
        json.field(ChatWire.totalTokens, usage.totalTokens == 0 ? sum : usage.totalTokens)
        json.beginObject(ChatWire.promptTokensDetails)
        json.field(ChatWire.cachedTokens, usage.cachedTokens)
        if usage.cacheWriteTokens > 0 {
            json.field(ChatWire.cacheWriteTokens, usage.cacheWriteTokens)
        }
        json.endObject()
        json.beginObject(ChatWire.completionTokensDetails)
        json.field(ChatWire.reasoningTokens, usage.reasoningTokens)
        json.endObject()
        json.endObject()
    }
}
