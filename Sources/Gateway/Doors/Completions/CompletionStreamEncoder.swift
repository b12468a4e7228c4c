// CompletionStreamEncoder.swift — events as a stream of text completion chunks.
// Pure; writes whole events of the stream. Imported by AnswerDoor. Invariant: every chunk has the
// same id, model and time, and nothing is written behind the mark or a failure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's encoder.
package struct CompletionStreamEncoder: ~Copyable {
    private struct Choice {
        var hasBegun = false
        /// Whether the open part is one that this dialect can tell.
        var tells = false
    }

    private var answerID = ByteBuffer()
    private var requestedModel = ByteBuffer()
    /// The JSON inside of what every choice begins with.
    private var echo = ByteBuffer()
    private let createdSeconds: Int
    private let wantsUsage: Bool
    /// A chunk up to the inside of `choices`.
    private var head = ByteBuffer()
    private var choices: [Choice] = []
    private var usage: Usage?

    package init(_ context: AnswerContext) {
        CompletionAnswerWriter.appendID(of: context, to: &answerID)
        requestedModel.append(context.requestedModel)
        echo.append(jsonEscaping: context.echoedPrompt)
        createdSeconds = context.createdSeconds
        wantsUsage = context.wantsUsage
    }

    /// Appends what `event` amounts to. A failure is not written here: it is the door's error.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        switch event {
        case .delta(let choice, let text):
            guard choice < choices.count, choices[choice].tells, !text.isEmpty else { return }
            appendHead(to: &buffer)
            buffer.append(jsonEscaping: text)
            appendTail(choice, nil, to: &buffer)
        case .started(let start): begin(start)
        case .partOpened(let choice, let start):
            reach(choice, to: &buffer)
            switch start {
            case .text, .refusal: choices[choice].tells = true
            case .reasoning, .redactedReasoning, .toolCall, .image: choices[choice].tells = false
            }
        case .signature: break
        case .partClosed(let choice):
            if choice < choices.count { choices[choice].tells = false }
        case .finished(let choice, let finish):
            reach(choice, to: &buffer)
            appendHead(to: &buffer)
            appendTail(choice, finish.reason, to: &buffer)
        case .usage(let usage): self.usage = usage
        case .ended:
            if wantsUsage, let usage {
                buffer.append(head.slice)
                buffer.append("],\"usage\":" as StaticString)
                buffer.writeJSON { OpenAIAnswer.write(usage, to: &$0) }
                buffer.append("}\n\n" as StaticString)
            }
            buffer.append(ChatWire.doneEvent)
        case .failed: break
        }
    }

    private mutating func begin(_ start: AnswerStart) {
        head.append("data: {\"id\":\"" as StaticString)
        head.append(answerID.slice)
        head.append("\",\"object\":\"" as StaticString)
        head.append(CompletionWire.completion)
        head.append("\",\"created\":" as StaticString)
        head.append(decimal: start.createdSeconds ?? createdSeconds)
        head.append(",\"model\":" as StaticString)
        head.append(jsonString: start.model.isEmpty ? requestedModel.slice : start.model)
        head.append(",\"choices\":[" as StaticString)
    }

    /// A choice that begins tells the echo first, if there is one.
    private mutating func reach(_ choice: Int, to buffer: inout ByteBuffer) {
        while choices.count <= choice { choices.append(Choice()) }
        guard !choices[choice].hasBegun else { return }
        choices[choice].hasBegun = true
        guard !echo.isEmpty else { return }
        appendHead(to: &buffer)
        buffer.append(echo.slice)
        appendTail(choice, nil, to: &buffer)
    }

    /// A chunk up to its text.
    private func appendHead(to buffer: inout ByteBuffer) {
        buffer.append(head.slice)
        buffer.append("{\"text\":\"" as StaticString)
    }

    private func appendTail(
        _ choice: Int, _ reason: FinishReason?, to buffer: inout ByteBuffer
    ) {
        buffer.append("\",\"index\":" as StaticString)
        buffer.append(decimal: choice)
        buffer.append(",\"logprobs\":null,\"finish_reason\":" as StaticString)
        if let reason {
            buffer.append(ASCII.quote)
            buffer.append(CompletionAnswerWriter.word(reason))
            buffer.append(ASCII.quote)
        } else {
            buffer.append("null" as StaticString)
        }
        buffer.append(wantsUsage ? "}],\"usage\":null}\n\n" : "}]}\n\n" as StaticString)
    }
}
