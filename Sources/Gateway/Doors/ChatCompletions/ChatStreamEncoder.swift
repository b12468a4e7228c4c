// ChatStreamEncoder.swift — events as a stream of chat chunks.
// Pure; writes whole events of the stream. Imported by AnswerDoor. Invariant: every chunk has the
// same id, model and time, and nothing is written behind the mark or a failure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's encoder.
package struct ChatStreamEncoder: ~Copyable {
    private struct Choice {
        var hasBegun = false
        var part = Part.none
        var callCount = 0
        var image: [UInt8] = []
        var imageType: [UInt8] = []
    }

    private enum Part { case none, text, reasoning, redacted, refusal, call, customCall, image }

    /// An image above this is left out.
    package static let imageBytesMax = 32 << 20

    private var answerID = ByteBuffer()
    private var requestedModel = ByteBuffer()
    private let createdSeconds: Int
    private let wantsUsage: Bool
    /// Whether the client has been told who speaks.
    private let isContinuation: Bool
    /// A chunk up to the inside of `choices`.
    private var head = ByteBuffer()
    /// A chunk up to the text of the first choice.
    private var textHead = ByteBuffer()
    /// What stands behind the delta's object while the answer goes on.
    private let tail: StaticString
    /// The same behind a string in the delta.
    private let stringTail: StaticString
    private var choices: [Choice] = []
    private var usage: Usage?

    /// - Parameter isContinuation: whether the stream has begun without this encoder.
    package init(_ context: AnswerContext, isContinuation: Bool = false) {
        self.isContinuation = isContinuation
        ChatAnswerWriter.appendID(of: context, to: &answerID)
        requestedModel.append(context.requestedModel)
        createdSeconds = context.createdSeconds
        wantsUsage = context.wantsUsage
        if context.wantsUsage {
            tail = ",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
            stringTail = "\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
        } else {
            tail = ",\"logprobs\":null,\"finish_reason\":null}]}\n\n"
            stringTail = "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
        }
    }

    /// Appends what `event` amounts to. A failure is not written here: it is the door's error.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        switch event {
        case .delta(let choice, let text): write(text, of: choice, to: &buffer)
        case .started(let start): begin(start)
        case .partOpened(let choice, let start): open(start, choice, to: &buffer)
        case .signature(let choice, let text): sign(text, choice, to: &buffer)
        case .partClosed(let choice): close(choice, to: &buffer)
        case .finished(let choice, let finish):
            reach(choice, speaks: true, to: &buffer)
            appendHead(choice, to: &buffer)
            buffer.append("{},\"logprobs\":null,\"finish_reason\":\"" as StaticString)
            buffer.append(ChatAnswerWriter.word(finish.reason))
            buffer.append(wantsUsage ? "\"}],\"usage\":null}\n\n" : "\"}]}\n\n" as StaticString)
        case .usage(let usage): self.usage = usage
        case .ended:
            if wantsUsage, let usage { write(usage, to: &buffer) }
            buffer.append(ChatWire.doneEvent)
        case .failed: break
        }
    }

    /// Appends a chunk of a choice that tells nothing, for what this encoder has no word for.
    package mutating func encodeNothing(of choice: Int, to buffer: inout ByteBuffer) {
        reach(choice, speaks: false, to: &buffer)
        chunk(choice, to: &buffer) { _ in }
    }

    private mutating func begin(_ start: AnswerStart) {
        head.append("data: {\"id\":\"" as StaticString)
        head.append(answerID.slice)
        head.append("\",\"object\":\"chat.completion.chunk\",\"created\":" as StaticString)
        head.append(decimal: start.createdSeconds ?? createdSeconds)
        head.append(",\"model\":" as StaticString)
        head.append(jsonString: start.model.isEmpty ? requestedModel.slice : start.model)
        head.append(",\"choices\":[" as StaticString)
        textHead.append(head.slice)
        textHead.append("{\"index\":0,\"delta\":{\"content\":\"" as StaticString)
    }

    private func write(_ usage: Usage, to buffer: inout ByteBuffer) {
        buffer.append(head.slice)
        buffer.append("],\"usage\":" as StaticString)
        buffer.writeJSON { OpenAIAnswer.write(usage, to: &$0) }
        buffer.append("}\n\n" as StaticString)
    }

    // MARK: Chunks

    /// A chunk up to the value of `delta`.
    private func appendHead(_ choice: Int, to buffer: inout ByteBuffer) {
        buffer.append(head.slice)
        buffer.append("{\"index\":" as StaticString)
        buffer.append(decimal: choice)
        buffer.append(",\"delta\":" as StaticString)
    }

    private func chunk(
        _ choice: Int, to buffer: inout ByteBuffer, _ delta: (inout JSONWriter) -> Void
    ) {
        appendHead(choice, to: &buffer)
        buffer.writeJSON { json in
            json.beginObject()
            delta(&json)
            json.endObject()
        }
        buffer.append(tail)
    }

    /// The choice's first chunk tells the role.
    private mutating func reach(_ choice: Int, speaks: Bool, to buffer: inout ByteBuffer) {
        while choices.count <= choice { choices.append(Choice()) }
        guard !choices[choice].hasBegun else { return }
        choices[choice].hasBegun = true
        if isContinuation { return }
        chunk(choice, to: &buffer) { json in
            json.field(ChatWire.role, ChatWire.assistant)
            if speaks {
                json.field(ChatWire.content, "" as StaticString)
            } else {
                json.null(ChatWire.content)
            }
            json.null(ChatWire.refusal)
        }
    }

    private mutating func open(
        _ start: PartStart, _ choice: Int, to buffer: inout ByteBuffer
    ) {
        var speaks = true
        if case .toolCall = start { speaks = false }
        reach(choice, speaks: speaks, to: &buffer)
        switch start {
        case .text: choices[choice].part = .text
        case .reasoning: choices[choice].part = .reasoning
        case .redactedReasoning: choices[choice].part = .redacted
        case .refusal: choices[choice].part = .refusal
        case .image(let type):
            choices[choice].part = .image
            choices[choice].imageType = Array(type.raw)
        case .toolCall(let id, let name, let isCustom):
            choices[choice].part = isCustom ? .customCall : .call
            let number = choices[choice].callCount
            choices[choice].callCount += 1
            let drawn = ChatAnswerWriter.callID(answerID.slice, choice: choice, call: number)
            chunk(choice, to: &buffer) { json in
                json.beginArray(ChatWire.toolCalls)
                json.beginObject()
                json.field(ChatWire.index, number)
                json.field(ChatWire.id, id.isEmpty ? drawn.slice : id)
                let word = isCustom ? ChatWire.custom : ChatWire.function
                json.field(ChatWire.type, word)
                json.beginObject(word)
                json.field(ChatWire.name, name)
                json.field(
                    isCustom ? ChatWire.input : ChatWire.arguments, "" as StaticString)
                json.endObject()
                json.endObject()
                json.endArray()
            }
        }
    }

    private mutating func write(
        _ text: ByteSlice, of choice: Int, to buffer: inout ByteBuffer
    ) {
        guard choice < choices.count, !text.isEmpty else { return }
        let end: StaticString
        switch choices[choice].part {
        case .text where choice == 0:
            buffer.reserve(textHead.count + text.count + stringTail.utf8CodeUnitCount)
            buffer.append(textHead.slice)
            buffer.append(jsonEscaping: text)
            return buffer.append(stringTail)
        case .none: return
        case .image:
            guard choices[choice].image.count + text.count <= Self.imageBytesMax else {
                choices[choice].image = []
                choices[choice].part = .none
                return
            }
            return choices[choice].image.append(contentsOf: text.raw)
        case .text:
            appendHead(choice, to: &buffer)
            buffer.append("{\"content\":\"" as StaticString)
            end = stringTail
        case .reasoning:
            appendHead(choice, to: &buffer)
            buffer.append("{\"reasoning_content\":\"" as StaticString)
            end = stringTail
        case .redacted:
            appendHead(choice, to: &buffer)
            buffer.append("{\"reasoning_redacted\":\"" as StaticString)
            end = stringTail
        case .refusal:
            appendHead(choice, to: &buffer)
            buffer.append("{\"refusal\":\"" as StaticString)
            end = stringTail
        case .call, .customCall:
            appendHead(choice, to: &buffer)
            buffer.append("{\"tool_calls\":[{\"index\":" as StaticString)
            buffer.append(decimal: choices[choice].callCount - 1)
            buffer.append(
                choices[choice].part == .call
                    ? ",\"function\":{\"arguments\":\""
                    : ",\"custom\":{\"input\":\""
                        as StaticString)
            buffer.append(jsonEscaping: text)
            buffer.append("\"}}]}" as StaticString)
            return buffer.append(tail)
        }
        buffer.append(jsonEscaping: text)
        buffer.append(end)
    }

    private mutating func sign(
        _ signature: ByteSlice, _ choice: Int, to buffer: inout ByteBuffer
    ) {
        guard choice < choices.count else { return }
        let number = choices[choice].callCount - 1
        switch choices[choice].part {
        case .reasoning:
            chunk(choice, to: &buffer) { $0.field(ChatWire.reasoningSignature, signature) }
        case .text:
            chunk(choice, to: &buffer) {
                ChatAnswerWriter.write(thoughtSignature: signature, to: &$0)
            }
        case .call, .customCall:
            let isCustom = choices[choice].part == .customCall
            chunk(choice, to: &buffer) { json in
                json.beginArray(ChatWire.toolCalls)
                json.beginObject()
                json.field(ChatWire.index, number)
                // Clients add up what stands here without looking whether it is there.
                let word = isCustom ? ChatWire.custom : ChatWire.function
                json.beginObject(word)
                json.field(
                    isCustom ? ChatWire.input : ChatWire.arguments, "" as StaticString)
                json.endObject()
                ChatAnswerWriter.write(thoughtSignature: signature, to: &json)
                json.endObject()
                json.endArray()
            }
        case .none, .redacted, .refusal, .image: break
        }
    }

    private mutating func close(_ choice: Int, to buffer: inout ByteBuffer) {
        guard choice < choices.count else { return }
        let isImage = choices[choice].part == .image
        choices[choice].part = .none
        guard isImage, !choices[choice].image.isEmpty else { return }
        let image = choices[choice].image
        let type = choices[choice].imageType
        choices[choice].image = []
        image.withUnsafeBytes { image in
            type.withUnsafeBytes { type in
                chunk(choice, to: &buffer) { json in
                    json.beginArray(ChatWire.images)
                    ChatAnswerWriter.write(
                        image: ByteSlice(image), type: ByteSlice(type), to: &json)
                    json.endArray()
                }
            }
        }
    }
}
