// OpenAIConfiguration.swift — settings of a provider that speaks OpenAI's language, as values.

import GatewayModel

/// Any server with OpenAI's API.
package struct OpenAIConfiguration: Sendable {
    package var baseURL = BaseURL(host: "api.openai.com", pathPrefix: "/v1")
    /// Nil: no credential is sent.
    package var apiKey: Secret?
    package var upstream = UpstreamConfiguration()

    package init() {}
}
