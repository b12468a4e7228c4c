// SalesforceAlias.swift — the short model names that Salesforce's earlier gateway served, and what
// the Models API calls them. Facts only; imported by Config, which makes routes and lists of them.

/// A short name for a model behind Salesforce.
package struct SalesforceAlias: Equatable, Sendable {
    package let name: String
    /// As the Models API spells it.
    package let upstreamModel: String
    /// Who made the model, as `owned_by` says it.
    package let owner: String

    private init(_ name: String, _ upstreamModel: String, _ owner: String) {
        self.name = name
        self.upstreamModel = "sfdc_ai__Default" + upstreamModel
        self.owner = owner
    }

    /// Names that pass as they are.
    package static let upstreamPattern = "sfdc_ai__*"

    /// Where the earlier gateway named a model that the Models API does not list (Claude 3 Opus,
    /// Gemini Pro Vision), the nearest listed one stands for it.
    package static let all = [
        SalesforceAlias("claude-3-haiku", "BedrockAnthropicClaude3Haiku", "anthropic"),
        SalesforceAlias("claude-3-sonnet", "BedrockAnthropicClaude37Sonnet", "anthropic"),
        SalesforceAlias("claude-3-opus", "BedrockAnthropicClaude45Opus", "anthropic"),
        SalesforceAlias("claude-4-sonnet", "BedrockAnthropicClaude4Sonnet", "anthropic"),
        SalesforceAlias("gpt-4", "GPT4Omni", "openai"),
        SalesforceAlias("gpt-4-turbo", "GPT4Omni", "openai"),
        SalesforceAlias("gpt-4-mini", "OpenAIGPT4OmniMini", "openai"),
        SalesforceAlias("gpt-3.5-turbo", "OpenAIGPT4OmniMini", "openai"),
        SalesforceAlias("gemini-pro", "VertexAIGemini25Flash001", "google"),
        SalesforceAlias("gemini-pro-vision", "VertexAIGemini25Flash001", "google"),
        SalesforceAlias("gemini-flash", "VertexAIGemini25Flash001", "google"),
    ]

    /// Who made a model that the Models API knows by this name; nil where the name does not tell.
    package static func owner(ofUpstreamModel name: String) -> String? {
        for (prefix, owner) in [
            ("sfdc_ai__DefaultBedrockAnthropic", "anthropic"),
            ("sfdc_ai__DefaultVertexAI", "google"), ("sfdc_ai__DefaultBedrockAmazon", "amazon"),
            ("sfdc_ai__DefaultBedrockNvidia", "nvidia"), ("sfdc_ai__DefaultOpenAI", "openai"),
            ("sfdc_ai__DefaultAzureOpenAI", "openai"), ("sfdc_ai__DefaultGPT", "openai"),
        ] where name.hasPrefix(prefix) { return owner }
        return nil
    }
}
