// MessagesStreamEncoder.swift — canonical events as a stream of Anthropic's Messages.
// Pure. Imported by Exchange. Clients go by event names and by indexes of blocks, so the order is
// kept whatever the provider's was:
//
//     message_start (content_block_start content_block_delta* content_block_stop)*
//     message_delta message_stop
//
// The start waits for the first thing to be said, because it tells the input's tokens where they
// are known by then. A failure is written by AnthropicError, behind whatever was written.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's encoder.
package struct MessagesStreamEncoder: ~Copyable {
    private enum State {
        /// -> started.
        case idle
        /// `message_start` is due. -> running.
        case started
        /// -> over.
        case running
        case over
    }

    private enum Block {
        case none
        /// A part without a counterpart.
        case skipped
        case text, thinking, call
        /// A call whose input is free text, which becomes a member of an object.
        case textCall
        /// Gathered, because such a block comes whole.
        case redacted
    }

    private let requestedModel: ByteSlice
    private let requestID: ByteSlice
    private var state = State.idle
    private var block = Block.none
    /// How many blocks have been written.
    private var count = 0
    private var id = ByteBuffer()
    private var model = ByteBuffer()
    /// What is told at the end of a block: a thought's signature, or encrypted thoughts.
    private var held = ByteBuffer()
    private var usage = Usage()
    private var reason = FinishReason.stop
    private var stopSequence: [UInt8]?

    /// Encrypted thoughts and signatures that are longer are left out.
    package static let heldBytesMax = 1 << 20

    /// `context` must outlive the encoder.
    package init(_ context: AnswerContext) {
        requestedModel = context.requestedModel
        requestID = context.requestID
    }

    /// Appends what `event` amounts to, in whole events. Of several choices the first is told: the
    /// dialect has one.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        switch event {
        case .started(let start):
            state = .started
            MessagesResponseEncoder.appendID(start.id, requestID, to: &id)
            model.append(start.model.isEmpty ? requestedModel : start.model)
        case .usage(let counts): usage = counts
        case .partOpened(0, let start):
            begin(&buffer)
            open(start, &buffer)
        case .delta(0, let text): add(text, &buffer)
        case .signature(0, let signature):
            if block == .thinking, signature.count <= Self.heldBytesMax { held.append(signature) }
        case .partClosed(0): close(&buffer)
        case .finished(0, let finish):
            reason = finish.reason
            stopSequence = finish.stopSequence.map { Array($0.raw) }
        case .ended:
            begin(&buffer)
            end(&buffer)
        case .failed: state = .over
        case .partOpened, .delta, .signature, .partClosed, .finished: break
        }
    }

    private mutating func begin(_ buffer: inout ByteBuffer) {
        guard state == .started else { return }
        state = .running
        Self.event(MessagesWire.Event.messageStart, &buffer) { json in
            json.beginObject(MessagesWire.message)
            json.field(MessagesWire.id, id.slice)
            json.field(MessagesWire.type, MessagesWire.message)
            json.field(MessagesWire.role, MessagesWire.Role.assistant)
            json.field(MessagesWire.model, model.slice)
            json.beginArray(MessagesWire.content)
            json.endArray()
            json.null(MessagesWire.stopReason)
            json.null(MessagesWire.stopSequence)
            MessagesResponseEncoder.write(usage, &json)
            json.endObject()
        }
    }

    // MARK: Blocks

    private mutating func open(_ start: PartStart, _ buffer: inout ByteBuffer) {
        typealias Word = MessagesWire.Block
        held.removeAll()
        switch start {
        case .image:
            block = .skipped
        case .redactedReasoning:
            block = .redacted
        case .text, .refusal:
            block = .text
            startBlock(Word.text, &buffer) { $0.field(MessagesWire.text, "") }
        case .reasoning:
            block = .thinking
            startBlock(Word.thinking, &buffer) {
                $0.field(MessagesWire.thinking, "")
                $0.field(MessagesWire.signature, "")
            }
        case .toolCall(let callID, let name, let isCustom):
            block = isCustom ? .textCall : .call
            let made = MessagesResponseEncoder.callID(callID, requestID, count)
            made.withUnsafeBytes { made in
                startBlock(Word.toolUse, &buffer) {
                    $0.field(MessagesWire.id, ByteSlice(made))
                    $0.field(MessagesWire.name, name)
                    $0.beginObject(MessagesWire.input)
                    $0.endObject()
                }
            }
            if isCustom { deltaJSON("{\"input\":\"", &buffer) }
        }
    }

    private func startBlock(
        _ type: StaticString, _ buffer: inout ByteBuffer, _ write: (inout JSONWriter) -> Void
    ) {
        Self.event(MessagesWire.Event.blockStart, &buffer) { json in
            json.field(MessagesWire.index, count)
            json.beginObject(MessagesWire.contentBlock)
            json.field(MessagesWire.type, type)
            write(&json)
            json.endObject()
        }
    }

    private mutating func add(_ text: ByteSlice, _ buffer: inout ByteBuffer) {
        typealias Kind = MessagesWire.Delta
        switch block {
        case .none, .skipped: return
        case .text: delta(Kind.text, MessagesWire.text, text, &buffer)
        case .thinking: delta(Kind.thinking, MessagesWire.thinking, text, &buffer)
        case .call: delta(Kind.inputJSON, MessagesWire.partialJSON, text, &buffer)
        case .textCall:
            var escaped = ByteBuffer()
            escaped.append(jsonEscaping: text)
            delta(Kind.inputJSON, MessagesWire.partialJSON, escaped.slice, &buffer)
        case .redacted:
            guard held.count + text.count <= Self.heldBytesMax else {
                // Half of it would be refused when it comes back.
                held.release()
                block = .skipped
                return
            }
            held.append(text)
        }
    }

    private func deltaJSON(_ text: StaticString, _ buffer: inout ByteBuffer) {
        delta(MessagesWire.Delta.inputJSON, MessagesWire.partialJSON, ByteSlice(text), &buffer)
    }

    private func delta(
        _ type: StaticString, _ name: StaticString, _ text: ByteSlice, _ buffer: inout ByteBuffer
    ) {
        Self.event(MessagesWire.Event.blockDelta, &buffer) { json in
            json.field(MessagesWire.index, count)
            json.beginObject(MessagesWire.delta)
            json.field(MessagesWire.type, type)
            json.field(name, text)
            json.endObject()
        }
    }

    private mutating func close(_ buffer: inout ByteBuffer) {
        switch block {
        case .none: return
        case .skipped:
            block = .none
            return
        case .text, .call: break
        case .textCall: deltaJSON("\"}", &buffer)
        case .thinking:
            // Clients send a thought back with its signature, so there must be one.
            delta(
                MessagesWire.Delta.signature, MessagesWire.signature,
                held.isEmpty ? ByteSlice(MessagesWire.unsigned) : held.slice, &buffer)
        case .redacted:
            startBlock(MessagesWire.Block.redactedThinking, &buffer) {
                $0.field(MessagesWire.data, held.slice)
            }
        }
        Self.event(MessagesWire.Event.blockStop, &buffer) { $0.field(MessagesWire.index, count) }
        block = .none
        count += 1
    }

    private mutating func end(_ buffer: inout ByteBuffer) {
        guard state == .running else { return }
        state = .over
        Self.event(MessagesWire.Event.messageDelta, &buffer) { json in
            json.beginObject(MessagesWire.delta)
            MessagesResponseEncoder.writeStop(reason, stopSequence, &json)
            json.endObject()
            MessagesResponseEncoder.write(usage, &json)
        }
        Self.event(MessagesWire.Event.messageStop, &buffer) { _ in }
    }

    /// Appends one event, whose data repeat its name as their type.
    static func event(
        _ name: StaticString, _ buffer: inout ByteBuffer, _ write: (inout JSONWriter) -> Void
    ) {
        buffer.append("event: " as StaticString)
        buffer.append(name)
        buffer.append("\ndata: " as StaticString)
        buffer.writeJSON { json in
            json.beginObject()
            json.field(MessagesWire.type, name)
            write(&json)
            json.endObject()
        }
        buffer.append("\n\n" as StaticString)
    }
}
