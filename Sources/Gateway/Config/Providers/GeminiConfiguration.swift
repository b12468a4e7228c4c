// GeminiConfiguration.swift — settings of the Gemini Developer API, as values.

import GatewayModel

/// Google's Gemini with an API key.
package struct GeminiConfiguration: Sendable {
    package var baseURL = BaseURL(host: "generativelanguage.googleapis.com")
    /// Sent as `x-goog-api-key`; nil: no credential is sent.
    package var apiKey: Secret?
    /// The first part of every path.
    package var apiVersion = "v1beta"
    package var upstream = UpstreamConfiguration()

    package init() {}
}
