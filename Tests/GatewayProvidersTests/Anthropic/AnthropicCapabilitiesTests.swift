import GatewayProviders
import ReactorCore
import Testing

@Suite struct AnthropicCapabilitiesTests {
    private func capabilities(_ model: String) -> AnthropicCapabilities {
        model.withByteSlice { AnthropicCapabilities(model: $0) }
    }

    /// Thinking, sampling, prefill, own schema.
    @Test(
        arguments: [
            ("claude-3-haiku-20240307", .none, true, true, false),
            ("claude-3-5-sonnet-20241022", .none, true, true, false),
            ("claude-3-7-sonnet-latest", .budget, true, true, false),
            ("claude-sonnet-4-20250514", .budget, true, true, false),
            ("claude-sonnet-4@20250514", .budget, true, true, false),
            ("claude-opus-4-1-20250805", .budget, true, true, true),
            ("claude-haiku-4-5", .budget, true, true, true),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", .budget, true, true, true),
            ("sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet", .budget, true, true, true),
            ("sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet", .budget, true, true, false),
            ("claude-opus-4-6", .adaptive, true, false, true),
            ("claude-sonnet-4-6", .adaptive, true, false, true),
            ("claude-opus-4-7", .adaptive, false, false, true),
            ("claude-sonnet-5", .adaptive, false, false, true),
            ("claude-opus-5-5-20260801", .always, false, false, true),
            ("my-alias", .budget, true, true, true),
            ("claude", .budget, true, true, true),
        ] as [(String, AnthropicCapabilities.ThinkingMode, Bool, Bool, Bool)])
    func knowsGenerations(
        _ model: String, _ thinking: AnthropicCapabilities.ThinkingMode, _ sampling: Bool,
        _ prefill: Bool, _ schema: Bool
    ) {
        let known = capabilities(model)
        #expect(known.thinking == thinking)
        #expect(known.allowsSampling == sampling)
        #expect(known.allowsPrefill == prefill)
        #expect(known.hasOutputSchema == schema)
        #expect(known.outputTokensDefault <= known.outputTokensMax)
    }

    @Test func letsTheOperatorSpeakLast() {
        var all = AnthropicCapabilityRule(pattern: "claude-*")
        all.allowsSampling = false
        all.outputTokensMax = 1000
        var one = AnthropicCapabilityRule(pattern: "claude-3-opus")
        one.thinking = .adaptive
        let provider = AnthropicProvider(rules: [all, one])
        "claude-3-opus".withByteSlice { model in
            let known = provider.capabilities(of: model)
            #expect(!known.allowsSampling)
            #expect(known.thinking == .adaptive)
            #expect((known.outputTokensDefault, known.outputTokensMax) == (1000, 1000))
        }
        "claude-3".withByteSlice { #expect(provider.capabilities(of: $0).thinking == .none) }
        "other".withByteSlice { #expect(provider.capabilities(of: $0).allowsSampling) }
    }
}
