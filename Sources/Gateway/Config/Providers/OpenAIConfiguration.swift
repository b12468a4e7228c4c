// OpenAIConfiguration.swift — settings of a provider that speaks OpenAI's language, as values.

import GatewayModel

/// Any server with OpenAI's API.
package struct OpenAIConfiguration: Sendable {
    package var baseURL = BaseURL(host: "api.openai.com", pathPrefix: "/v1")
    /// Nil: no credential is sent.
    package var apiKey: Secret?
    /// Nil: only at OpenAI's own host.
    package var servesResponses: Bool?
    package var upstream = UpstreamConfiguration()

    package init() {}

    /// Whether requests of the responses dialect are passed on as they are.
    package var relaysResponses: Bool {
        servesResponses ?? (baseURL.host == OpenAIConfiguration().baseURL.host)
    }
}
