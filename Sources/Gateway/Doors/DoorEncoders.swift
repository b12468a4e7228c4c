// DoorEncoders.swift — the doors whose answers can be made from events, and the closed enum that
// dispatches to their encoders. A new door is a case here.
// Pure. Imported by Exchange.

import GatewayModel
import ReactorCore

/// A door through which an answer of a model leaves.
package enum AnswerDoor: Equatable, Sendable {
    case chat

    /// Writes a whole answer.
    package func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {
        switch self {
        case .chat: ChatResponseEncoder.encode(response, context, to: &buffer)
        }
    }

    /// An encoder for one stream.
    package func openStream(_ context: AnswerContext) -> DoorStreamEncoder {
        switch self {
        case .chat: .chat(ChatStreamEncoder(context))
        }
    }
}

/// The encoder of one stream.
package enum DoorStreamEncoder: ~Copyable {
    case chat(ChatStreamEncoder)

    /// Appends what `event` amounts to, in whole events of the door's stream. A failure is not
    /// written: the door's error type writes it.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        switch consume self {
        case .chat(var encoder):
            encoder.encode(event, to: &buffer)
            self = .chat(encoder)
        }
    }
}
