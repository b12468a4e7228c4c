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
    case responses
    case completions

    /// What it is called where requests are counted.
    package var name: StaticString {
        switch self {
        case .chat: "chat"
        case .completions: "completions"
        case .messages: "messages"
        case .responses: "responses"
        }
    }

    /// What its clients speak.
    package var dialect: Dialect {
        switch self {
        case .chat: .chat
        case .messages: .messages
        case .responses: .responses
        case .completions: .completions
        }
    }

    /// Reads what decides a request's way.
    package func scan(_ body: ByteSlice) throws(Failure) -> DoorScan {
        switch self {
        case .chat: .chat(try ChatRequestScan.scan(body))
        case .messages: .messages(try MessagesRequestScan.scan(body))
        case .responses: .responses(try ResponsesRequestScan.scan(body))
        case .completions: .completions(try CompletionRequestScan.scan(body))
        }
    }

    /// Reads a whole request.
    /// - Parameters:
    ///   - provider: the name of the provider that will answer.
    ///   - recalled: what the store had of the conversation; must live as long as the request.
    package func decode(
        _ root: JSONValue, provider: ByteSlice = .empty, recalled: JSONValue? = nil
    ) throws(Failure) -> ModelRequest {
        switch self {
        case .chat: try ChatRequestDecoder.decode(root)
        case .messages: try MessagesRequestDecoder.decode(root)
        case .responses:
            try ResponsesRequestDecoder.decode(root, provider: provider, recalled: recalled)
        case .completions: try CompletionRequestDecoder.decode(root)
        }
    }

    /// Reads a request's tools and nothing else of it.
    /// - Parameter withChoice: whether the choice among them is read, too, and names are those that
    ///   calls have in answers of the same dialect.
    package func decodeTools(
        _ root: JSONValue, withChoice: Bool = false
    ) throws(Failure) -> ModelRequest {
        switch self {
        case .chat: try ChatRequestDecoder.decodeTools(root, withChoice: withChoice)
        case .messages: try MessagesRequestDecoder.decodeTools(root, withChoice: withChoice)
        case .responses: try ResponsesRequestDecoder.decodeTools(root, withChoice: withChoice)
        case .completions: ModelRequest()
        }
    }

    /// Writes a whole answer.
    /// - Parameter keep: gets the answer's items for the store, at the responses door.
    package func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer,
        keep: (ByteSlice) -> Void = { _ in }
    ) {
        switch self {
        case .chat: ChatResponseEncoder.encode(response, context, to: &buffer)
        case .messages: MessagesResponseEncoder.encode(response, context, to: &buffer)
        case .responses:
            ResponsesResponseEncoder.encode(
                response, context, Self.echo(context), provider: context.provider, to: &buffer,
                keep: keep)
        case .completions: CompletionResponseEncoder.encode(response, context, to: &buffer)
        }
    }

    /// An encoder for one stream.
    package func openStream(_ context: AnswerContext) -> DoorStreamEncoder {
        switch self {
        case .chat: .chat(ChatStreamEncoder(context))
        case .messages: .messages(MessagesStreamEncoder(context))
        case .responses:
            .responses(
                ResponsesStreamEncoder(
                    context, Self.echo(context), provider: context.provider))
        case .completions: .completions(CompletionStreamEncoder(context))
        }
    }

    private static func echo(_ context: AnswerContext) -> ResponsesEcho {
        guard let echo = context.echo else {
            preconditionFailure("an answer at the responses door without its request's echo")
        }
        return echo
    }

    /// What fills a silence.
    /// - Parameter hasBegun: whether an event of the answer has been written.
    package func heartbeat(hasBegun: Bool) -> StaticString {
        self == .messages && hasBegun ? MessagesWire.pingEvent : ":ka\n\n"
    }

    /// Whether events of its streams have names.
    package var namesEvents: Bool {
        switch self {
        case .chat, .completions: false
        case .messages, .responses: true
        }
    }
}

