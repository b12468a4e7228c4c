// GeminiStreamDecoder.swift — a stream of generateContent as canonical events. A chunk has the
// shape of a whole answer, so whole answers are read here, too.
// Pure. There is no terminal marker: a stream that ends is whole if every candidate has a finish
// reason. Invariant: what is emitted follows the grammar of ModelEvent.swift.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The decoder of one answer.
package struct GeminiStreamDecoder: StreamDecoder, ~Copyable {
    private enum OpenPart { case none, text, reasoning }

    private struct Choice {
        var open = OpenPart.none
        /// Whether the open part has got its signature.
        var isSigned = false
        var hasBegun = false
        var hasCall = false
        /// Held until the end: a later chunk may still bring text.
        var reason: FinishReason?
    }

    private var choices: [Choice] = []
    private var usage: Usage?
    private var hasStarted = false
    private let isUnary: Bool
    /// A call's id where none was given, and its arguments as text.
    private var id = ByteBuffer()
    private var arguments = ByteBuffer()
    package private(set) var isOver = false

    /// - Parameter isUnary: whether it is one whole answer, which needs no finish reason.
    package init(isUnary: Bool = false) { self.isUnary = isUnary }

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        // Other servers of this dialect end with OpenAI's marker.
        guard !isOver, !event.data.trimmed.isEmpty, !(event.data == "[DONE]") else { return }
        decode(json: event.data, context, emit)
    }

    /// Takes the JSON of one chunk, or of a whole answer.
    mutating func decode(
        json: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        do throws(JSONFailure) {
            let tree = try context.arena.read(json)
            // Without `alt=sse` chunks come in an array; errors do at times.
            if tree.root.kind == .array {
                for chunk in tree.root.elements where !isOver { take(chunk, context, emit) }
            } else {
                take(tree.root, context, emit)
            }
        } catch {
            fail(Failure(.upstreamMalformed, "The upstream's answer is not valid JSON."), emit)
        }
    }

    package mutating func finish(
        _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        guard !isOver else { return }
        let begun = choices.lazy.filter(\.hasBegun)
        guard begun.first != nil else {
            let failure =
                isUnary
                ? Failure(.upstreamMalformed, "The upstream's answer holds no candidate.")
                : Failure(.upstreamCut, "The upstream ended its stream before any answer.")
            return fail(failure, emit)
        }
        guard isUnary || begun.allSatisfy({ $0.reason != nil }) else {
            return fail(
                Failure(.upstreamCut, "The upstream ended its stream in the middle of the answer."),
                emit)
        }
        for index in choices.indices where choices[index].hasBegun {
            close(index, emit)
            emit(.finished(choice: index, Finish(reason(of: choices[index]))))
        }
        isOver = true
        emit(.ended)
    }

    // MARK: A chunk

    private mutating func take(
        _ chunk: JSONValue, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        guard chunk.kind == .object else {
            return fail(Failure(.upstreamMalformed, "The upstream's answer is no object."), emit)
        }
        var start = AnswerStart()
        var candidates: JSONValue?
        var tokens: JSONValue?
        var feedback: JSONValue?
        for (name, value) in chunk.members {
            if name == GeminiWire.candidates {
                candidates = value
            } else if name == GeminiWire.usageMetadata {
                tokens = value
            } else if name == GeminiWire.modelVersion {
                start.model = value.string ?? .empty
            } else if name == GeminiWire.responseID {
                start.id = value.string ?? .empty
            } else if name == GeminiWire.promptFeedback {
                feedback = value
            } else if name == GeminiErrorWire.error, value.kind == .object {
                return fail(GeminiErrorDecoder.failure(inAnswer: value), emit)
            }
        }
        if !hasStarted {
            hasStarted = true
            emit(.started(start))
        }
        if let candidates {
            for candidate in candidates.elements { take(candidate: candidate, context, emit) }
        }
        if let reason = feedback?[GeminiWire.blockReason]?.string, choices.isEmpty {
            block(reason, feedback?[GeminiWire.blockReasonMessage]?.string, emit)
        }
        if let tokens { take(usage: tokens, emit) }
    }

    /// The prompt was refused: there are no candidates and never will be.
    private mutating func block(
        _ reason: ByteSlice, _ message: ByteSlice?, _ emit: (ModelEvent) -> Void
    ) {
        var choice = Choice()
        choice.hasBegun = true
        choice.reason = .contentFilter
        choices.append(choice)
        emit(.partOpened(choice: 0, .refusal))
        if let message, !message.isEmpty {
            emit(.delta(choice: 0, message))
        } else {
            emit(.delta(choice: 0, ByteSlice("The provider blocked the prompt: ")))
            emit(.delta(choice: 0, reason))
        }
        emit(.partClosed(choice: 0))
    }

    /// Counts are of everything so far.
    private mutating func take(usage tokens: JSONValue, _ emit: (ModelEvent) -> Void) {
        let found = Usage(gemini: tokens)
        guard found != usage else { return }
        usage = found
        emit(.usage(found))
    }

    // MARK: A candidate

    private mutating func take(
        candidate: JSONValue, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        var content: JSONValue?
        var finish: ByteSlice?
        var index = 0
        for (name, value) in candidate.members {
            if name == GeminiWire.content {
                content = value
            } else if name == GeminiWire.finishReason {
                finish = value.string
            } else if name == GeminiWire.index {
                index = value.int ?? 0
            }
        }
        guard index >= 0, index < EventOrder.choiceCountMax else { return }
        while choices.count <= index { choices.append(Choice()) }
        choices[index].hasBegun = true
        if let parts = content?[GeminiWire.parts] {
            for part in parts.elements { take(part: part, of: index, context, emit) }
        }
        if let finish, !(finish == GeminiFinishWire.unspecified) {
            choices[index].reason = FinishReason(gemini: finish)
        }
    }

    private mutating func take(
        part: JSONValue, of index: Int, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        var text: ByteSlice?
        var signature: ByteSlice?
        var isThought = false
        var call: JSONValue?
        var data: JSONValue?
        for (name, value) in part.members {
            if name == GeminiWire.text {
                text = value.string
            } else if name == GeminiWire.thought {
                isThought = value.bool ?? false
            } else if name == GeminiWire.thoughtSignature {
                signature = value.string
            } else if name == GeminiWire.functionCall {
                call = value
            } else if name == GeminiWire.inlineData {
                data = value
            }
        }
        if let call {
            take(call: call, signature, of: index, context, emit)
        } else if let data {
            if !isThought { take(data: data, of: index, emit) }
        } else if isThought {
            think(text ?? .empty, signature, in: index, emit)
        } else if let text, !text.isEmpty {
            open(.text, in: index, emit)
            emit(.delta(choice: index, text))
        }
    }

    private mutating func think(
        _ text: ByteSlice, _ signature: ByteSlice?, in index: Int, _ emit: (ModelEvent) -> Void
    ) {
        guard !text.isEmpty || signature != nil else { return }
        open(.reasoning, in: index, emit)
        if !text.isEmpty { emit(.delta(choice: index, text)) }
        if let signature, !choices[index].isSigned {
            choices[index].isSigned = true
            emit(.signature(choice: index, signature))
        }
    }

    private mutating func take(
        call: JSONValue, _ signature: ByteSlice?, of index: Int, _ context: ProviderContext,
        _ emit: (ModelEvent) -> Void
    ) {
        guard let name = call[GeminiWire.name]?.string, !name.isEmpty else { return }
        close(index, emit)
        choices[index].hasCall = true
        id.removeAll()
        if let given = call[GeminiWire.id]?.string, !given.isEmpty {
            id.append(given)
        } else {
            context.ids.append("call_", to: &id)
        }
        arguments.removeAll()
        if let args = call[GeminiWire.args], args.kind == .object {
            arguments.writeJSON { $0.value(args) }
        } else {
            arguments.append("{}" as StaticString)
        }
        emit(.partOpened(choice: index, .toolCall(id: id.slice, name: name, isCustom: false)))
        emit(.delta(choice: index, arguments.slice))
        if let signature, !signature.isEmpty {
            context.signatures?.remember(signature, ofCall: id.slice, model: context.model)
            emit(.signature(choice: index, signature))
        }
        emit(.partClosed(choice: index))
    }

    private mutating func take(
        data: JSONValue, of index: Int, _ emit: (ModelEvent) -> Void
    ) {
        guard let type = data[GeminiWire.mimeType]?.string, type.hasPrefix("image/"),
            let bytes = data[GeminiWire.data]?.string
        else { return }
        close(index, emit)
        emit(.partOpened(choice: index, .image(mediaType: type)))
        emit(.delta(choice: index, bytes))
        emit(.partClosed(choice: index))
    }

    // MARK: Parts and ends

    private mutating func open(
        _ part: OpenPart, in index: Int, _ emit: (ModelEvent) -> Void
    ) {
        if choices[index].open == part { return }
        close(index, emit)
        choices[index].open = part
        choices[index].isSigned = false
        emit(.partOpened(choice: index, part == .text ? .text : .reasoning))
    }

    private mutating func close(_ index: Int, _ emit: (ModelEvent) -> Void) {
        guard choices[index].open != .none else { return }
        choices[index].open = .none
        emit(.partClosed(choice: index))
    }

    /// Calls end with `STOP` there. An answer that was filtered is never to be acted upon.
    private func reason(of choice: Choice) -> FinishReason {
        let reason = choice.reason ?? .stop
        return choice.hasCall && reason != .contentFilter ? .toolCalls : reason
    }

    private mutating func fail(_ failure: Failure, _ emit: (ModelEvent) -> Void) {
        isOver = true
        emit(.failed(failure))
    }
}

