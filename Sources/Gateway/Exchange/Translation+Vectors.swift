// Translation+Vectors.swift — answers with vectors on the translate lane: from the provider's words
// into the door's.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import ReactorCore

/// What is known of an answer with vectors before it comes.
package struct VectorPlan {
    let codec: EmbeddingCodec
    let inputCount: Int
    let format: EmbeddingRequest.Format
    /// Tokens of the inputs by their size: told where the provider counts none.
    let tokensEstimated: Int

    package init(_ codec: EmbeddingCodec, for request: EmbeddingRequest) {
        self.codec = codec
        inputCount = request.inputs.count
        format = request.format
        tokensEstimated = TokenEstimate.inputTokens(of: request)
    }
}

extension Translation {
    /// Appends the provider's `answer` in the door's words.
    /// - Throws: why it is none.
    package func encodeVectors(
        _ answer: ByteSlice, _ plan: VectorPlan, _ context: ProviderContext,
        _ answerContext: AnswerContext, to buffer: inout ByteBuffer
    ) throws(Failure) {
        var response = try plan.codec.decode(answer, inputCount: plan.inputCount, context)
        if response.usage == nil {
            var usage = Usage()
            usage.inputTokens = plan.tokensEstimated
            usage.totalTokens = plan.tokensEstimated
            response.usage = usage
            isEstimate = true
        }
        usage = response.usage
        EmbeddingResponseEncoder.encode(response, as: plan.format, answerContext, to: &buffer)
    }
}
