// VertexProvider.swift — Vertex AI: one host, three dialects, chosen by the model's name. Gemini's
// own, Anthropic's for Claude, OpenAI's chat for the models of other publishers. The credential is
// a bearer token for all of them (`RequestHead.CredentialField.bearer`).
// Pure. Lies beside the dialects' folders because it names several. Imported by Catalog and Config.

import GatewayModel
import GatewayWire
import ReactorCore

/// Vertex AI in one project and location.
package struct VertexProvider: Sendable {
    /// Which of its surfaces serves a model.
    package enum Surface: Equatable, Sendable {
        /// `publishers/google`: generateContent.
        case gemini
        /// `publishers/anthropic`: Messages, as `rawPredict`.
        case anthropic
        /// `endpoints/openapi`: chat completions, for `publisher/model`.
        case openAI
    }

    package let project: String
    /// `global`, `us`, `eu`, or a region.
    package let location: String
    /// Its host is that of the location, its version is for all surfaces.
    package var gemini: GeminiProvider
    package var anthropic: AnthropicProvider

    package init(
        project: String, location: String = "us-central1", apiVersion: String? = nil,
        overrides: [GeminiCapabilities.Override] = [],
        anthropic: AnthropicProvider = AnthropicProvider(flavour: .vertex)
    ) {
        self.project = project
        self.location = location
        gemini = GeminiProvider(
            host: .vertex(project: project, location: location), apiVersion: apiVersion,
            overrides: overrides)
        self.anthropic = anthropic
    }

    /// Where the API lies if nothing else is configured.
    package var defaultBaseURL: String { gemini.defaultBaseURL }

    /// The surface for a model: `claude-...`, `publisher/model`, or Google's own.
    package static func surface(of model: ByteSlice) -> Surface {
        let name = GeminiProvider.bare(model)
        if name.hasPrefix("claude-") { return .anthropic }
        return name.firstIndex(of: UInt8(ascii: "/")) == nil ? .gemini : .openAI
    }

    func pace(of model: ByteSlice) -> ModelPace {
        switch Self.surface(of: model) {
        case .gemini: gemini.pace(of: model)
        case .anthropic: anthropic.pace(of: model)
        case .openAI: ModelPace()
        }
    }

    /// Writes `request` in the words of the model's surface.
    /// - Throws: a failure that tells the caller what the surface cannot be asked for.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        switch Self.surface(of: context.model) {
        case .gemini: try gemini.encode(request, context, into: &call)
        case .anthropic:
            try anthropic.encode(request, context, into: &call)
            let method = request.streams ? GeminiWire.streamRawPredict : GeminiWire.rawPredict
            gemini.appendTarget(
                of: context.model, publisher: "anthropic", method, to: &call.target)
        case .openAI:
            let isGoogle = context.model.hasPrefix("google/")
            let provider = OpenAIProvider(quirks: isGoogle ? .thoughtSignatures : [])
            try provider.encode(request, context, into: &call)
            call.target.removeAll()
            gemini.appendLocation(project, location, to: &call.target)
            call.target.append(GeminiWire.openAIChat)
        }
    }
}
