// EmbeddingCatalog.swift — which provider makes vectors, and in which words: the rows of Catalog for
// embeddings. A new provider is a case here.
// Pure. Imported by Exchange.

import GatewayCodec
import GatewayModel
import ReactorCore

/// A way in which answers with vectors are spelled.
package enum EmbeddingCodec: Equatable, Sendable {
    case openAI
    /// embedContent and batchEmbedContents.
    case gemini
    /// Vertex AI's predict.
    case vertex
    case salesforce

    /// Reads a whole answer under a status of success.
    /// - Parameter inputCount: how many inputs the request had.
    package func decode(
        _ body: ByteSlice, inputCount: Int, _ context: ProviderContext
    ) throws(Failure) -> EmbeddingResponse {
        switch self {
        case .openAI:
            try OpenAIEmbeddings.decode(body, inputCount: inputCount, context)
        case .gemini:
            try GeminiEmbeddings.decode(body, inputCount: inputCount, context)
        case .vertex:
            try GeminiEmbeddings.decode(predictions: body, inputCount: inputCount, context)
        case .salesforce:
            try SalesforceEmbeddings.decode(body, inputCount: inputCount, context)
        }
    }

    /// What an answer with a status of failure means.
    /// - Parameter retryAfter: the value of that header.
    package func failure(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        answers.failure(status: status, body: body, retryAfter: retryAfter, secret: secret)
    }

    /// How the same provider spells everything else.
    private var answers: AnswerCodec {
        switch self {
        case .openAI: .chat
        case .gemini, .vertex: .gemini
        case .salesforce: .salesforce
        }
    }
}

extension Provider {
    /// Whether requests of OpenAI's embeddings are passed on as they are.
    package var relaysEmbeddings: Bool {
        switch self {
        case .openAI(let provider): provider.quirks.isEmpty
        case .anthropic, .gemini, .vertex, .salesforce, .sambaNovaWeb: false
        }
    }

    /// Writes `request` in the provider's words.
    /// - Returns: how the answer will be spelled.
    /// - Throws: a failure that tells the caller what the provider cannot be asked for.
    package func encode(
        _ request: EmbeddingRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) -> EmbeddingCodec {
        switch self {
        case .openAI(let provider):
            try OpenAIEmbeddings.encode(request, context, provider.quirks, into: &call)
            return .openAI
        case .gemini(let provider):
            try GeminiEmbeddings.encode(request, context, provider, into: &call)
            return .gemini
        case .vertex(let provider):
            guard VertexProvider.surface(of: context.model) == .gemini else {
                throw Self.noEmbeddings(of: "this model at Vertex AI")
            }
            return try GeminiEmbeddings.encode(
                request, context, vertex: provider.gemini, into: &call)
        case .salesforce:
            try SalesforceEmbeddings.encode(request, context, into: &call)
            return .salesforce
        case .anthropic: throw Self.noEmbeddings(of: "Anthropic")
        case .sambaNovaWeb: throw Self.noEmbeddings(of: "SambaNova's web session")
        }
    }

    private static func noEmbeddings(of name: String) -> Failure {
        Failure(
            .unsupportedParameter,
            "There are no embeddings of \(name): choose a model of another provider.",
            parameter: "model")
    }
}
