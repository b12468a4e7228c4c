// AnthropicStreamDecoder.swift — a stream of Messages events, as canonical events.
// Pure. Imported by Catalog. What the provider's grammar does not allow ends the answer as
// malformed; events and deltas of unknown kinds are passed over, as the dialect demands.
//
//     stream := message_start (block | ping)* message_delta+ message_stop
//     block  := content_block_start content_block_delta* content_block_stop

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's decoder.
package struct AnthropicStreamDecoder: ~Copyable, StreamDecoder {
    private enum State { case idle, running, over }

    private enum Open {
        case text, thinking, redacted, call, answer
        /// A block without a counterpart.
        case skipped
    }

    private let isAnswerInTool: Bool
    private var state = State.idle
    private var open: (index: Int, kind: Open)?
    /// Whether the open call has said anything of its arguments.
    private var hasArguments = false
    /// Arguments that came with the call's start; they count if nothing follows.
    private var arguments = ByteBuffer()
    private var signature = ByteBuffer()
    private var usage = AnthropicUsage()
    private var calls = AnthropicCallCount()
    private var reason: FinishReason?
    private var stopSequence = ByteBuffer()
    private var hasStopSequence = false
    /// A delta's text whose escapes had to be undone.
    private var unescaped = ByteBuffer()

    /// Signatures are gathered up to so many bytes.
    static let signatureBytesMax = 1 << 20

    /// - Parameter isAnswerInTool: whether the call of the answer's tool is the answer's text.
    package init(isAnswerInTool: Bool = false) { self.isAnswerInTool = isAnswerInTool }

    package var isOver: Bool { state == .over }

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        guard state != .over else { return }
        if let text = plainDelta(event.data) { return pass(inside: text, emit) }
        do throws(JSONFailure) {
            let tree = try context.arena.read(event.data)
            take(tree.root, emit)
        } catch {
            malformed("an event that is not valid JSON: \(error)", emit)
        }
    }

    package mutating func finish(_ context: ProviderContext, _ emit: (ModelEvent) -> Void) {
        guard state != .over else { return }
        fail(
            Failure(.upstreamCut, "The upstream's stream ended before the answer was complete."),
            emit)
    }

    // MARK: Events

    private mutating func take(_ event: JSONValue, _ emit: (ModelEvent) -> Void) {
        typealias Name = MessagesWire.Event
        guard let type = event[MessagesWire.type]?.string else {
            if let error = event[AnthropicErrorWire.error], !error.isNull { report(event, emit) }
            return
        }
        // The most frequent one first.
        if type == Name.blockDelta {
            takeDelta(event, emit)
        } else if type == Name.error {
            report(event, emit)
        } else if type == Name.messageStart {
            start(event[MessagesWire.message], emit)
        } else if type == Name.blockStart {
            openBlock(event, emit)
        } else if type == Name.blockStop {
            guard let open, open.index == event[MessagesWire.index]?.int ?? 0 else { return }
            closeBlock(emit)
        } else if type == Name.messageDelta {
            takeMessageDelta(event, emit)
        } else if type == Name.messageStop {
            stop(emit)
        }
    }

    private mutating func start(_ message: JSONValue?, _ emit: (ModelEvent) -> Void) {
        guard state == .idle, let message else {
            return malformed("a second start, or one without a message", emit)
        }
        state = .running
        emit(
            .started(
                AnswerStart(
                    id: message[MessagesWire.id]?.string ?? .empty,
                    model: message[MessagesWire.model]?.string ?? .empty)))
        if let counts = message[MessagesWire.usage], counts.kind == .object {
            usage.take(counts)
            emit(.usage(usage.usage))
        }
    }

    private mutating func takeMessageDelta(_ event: JSONValue, _ emit: (ModelEvent) -> Void) {
        guard state == .running else { return malformed("an end before the start", emit) }
        if let delta = event[MessagesWire.delta] {
            if let word = delta[MessagesWire.stopReason]?.string {
                reason = AnthropicStopReason.read(word)
            }
            if let text = delta[MessagesWire.stopSequence]?.string {
                hasStopSequence = true
                stopSequence.removeAll()
                stopSequence.append(text)
            }
        }
        if let counts = event[MessagesWire.usage], counts.kind == .object {
            usage.take(counts)
            emit(.usage(usage.usage))
        }
    }

    private mutating func stop(_ emit: (ModelEvent) -> Void) {
        guard state == .running else { return malformed("an end before the start", emit) }
        closeBlock(emit)
        emit(
            .finished(
                choice: 0,
                Finish(
                    calls.settle(reason ?? .other),
                    stopSequence: hasStopSequence ? stopSequence.slice : nil)))
        state = .over
        emit(.ended)
    }

    // MARK: Blocks

    private mutating func openBlock(_ event: JSONValue, _ emit: (ModelEvent) -> Void) {
        guard state == .running, let block = event[MessagesWire.contentBlock] else {
            return malformed("a block out of place", emit)
        }
        // Some servers forget to close one before they open the next.
        closeBlock(emit)
        let index = event[MessagesWire.index]?.int ?? 0
        guard let kind = AnthropicBlock(block, isAnswerInTool: isAnswerInTool) else {
            open = (index, .skipped)
            return
        }
        calls.note(kind)
        emit(.partOpened(choice: 0, kind.start))
        switch kind {
        case .text: open = (index, .text)
        case .thinking:
            open = (index, .thinking)
            if let proof = block[MessagesWire.signature]?.string { gather(proof) }
        case .redacted: open = (index, .redacted)
        case .call, .answer:
            if case .call = kind { open = (index, .call) } else { open = (index, .answer) }
            if let input = block[MessagesWire.input], input.count > 0 {
                arguments.writeJSON { $0.value(input) }
            }
        }
        if let text = kind.initialText(in: block), !text.isEmpty {
            emit(.delta(choice: 0, text))
        }
    }

    private mutating func takeDelta(_ event: JSONValue, _ emit: (ModelEvent) -> Void) {
        typealias Kind = MessagesWire.Delta
        guard let delta = event[MessagesWire.delta], let type = delta[MessagesWire.type]?.string,
            let open, open.index == event[MessagesWire.index]?.int ?? 0
        else { return malformed("a delta without its block", emit) }
        if open.kind == .skipped { return }
        if type == Kind.text {
            guard open.kind == .text else { return malformed("text in another block", emit) }
            pass(delta[MessagesWire.text], emit)
        } else if type == Kind.inputJSON {
            guard open.kind == .call || open.kind == .answer else {
                return malformed("arguments in another block", emit)
            }
            if delta[MessagesWire.partialJSON]?.string?.isEmpty == false { hasArguments = true }
            pass(delta[MessagesWire.partialJSON], emit)
        } else if type == Kind.thinking {
            guard open.kind == .thinking else {
                return malformed("a thought in another block", emit)
            }
            pass(delta[MessagesWire.thinking], emit)
        } else if type == Kind.signature, open.kind == .thinking,
            let proof = delta[MessagesWire.signature]?.string
        {
            guard gather(proof) else { return malformed("a signature without end", emit) }
        }
    }

    /// The inside of the string that the event brings, if it is a delta that fits the open block and
    /// is spelled as Anthropic's servers do, white space behind the string included. Nearly every
    /// event of a stream is one, and needs no tree.
    private func plainDelta(_ data: ByteSlice) -> ByteSlice? {
        typealias Spelling = MessagesWire.Delta
        guard let open, data.hasPrefix(Spelling.head) else { return nil }
        var rest = data.dropFirst(Spelling.head.utf8CodeUnitCount)
        var digits = 0
        while digits < 4, digits < rest.count, ASCII.isDigit(rest[digits]) { digits += 1 }
        guard rest.prefix(digits).decimalValue == open.index, digits == 1 || rest[0] != ASCII.zero
        else { return nil }
        rest = rest.dropFirst(digits)
        let middle: StaticString
        switch open.kind {
        case .text: middle = Spelling.textMiddle
        case .thinking: middle = Spelling.thinkingMiddle
        case .call, .answer: middle = Spelling.inputMiddle
        case .redacted, .skipped: return nil
        }
        guard rest.hasPrefix(middle) else { return nil }
        let start = data.count - rest.count + middle.utf8CodeUnitCount
        guard let end = JSONScanner.endOfString(in: data, from: start) else { return nil }
        var braces = 0
        for index in end + 1..<data.count {
            if data[index] == ASCII.closeBrace {
                braces += 1
            } else if data[index] != ASCII.space {
                return nil
            }
        }
        return braces == 2 ? data[start..<end] : nil
    }

    private mutating func pass(inside text: ByteSlice, _ emit: (ModelEvent) -> Void) {
        guard !text.isEmpty else { return }
        hasArguments = true
        guard text.firstIndex(of: ASCII.backslash) != nil else {
            return emit(.delta(choice: 0, text))
        }
        unescaped.removeAll()
        unescaped.append(jsonUnescaping: text)
        emit(.delta(choice: 0, unescaped.slice))
    }

    private func pass(_ text: JSONValue?, _ emit: (ModelEvent) -> Void) {
        if let text = text?.string, !text.isEmpty { emit(.delta(choice: 0, text)) }
    }

    @discardableResult
    private mutating func gather(_ proof: ByteSlice) -> Bool {
        guard signature.count + proof.count <= Self.signatureBytesMax else { return false }
        signature.append(proof)
        return true
    }

    private mutating func closeBlock(_ emit: (ModelEvent) -> Void) {
        guard let open else { return }
        self.open = nil
        switch open.kind {
        case .skipped: return
        case .text, .redacted: break
        case .thinking:
            if !signature.isEmpty { emit(.signature(choice: 0, signature.slice)) }
        case .call, .answer:
            // A call without arguments is one of an empty object.
            if !hasArguments {
                if arguments.isEmpty { arguments.append("{}" as StaticString) }
                emit(.delta(choice: 0, arguments.slice))
            }
        }
        emit(.partClosed(choice: 0))
        hasArguments = false
        arguments.removeAll()
        signature.removeAll()
    }

    // MARK: Ends

    private mutating func report(_ event: JSONValue, _ emit: (ModelEvent) -> Void) {
        let failure =
            AnthropicReportedError(event)?.inBandFailure
            ?? Failure(.upstreamFault, "The upstream reported an error.")
        fail(failure, emit)
    }

    private mutating func malformed(_ what: String, _ emit: (ModelEvent) -> Void) {
        fail(Failure(.upstreamMalformed, "The upstream sent \(what)."), emit)
    }

    private mutating func fail(_ failure: Failure, _ emit: (ModelEvent) -> Void) {
        state = .over
        emit(.failed(failure))
    }
}
