import GatewayProviders
import Testing

@Suite struct SalesforceAliasTests {
    private func upstream(_ name: String) -> String? {
        SalesforceAlias.all.first { $0.name == name }?.upstreamModel
    }

    /// Names that earlier gateways promised, and the models that they sent them to.
    @Test(arguments: [
        ("claude-3-haiku", "sfdc_ai__DefaultBedrockAnthropicClaude3Haiku"),
        ("claude-3-sonnet", "sfdc_ai__DefaultBedrockAnthropicClaude37Sonnet"),
        ("claude-4-sonnet", "sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet"),
        ("gpt-4", "sfdc_ai__DefaultGPT4Omni"), ("gpt-4-turbo", "sfdc_ai__DefaultGPT4Omni"),
        ("gpt-4-mini", "sfdc_ai__DefaultOpenAIGPT4OmniMini"),
        ("gpt-3.5-turbo", "sfdc_ai__DefaultOpenAIGPT4OmniMini"),
        ("gemini-pro", "sfdc_ai__DefaultVertexAIGemini25Flash001"),
    ])
    func sendsTheMappedName(name: String, expected: String) {
        #expect(upstream(name) == expected)
    }

    @Test func everyPromisedNameIsServed() {
        let promised = [
            "claude-3-haiku", "claude-3-sonnet", "claude-3-opus", "claude-4-sonnet", "gpt-4",
            "gpt-3.5-turbo", "gemini-pro", "gemini-pro-vision", "gpt-4-mini", "gpt-4-turbo",
            "gemini-flash",
        ]
        #expect(Set(SalesforceAlias.all.map(\.name)) == Set(promised))
        #expect(SalesforceAlias.all.count == promised.count)
    }

    @Test func theMakerIsToldByBothNames() {
        for alias in SalesforceAlias.all {
            #expect(SalesforceAlias.owner(ofUpstreamModel: alias.upstreamModel) == alias.owner)
            if alias.name.hasPrefix("claude") { #expect(alias.owner == "anthropic") }
        }
        #expect(SalesforceAlias.owner(ofUpstreamModel: "my__Model") == nil)
    }
}
