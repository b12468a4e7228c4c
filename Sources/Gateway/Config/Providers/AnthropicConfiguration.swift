// AnthropicConfiguration.swift — settings of a provider that speaks Anthropic's language, as values.

import GatewayModel

/// A server with the Messages API.
package struct AnthropicConfiguration: Sendable {
    /// Without `/v1`, as Anthropic's own clients want it.
    package var baseURL = BaseURL(host: "api.anthropic.com")
    /// Sent as `x-api-key`; nil: no credential is sent.
    package var apiKey: Secret?
    /// `anthropic-version`, where the client sends none.
    package var version = "2023-06-01"
    /// `anthropic-beta`, beside what the client asks for.
    package var betas: [String] = []
    package var upstream = UpstreamConfiguration()

    package init() {}
}
