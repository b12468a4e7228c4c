// VertexConfiguration.swift — settings of Vertex AI, as values, and where its credentials are found.
// Nothing is opened here: whether a file exists is handed in.

import GatewayWire

/// Google's Vertex AI. The model's name decides the interface: `gemini-*` and `claude-*` are
/// publisher models, anything else goes to the OpenAI-compatible endpoint.
package struct VertexConfiguration: Sendable {
    /// Never empty once loaded.
    package var project = ""
    package var location = "us-central1"
    /// A service account's or an authorized user's; nil: Application Default Credentials.
    package var credentialsFile: String?
    /// Nil: the location's.
    package var baseURL: BaseURL?
    /// Nil: the one that the credentials name.
    package var tokenURL: BaseURL?
    /// Tokens are refreshed after so long even if they hold for longer; nil: ahead of their end only.
    package var refreshInterval: Duration?
    package var upstream = UpstreamConfiguration()

    package init() {}

    /// Where requests go: one host for each region, one for all, one for each multi-region.
    package var effectiveBaseURL: BaseURL {
        if let baseURL { return baseURL }
        switch location {
        case "global": return BaseURL(host: "aiplatform.googleapis.com")
        case "us", "eu": return BaseURL(host: "aiplatform.\(location).rep.googleapis.com")
        default: return BaseURL(host: "\(location)-aiplatform.googleapis.com")
        }
    }
}

/// Where Google's own programs find credentials when they are told nothing.
package struct GoogleDefaultCredentials: Equatable, Sendable {
    /// What `GOOGLE_APPLICATION_CREDENTIALS` names.
    package var namedFile: String?
    /// What `gcloud auth application-default login` writes.
    package var wellKnownFile: String?
    /// Host, and port if it is not 80, of the machine's metadata server.
    package var metadataHost = "\(GoogleCredentialsWire.metadataHost)"

    package init() {}
}

/// Where a token's credentials come from.
package enum GoogleCredentialsSource: Equatable, Sendable {
    case file(String)
    case metadataServer(host: String)
}

extension VertexConfiguration {
    /// The credentials to use: the configured file; else the named, the well-known one, and the
    /// metadata server (Application Default Credentials). A file that somebody named is used even
    /// if it does not exist: opening it says so.
    package func credentials(
        default defaults: GoogleDefaultCredentials, exists: (String) -> Bool
    ) -> GoogleCredentialsSource {
        if let file = credentialsFile ?? defaults.namedFile { return .file(file) }
        if let file = defaults.wellKnownFile, exists(file) { return .file(file) }
        return .metadataServer(host: defaults.metadataHost)
    }
}
