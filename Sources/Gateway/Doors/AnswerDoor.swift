// AnswerDoor.swift — the doors behind which a model answers, and the closed enums that dispatch to
// what each of them speaks. A new door is a case here, and the compiler lists the rest.
// Pure. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// A door through which an answer of a model leaves.
package enum AnswerDoor: Equatable, Sendable {
    case chat
    case messages

    /// What its clients speak.
    package var dialect: Dialect {
        switch self {
        case .chat: .chat
        case .messages: .messages
        }
    }

    /// Reads what decides a request's way.
    package func scan(_ body: ByteSlice) throws(Failure) -> DoorScan {
        switch self {
        case .chat: .chat(try ChatRequestScan.scan(body))
        case .messages: .messages(try MessagesRequestScan.scan(body))
        }
    }

    /// Reads a whole request.
    package func decode(_ root: JSONValue) throws(Failure) -> ModelRequest {
        switch self {
        case .chat: try ChatRequestDecoder.decode(root)
        case .messages: try MessagesRequestDecoder.decode(root)
        }
    }

    /// Writes a whole answer.
    package func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        switch self {
        case .chat: ChatResponseEncoder.encode(response, context, to: &buffer)
        case .messages: MessagesResponseEncoder.encode(response, context, to: &buffer)
        }
    }

    /// An encoder for one stream.
    package func openStream(_ context: AnswerContext) -> DoorStreamEncoder {
        switch self {
        case .chat: .chat(ChatStreamEncoder(context))
        case .messages: .messages(MessagesStreamEncoder(context))
        }
    }

    /// What fills a silence.
    /// - Parameter hasBegun: whether an event of the answer has been written.
    package func heartbeat(hasBegun: Bool) -> StaticString {
        self == .messages && hasBegun ? MessagesWire.pingEvent : ":ka\n\n"
    }

    /// Whether events of its streams have names.
    package var namesEvents: Bool { self != .chat }
}

/// What decides the way of a request: places and flags, good as long as its body.
package enum DoorScan: Sendable {
    case chat(ChatRequestScan)
    case messages(MessagesRequestScan)

    package var isStreaming: Bool {
        switch self {
        case .chat(let scan): scan.isStreaming
        case .messages(let scan): scan.isStreaming
        }
    }

    /// Whether the client asked for the chunk with the usage.
    package var wantsUsage: Bool {
        switch self {
        case .chat(let scan): scan.wantsUsage
        case .messages: true
        }
    }

    package var outputTokensMax: Int? {
        switch self {
        case .chat(let scan): scan.outputTokensMax
        case .messages(let scan): scan.outputTokensMax
        }
    }

    /// The model's name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func modelName(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        switch self {
        case .chat(let scan): scan.modelName(in: body, scratch: &scratch)
        case .messages(let scan): scan.modelName(in: body, scratch: &scratch)
        }
    }

    /// The edits that make the body the upstream's.
    package func splice(model upstreamModel: ByteSlice?, addingUsage: Bool) -> JSONSplice {
        switch self {
        case .chat(let scan): scan.splice(model: upstreamModel, addingUsage: addingUsage)
        case .messages(let scan): scan.splice(model: upstreamModel)
        }
    }
}

/// The encoder of one stream.
package enum DoorStreamEncoder: ~Copyable {
    case chat(ChatStreamEncoder)
    case messages(MessagesStreamEncoder)

    /// Appends what `event` amounts to, in whole events of the door's stream. A failure is not
    /// written: the door's error type writes it.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        switch consume self {
        case .chat(var encoder):
            encoder.encode(event, to: &buffer)
            self = .chat(encoder)
        case .messages(var encoder):
            encoder.encode(event, to: &buffer)
            self = .messages(encoder)
        }
    }
}
