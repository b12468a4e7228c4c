// SalesforceProvider.swift — Salesforce's models behind their two surfaces.
// Pure. Named in Catalog; lies beside the dialects' folders because it names two. Facts: Salesforce's
// Models API guide for the surface `models`; the surface `llm-gateway` is known from client code
// only and not verified against the live service.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One org's settings.
package struct SalesforceProvider: Sendable {
    /// The surface of models for which nothing else is said.
    package var surface = UpstreamSurface.models
    /// Where a request asks for no limit, and no chance (seed row S8). Only the LLM gateway takes them.
    package var tokensMax = 256
    package var temperature = 0.7
    /// A JSON object; empty: nothing is sent, which means en_US.
    package var localization: [UInt8] = []

    package init() {}

    /// Its gateway is told a bound with every request.
    func pace(_ settings: ModelSettings) -> ModelPace {
        (settings.surface ?? surface) == .llmGateway
            ? ModelPace(outputTokensMax: tokensMax) : ModelPace()
    }

    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        guard request.choiceCount == 1 else {
            throw Failure(
                .unsupportedParameter, "Salesforce gives one answer to a request: n must be 1.",
                parameter: "n")
        }
        switch context.settings.surface ?? surface {
        case .models:
            try SalesforceModelsEncoder(self, request, context).encode(into: &call)
        case .llmGateway where Self.isClaude(context.model):
            try encodeForClaude(request, context, into: &call)
        case .llmGateway:
            try SalesforceChatEncoder(self, request, context).encode(into: &call)
        }
        call.fields.append(SalesforceWire.headerFields)
    }

    /// The gateway takes Anthropic's own bodies for Anthropic's models: images and thoughts too.
    private func encodeForClaude(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        var request = request
        if request.sampling.outputTokensMax == nil { request.sampling.outputTokensMax = tokensMax }
        let isThinking = request.reasoning.map { !$0.isOff } ?? false
        if request.sampling.temperature == nil, !isThinking {
            request.sampling.temperature = temperature
        }
        try AnthropicProvider(flavour: .bedrock).encode(request, context, into: &call)
        call.hasFrames = true
        call.target.append(SalesforceWire.gatewayModel)
        call.target.append(pathSegment: context.model)
        call.target.append(
            request.streams ? SalesforceWire.invokeStream : SalesforceWire.invoke)
    }

    static func isClaude(_ model: ByteSlice) -> Bool { model.contains("Claude") }
}

extension ByteSlice {
    fileprivate func contains(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        for start in 0...(count - length) where dropFirst(start).hasPrefix(word) { return true }
        return false
    }
}
