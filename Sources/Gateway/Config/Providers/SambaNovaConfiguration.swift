// SambaNovaConfiguration.swift — settings of SambaNova's two ways in, as values.

import GatewayModel

/// The official API.
package struct SambaNovaConfiguration: Sendable {
    package var baseURL = BaseURL(host: "api.sambanova.ai", pathPrefix: "/v1")
    /// Nil: no credential is sent.
    package var apiKey: Secret?
    package var upstream = sambaNovaUpstream

    package init() {}
}

/// The session of a person at the web site. Not verified against the live service.
package struct SambaNovaWebConfiguration: Sendable {
    /// Never empty once loaded.
    package var email = ""
    /// Never empty once loaded.
    package var password = Secret("")
    package var completionURL = BaseURL(host: "cloud.sambanova.ai", pathPrefix: "/api/completion")
    package var modelsURL = BaseURL(host: "api.sambanova.ai", pathPrefix: "/v1/models")
    /// Where a log-in learns its other addresses.
    package var configURL = BaseURL(host: "cloud.sambanova.ai", pathPrefix: "/api/config")
    package var fingerprintPrefix = "anon_"
    /// How long a session is taken to last where it does not tell.
    package var tokenCacheTime: Duration = .seconds(604_800)
    /// Tokens are refreshed after so long even if they hold for longer; nil: ahead of their end only.
    package var refreshInterval: Duration?
    package var upstream = sambaNovaUpstream

    package init() {}
}

/// The earlier proxy kept up to 50 connections.
private let sambaNovaUpstream: UpstreamConfiguration = {
    var upstream = UpstreamConfiguration()
    upstream.pool.idleMax = 50
    return upstream
}()
