// AnthropicResponseDecoder.swift — a whole answer under a status of success, as events.
// Pure. Imported by Catalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum AnthropicResponseDecoder {
    /// - Parameter isAnswerInTool: whether the call of the answer's tool is the answer's text.
    package static func decode(
        _ body: ByteSlice, isAnswerInTool: Bool, _ context: ProviderContext,
        _ emit: (ModelEvent) -> Void
    ) {
        do throws(JSONFailure) {
            let tree = try context.arena.read(body)
            decode(tree.root, isAnswerInTool, emit)
        } catch {
            emit(
                .failed(
                    Failure(
                        .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")))
        }
    }

    private static func decode(
        _ answer: JSONValue, _ isAnswerInTool: Bool, _ emit: (ModelEvent) -> Void
    ) {
        if answer[MessagesWire.type]?.string.map({ $0 == AnthropicErrorWire.error }) == true
            || answer[AnthropicErrorWire.error] != nil
        {
            let failure =
                AnthropicReportedError(answer)?.inBandFailure
                ?? Failure(.upstreamFault, "The upstream reported an error.")
            return emit(.failed(failure))
        }
        guard let content = answer[MessagesWire.content], content.kind == .array else {
            let failure = Failure(.upstreamMalformed, "The upstream's answer is no message.")
            return emit(.failed(failure))
        }
        emit(
            .started(
                AnswerStart(
                    id: answer[MessagesWire.id]?.string ?? .empty,
                    model: answer[MessagesWire.model]?.string ?? .empty)))
        var calls = AnthropicCallCount()
        var scratch = ByteBuffer()
        for block in content.elements {
            tell(block, isAnswerInTool, &calls, &scratch, emit)
        }
        let reason = AnthropicStopReason.read(answer[MessagesWire.stopReason]?.string)
        emit(
            .finished(
                choice: 0,
                Finish(
                    calls.settle(reason),
                    stopSequence: answer[MessagesWire.stopSequence]?.string)))
        if let usage = answer[MessagesWire.usage], usage.kind == .object {
            var counts = AnthropicUsage()
            counts.take(usage)
            emit(.usage(counts.usage))
        }
        emit(.ended)
    }

    private static func tell(
        _ block: JSONValue, _ isAnswerInTool: Bool, _ calls: inout AnthropicCallCount,
        _ scratch: inout ByteBuffer, _ emit: (ModelEvent) -> Void
    ) {
        guard let kind = AnthropicBlock(block, isAnswerInTool: isAnswerInTool) else { return }
        calls.note(kind)
        emit(.partOpened(choice: 0, kind.start))
        switch kind {
        case .call, .answer:
            scratch.removeAll()
            if let input = block[MessagesWire.input], input.kind == .object {
                scratch.writeJSON { $0.value(input) }
            } else {
                scratch.append("{}" as StaticString)
            }
            emit(.delta(choice: 0, scratch.slice))
        case .text, .thinking, .redacted:
            if let text = kind.initialText(in: block), !text.isEmpty {
                emit(.delta(choice: 0, text))
            }
        }
        if case .thinking = kind, let signature = block[MessagesWire.signature]?.string,
            !signature.isEmpty
        {
            emit(.signature(choice: 0, signature))
        }
        emit(.partClosed(choice: 0))
    }
}

/// A block that means something outside this dialect.
enum AnthropicBlock {
    case text
    case thinking
    case redacted
    case call(id: ByteSlice, name: ByteSlice)
    /// A call whose arguments are the answer's text.
    case answer

    /// Nil for blocks that have no counterpart: a provider's own tools and their results.
    init?(_ block: JSONValue, isAnswerInTool: Bool) {
        typealias Word = MessagesWire.Block
        guard let type = block[MessagesWire.type]?.string else { return nil }
        if type == Word.text {
            self = .text
        } else if type == Word.thinking {
            self = .thinking
        } else if type == Word.redactedThinking {
            self = .redacted
        } else if type == Word.toolUse {
            let name = block[MessagesWire.name]?.string ?? .empty
            if isAnswerInTool, name == AnthropicRequestPlan.answerTool {
                self = .answer
            } else {
                self = .call(id: block[MessagesWire.id]?.string ?? .empty, name: name)
            }
        } else {
            return nil
        }
    }

    var start: PartStart {
        switch self {
        case .text, .answer: .text
        case .thinking: .reasoning
        case .redacted: .redactedReasoning
        case .call(let id, let name): .toolCall(id: id, name: name, isCustom: false)
        }
    }

    /// The text that a block comes with.
    func initialText(in block: JSONValue) -> ByteSlice? {
        switch self {
        case .text: block[MessagesWire.text]?.string
        case .thinking: block[MessagesWire.thinking]?.string
        case .redacted: block[MessagesWire.data]?.string
        case .call, .answer: nil
        }
    }
}

/// Whether the tools that were called are the caller's.
struct AnthropicCallCount {
    private var ofCaller = 0
    private var ofAnswer = 0

    mutating func note(_ block: AnthropicBlock) {
        switch block {
        case .call: ofCaller += 1
        case .answer: ofAnswer += 1
        case .text, .thinking, .redacted: break
        }
    }

    /// The reason to stop as the caller is to see it, who knows nothing of the answer's tool.
    func settle(_ reason: FinishReason) -> FinishReason {
        reason == .toolCalls && ofAnswer > 0 && ofCaller == 0 ? .stop : reason
    }
}