/// What decides the way of a request: places and flags, good as long as its body.
package enum DoorScan: Sendable {
    case chat(ChatRequestScan)
    case messages(MessagesRequestScan)
    case responses(ResponsesRequestScan)
    case completions(CompletionRequestScan)
    case embeddings(EmbeddingRequestScan)

    package var isStreaming: Bool {
        switch self {
        case .chat(let scan): scan.isStreaming
        case .messages(let scan): scan.isStreaming
        case .responses(let scan): scan.isStreaming
        case .completions(let scan): scan.isStreaming
        case .embeddings: false
        }
    }

    /// Whether there is at least one tool.
    package var hasTools: Bool { tools != nil }

    /// The array of the tools, if there is at least one.
    package var tools: Range<Int>? {
        switch self {
        case .chat(let scan): scan.tools
        case .messages(let scan): scan.tools
        case .responses(let scan): scan.tools
        case .completions, .embeddings: nil
        }
    }

    /// Whether the client asked for the chunk with the usage.
    package var wantsUsage: Bool {
        switch self {
        case .chat(let scan): scan.wantsUsage
        case .completions(let scan): scan.wantsUsage
        case .messages, .responses, .embeddings: true
        }
    }

    /// The bound on the tokens of an answer; nil where there is none.
    package var outputTokensMax: Int? {
        switch self {
        case .chat(let scan): scan.outputTokensMax
        case .messages(let scan): scan.outputTokensMax
        case .responses(let scan): scan.outputTokensMax
        case .completions(let scan):
            scan.outputTokensMax ?? CompletionRequestDecoder.outputTokensDefault
        case .embeddings: 0
        }
    }

    /// The tokens that it lets its model think; nil where it says nothing of that.
    package var thinkingTokens: Int? {
        switch self {
        case .chat(let scan): scan.thinking.count
        case .messages(let scan): scan.thinking.count
        case .responses(let scan): scan.thinking.count
        case .completions, .embeddings: nil
        }
    }

    /// The model's name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func modelName(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        switch self {
        case .chat(let scan): scan.modelName(in: body, scratch: &scratch)
        case .messages(let scan): scan.modelName(in: body, scratch: &scratch)
        case .responses(let scan): scan.modelName(in: body, scratch: &scratch)
        case .completions(let scan): scan.model.name(in: body, scratch: &scratch)
        case .embeddings(let scan): scan.model.name(in: body, scratch: &scratch)
        }
    }

    /// The edits that make the body the upstream's.
    package func splice(model upstreamModel: ByteSlice?, addingUsage: Bool) -> JSONSplice {
        switch self {
        case .chat(let scan): scan.splice(model: upstreamModel, addingUsage: addingUsage)
        case .messages(let scan): scan.splice(model: upstreamModel)
        case .responses(let scan): scan.splice(model: upstreamModel)
        case .completions(let scan): scan.splice(model: upstreamModel, addingUsage: addingUsage)
        case .embeddings(let scan): scan.splice(model: upstreamModel)
        }
    }
}

/// The encoder of one stream.
package enum DoorStreamEncoder: ~Copyable {
    case chat(ChatStreamEncoder)
    case messages(MessagesStreamEncoder)
    case responses(ResponsesStreamEncoder)
    case completions(CompletionStreamEncoder)

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
        case .responses(var encoder):
            encoder.encode(event, to: &buffer)
            self = .responses(encoder)
        case .completions(var encoder):
            encoder.encode(event, to: &buffer)
            self = .completions(encoder)
        }
    }

    /// Appends the end of a stream that cannot be completed, where the dialect tells it with what it
    /// has told so far. - Returns: false where the door's error type is to write it.
    package mutating func encodeFailure(
        _ failure: Failure, to buffer: inout ByteBuffer
    ) -> Bool {
        switch consume self {
        case .responses(var encoder):
            encoder.encodeFailure(failure, to: &buffer)
            self = .responses(encoder)
            return true
        case .chat(let encoder): self = .chat(encoder)
        case .messages(let encoder): self = .messages(encoder)
        case .completions(let encoder): self = .completions(encoder)
        }
        return false
    }

    /// Why the encoder had to end the stream itself, which says so: the answer is too large.
    package var failure: Failure? {
        switch self {
        case .responses(let encoder): encoder.failure
        default: nil
        }
    }

    /// Hands out the answer's items for the store, once the stream is over.
    package func keep(_ body: (ByteSlice) -> Void) {
        switch self {
        case .responses(let encoder): body(encoder.outputItems)
        default: break
        }
    }
}