extension FinishReason {
    /// What Gemini's word means.
    init(gemini word: ByteSlice) {
        typealias Wire = GeminiFinishWire
        let filters = [
            Wire.safety, Wire.recitation, Wire.blocklist, Wire.prohibited, Wire.personalData,
            Wire.modelArmor,
        ]
        if word == Wire.stop {
            self = .stop
        } else if word == Wire.maxTokens {
            self = .length
        } else if filters.contains(where: { word == $0 }) {
            self = .contentFilter
        } else if word.hasPrefix(Wire.imagePrefix), !(word == Wire.imageOther) {
            self = .contentFilter
        } else {
            // Malformed or unexpected calls and whatever comes tomorrow: the answer just ends.
            self = .stop
        }
    }
}

extension Usage {
    /// Prompts count what is cached; candidates do not count thoughts.
    init(gemini tokens: JSONValue) {
        self.init()
        var prompt = 0
        var tools = 0
        var candidates = 0
        var total: Int?
        for (name, value) in tokens.members {
            // A count that no answer can have is none.
            guard let count = value.int, count >= 0, count <= 1 << 40 else { continue }
            if name == GeminiWire.promptTokenCount {
                prompt = count
            } else if name == GeminiWire.candidatesTokenCount {
                candidates = count
            } else if name == GeminiWire.thoughtsTokenCount {
                reasoningTokens = count
            } else if name == GeminiWire.cachedContentTokenCount {
                cachedTokens = count
            } else if name == GeminiWire.toolUsePromptTokenCount {
                tools = count
            } else if name == GeminiWire.totalTokenCount {
                total = count
            }
        }
        inputTokens = prompt + tools
        outputTokens = candidates + reasoningTokens
        totalTokens = total ?? inputTokens + outputTokens
    }
}
