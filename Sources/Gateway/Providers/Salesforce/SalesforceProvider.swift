// SalesforceProvider.swift — Salesforce's models behind their two surfaces.
// Pure. Named in Catalog. Facts: Salesforce's Models API guide for the surface `models`; the surface
// `llm-gateway` is known from client code only and not verified against the live service.

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
        try AnthropicProvider.bedrock.encode(request, context, into: &call)
        call.target.removeAll()
        call.target.append(SalesforceWire.gatewayModel)
        call.target.append(pathSegment: context.model)
        call.target.append(
            request.streams ? SalesforceWire.invokeStream : SalesforceWire.invoke)
    }

    static func isClaude(_ model: ByteSlice) -> Bool { model.contains("Claude") }
}

extension ByteBuffer {
    /// Appends `text` as one segment of a path: all but RFC 3986's unreserved bytes escaped.
    mutating func append(pathSegment text: ByteSlice) {
        for index in 0..<text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                append(byte)
            default:
                append(UInt8(ascii: "%"))
                append(upperHexDigit: byte >> 4)
                append(upperHexDigit: byte & 0xF)
            }
        }
    }

    private mutating func append(upperHexDigit nibble: UInt8) {
        append(nibble < 10 ? ASCII.zero + nibble : UInt8(ascii: "A") + nibble - 10)
    }
}

extension ByteSlice {
    fileprivate func contains(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        for start in 0...(count - length) where dropFirst(start).hasPrefix(word) { return true }
        return false
    }
}
