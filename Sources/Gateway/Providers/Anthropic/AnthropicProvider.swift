// AnthropicProvider.swift — settings of whoever serves Anthropic's Messages, and the way in.
// Pure. Made by Config, dispatched to by Catalog.

import GatewayModel
import ReactorCore

/// A server that speaks Messages.
package struct AnthropicProvider: Sendable {
    /// Where version, model and stream are said.
    package enum Flavour: Equatable, Sendable {
        /// Anthropic's own: version and betas in the head, the rest in the body.
        case native
        /// Vertex AI: the model and whether it streams are in the target, which the host writes;
        /// version and betas are in the body.
        case vertex
        /// Bedrock's form of a body, which Salesforce takes too: neither model nor stream.
        case bedrock

        /// Whether a URL of an image or document is fetched there.
        var fetchesURLs: Bool { self == .native }
    }

    package var flavour: Flavour
    /// Empty: that of the flavour.
    package var version = ""
    package var betas: [String]
    package var rules: [AnthropicCapabilityRule]

    package init(
        flavour: Flavour = .native, version: String = "", betas: [String] = [],
        rules: [AnthropicCapabilityRule] = []
    ) {
        self.flavour = flavour
        self.version = version
        self.betas = betas
        self.rules = rules
    }

    /// Whether a client's own Messages can be passed on as they are: elsewhere model and version
    /// have other places.
    package var relays: Bool { flavour == .native }

    var effectiveVersion: String {
        if !version.isEmpty { return version }
        return switch flavour {
        case .native: "2023-06-01"
        case .vertex: "vertex-2023-10-16"
        case .bedrock: "bedrock-2023-05-31"
        }
    }

    /// What is known of a model here.
    package func capabilities(of model: ByteSlice) -> AnthropicCapabilities {
        var capabilities = AnthropicCapabilities(model: model)
        // Schemas are confirmed for Anthropic's own servers only.
        if flavour != .native { capabilities.hasOutputSchema = false }
        capabilities.apply(rules, to: model)
        return capabilities
    }

    /// This dialect demands a bound, so there always is one; and few models think unasked.
    func pace(of model: ByteSlice) -> ModelPace {
        let capabilities = capabilities(of: model)
        return ModelPace(
            outputTokensMax: capabilities.outputTokensDefault,
            reasons: capabilities.thinking == .always)
    }
}
