// Catalog.swift — every provider that can be configured, and every way in which one answers: the
// two closed enums that dispatch. A new provider is a case here, and the compiler lists the rest.
// Pure. Imported by Exchange and Config.

import GatewayCodec
import GatewayModel
import ReactorCore

/// A provider's settings, by what it speaks.
package enum Provider {
    /// Any server that speaks OpenAI's chat dialect, the simulator included.
    case openAI(OpenAIProvider)

    /// The dialect in which this provider answers requests for `model`.
    package func dialect(for model: ByteSlice) -> Dialect {
        switch self {
        case .openAI: .chat
        }
    }

    /// Writes `request` in the provider's words.
    /// - Throws: a failure that tells the caller what the provider cannot be asked for.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        switch self {
        case .openAI(let provider): try provider.encode(request, context, into: &call)
        }
    }
}

/// A way in which answers are spelled.
package enum AnswerCodec: Equatable, Sendable {
    case chat

    /// Reads a whole answer under a status of success; emits events that end with `ended` or
    /// `failed`.
    package func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch self {
        case .chat: ChatResponseDecoder.decode(body, context, emit)
        }
    }

    /// A decoder for a stream under a status of success.
    package func openStream() -> ProviderStreamDecoder {
        switch self {
        case .chat: .chat(ChatStreamDecoder())
        }
    }

    /// What an answer with a status of failure means.
    /// - Parameter retryAfter: the value of that header.
    package func failure(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        switch self {
        case .chat:
            UpstreamErrorDecoder.decode(
                status: status, body: body, retryAfter: retryAfter, secret: secret)
        }
    }
}

/// The decoder of one stream.
package enum ProviderStreamDecoder: ~Copyable {
    case chat(ChatStreamDecoder)

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch consume self {
        case .chat(var decoder):
            decoder.decode(event, context, emit)
            self = .chat(decoder)
        }
    }

    package mutating func finish(
        _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch consume self {
        case .chat(var decoder):
            decoder.finish(context, emit)
            self = .chat(decoder)
        }
    }

    package var isOver: Bool {
        switch self {
        case .chat(let decoder): decoder.isOver
        }
    }
}
