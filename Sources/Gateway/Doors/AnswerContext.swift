// AnswerContext.swift — what a door's encoder must know to write an answer.
// Pure; borrows from the exchange. Imported by every encoder and by Exchange.

import GatewayModel
import ReactorCore

/// The frame of one answer.
package struct AnswerContext {
    /// The request's id; ids of answers are made of it.
    package var requestID: ByteSlice
    /// The model as the caller named it: told where the provider tells none.
    package var requestedModel: ByteSlice
    /// Seconds since 1970 when the answer began: told where the provider tells none.
    package var createdSeconds: Int
    /// Whether a stream ends with its usage.
    package var wantsUsage: Bool
    /// The name of the provider that answers.
    package var provider = ByteSlice.empty
    /// The chat door's id of the answer, where it has one already; else it is made of the request's.
    package var answerID: ByteSlice?
    /// What an answer at the responses door repeats of its request.
    package var echo: ResponsesEcho?
    /// Names of tools that are told in two words, at the responses door.
    package var namespaces: ToolNamespaces?
    /// What every choice of a text completion begins with: the prompt, where it is to be echoed.
    package var echoedPrompt = ByteSlice.empty

    package init(
        requestID: ByteSlice, requestedModel: ByteSlice, createdSeconds: Int, wantsUsage: Bool
    ) {
        self.requestID = requestID
        self.requestedModel = requestedModel
        self.createdSeconds = createdSeconds
        self.wantsUsage = wantsUsage
    }
}
