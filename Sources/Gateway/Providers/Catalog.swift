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
    /// Anthropic's Messages, wherever they are served.
    case anthropic(AnthropicProvider)
    /// The Gemini Developer API.
    case gemini(GeminiProvider)
    /// Vertex AI with all its surfaces.
    case vertex(VertexProvider)
    /// Salesforce's Models API and LLM gateway.
    case salesforce(SalesforceProvider)
    /// The web session of SambaNova.
    case sambaNovaWeb(SambaNovaWebProvider)

    /// Whether requests of this dialect are passed on as they are.
    package func relays(_ dialect: Dialect) -> Bool {
        switch self {
        // What departs from OpenAI's own has to be brought into its form.
        case .openAI(let provider): provider.relays(dialect)
        case .anthropic(let provider): dialect == .messages && provider.relays
        case .gemini, .vertex, .salesforce, .sambaNovaWeb: false
        }
    }

    /// What it speaks to a model.
    package func dialect(of model: ByteSlice) -> Dialect {
        switch self {
        case .openAI: .chat
        case .anthropic: .messages
        case .gemini: .gemini
        case .vertex:
            switch VertexProvider.surface(of: model) {
            case .gemini: .gemini
            case .anthropic: .messages
            case .openAI: .chat
            }
        case .salesforce: .salesforce
        case .sambaNovaWeb: .sambaNovaWeb
        }
    }

    /// Whether it takes text alone, so that tools must be told in the prompt.
    package func isTextOnly(_ settings: ModelSettings) -> Bool {
        switch self {
        case .openAI, .anthropic, .gemini, .vertex: false
        case .salesforce(let provider): (settings.surface ?? provider.surface) == .models
        case .sambaNovaWeb: true
        }
    }

    /// Whether it is SambaNova's web session, for whoever asks by the first gateway's words.
    package var isSambaNovaWeb: Bool {
        if case .sambaNovaWeb = self { return true }
        return false
    }

    /// What a model does here with a request that says nothing of its answer's length and thoughts.
    package func pace(of model: ByteSlice, _ settings: ModelSettings) -> ModelPace {
        switch self {
        case .openAI: ModelPace()
        case .anthropic(let provider): provider.pace(of: model)
        case .gemini(let provider): provider.pace(of: model)
        case .vertex(let provider): provider.pace(of: model)
        case .salesforce(let provider): provider.pace(settings)
        case .sambaNovaWeb: SambaNovaWebProvider.pace
        }
    }

    /// Writes `request` in the provider's words.
    /// - Throws: a failure that tells the caller what the provider cannot be asked for.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        switch self {
        case .openAI(let provider): try provider.encode(request, context, into: &call)
        case .anthropic(let provider): try provider.encode(request, context, into: &call)
        case .gemini(let provider): try provider.encode(request, context, into: &call)
        case .vertex(let provider): try provider.encode(request, context, into: &call)
        case .salesforce(let provider): try provider.encode(request, context, into: &call)
        case .sambaNovaWeb(let provider): try provider.encode(request, context, into: &call)
        }
    }
}

/// A way in which answers are spelled.
package enum AnswerCodec: Equatable, Sendable {
    case chat
    /// With the answer's text in the arguments of a tool, where that was the only way to a schema.
    case messages(isAnswerInTool: Bool)
    case gemini
    case salesforce

    /// Reads a whole answer under a status of success; emits events that end with `ended` or
    /// `failed`.
    package func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch self {
        case .chat: ChatResponseDecoder.decode(body, context, emit)
        case .messages(let isAnswerInTool):
            AnthropicResponseDecoder.decode(body, isAnswerInTool: isAnswerInTool, context, emit)
        case .gemini: GeminiResponseDecoder.decode(body, context, emit)
        case .salesforce: SalesforceResponseDecoder.decode(body, context, emit)
        }
    }

    /// A decoder for a stream under a status of success.
    package func openStream() -> ProviderStreamDecoder {
        switch self {
        case .chat: .chat(ChatStreamDecoder())
        case .messages(let isAnswerInTool):
            .messages(AnthropicStreamDecoder(isAnswerInTool: isAnswerInTool))
        case .gemini: .gemini(GeminiStreamDecoder())
        case .salesforce: .salesforce(SalesforceStreamDecoder())
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
        case .messages:
            AnthropicErrorDecoder.decode(
                status: status, body: body, retryAfter: retryAfter, secret: secret)
        case .gemini:
            GeminiErrorDecoder.decode(
                status: status, body: body, retryAfter: retryAfter, secret: secret)
        case .salesforce:
            SalesforceErrorDecoder.decode(
                status: status, body: body, retryAfter: retryAfter, secret: secret)
        }
    }
}

/// The decoder of one stream.
package enum ProviderStreamDecoder: ~Copyable {
    case chat(ChatStreamDecoder)
    case messages(AnthropicStreamDecoder)
    case gemini(GeminiStreamDecoder)
    case salesforce(SalesforceStreamDecoder)

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch consume self {
        case .chat(var decoder):
            decoder.decode(event, context, emit)
            self = .chat(decoder)
        case .messages(var decoder):
            decoder.decode(event, context, emit)
            self = .messages(decoder)
        case .gemini(var decoder):
            decoder.decode(event, context, emit)
            self = .gemini(decoder)
        case .salesforce(var decoder):
            decoder.decode(event, context, emit)
            self = .salesforce(decoder)
        }
    }

    package mutating func finish(
        _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        switch consume self {
        case .chat(var decoder):
            decoder.finish(context, emit)
            self = .chat(decoder)
        case .messages(var decoder):
            decoder.finish(context, emit)
            self = .messages(decoder)
        case .gemini(var decoder):
            decoder.finish(context, emit)
            self = .gemini(decoder)
        case .salesforce(var decoder):
            decoder.finish(context, emit)
            self = .salesforce(decoder)
        }
    }

    package var isOver: Bool {
        switch self {
        case .chat(let decoder): decoder.isOver
        case .messages(let decoder): decoder.isOver
        case .gemini(let decoder): decoder.isOver
        case .salesforce(let decoder): decoder.isOver
        }
    }
}
