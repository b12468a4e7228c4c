import GatewayConfig
import Testing

@Suite struct VertexConfigurationTests {
    @Test(arguments: [
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
    ])
    func aLocationHasItsHost(location: String, url: String) {
        var settings = VertexConfiguration()
        settings.location = location
        #expect(settings.effectiveBaseURL.description == url)
    }

    /// The configured file, the named one, the well-known one if it exists, the machine's.
    @Test func credentialsAreLookedForInOrder() {
        var settings = VertexConfiguration()
        settings.credentialsFile = "configured"
        var defaults = GoogleDefaultCredentials()
        defaults.namedFile = "named"
        defaults.wellKnownFile = "known"
        defaults.metadataHost = "host"
        func source(existing: Set<String>) -> GoogleCredentialsSource {
            settings.credentials(default: defaults, exists: existing.contains)
        }
        #expect(source(existing: ["named", "known"]) == .file("configured"))
        settings.credentialsFile = nil
        #expect(source(existing: ["known"]) == .file("named"))
        defaults.namedFile = nil
        #expect(source(existing: ["known"]) == .file("known"))
        #expect(source(existing: []) == .metadataServer(host: "host"))
        defaults.wellKnownFile = nil
        #expect(source(existing: ["known"]) == .metadataServer(host: "host"))
    }

    @Test func theEnvironmentSaysWhereDefaultsAre() throws {
        func credentials(_ environment: [String: String]) throws -> GoogleDefaultCredentials {
            try load("", environment).configuration.googleCredentials
        }
        #expect(try credentials([:]) == GoogleDefaultCredentials())
        #expect(GoogleDefaultCredentials().metadataHost == "metadata.google.internal")
        var expected = GoogleDefaultCredentials()
        expected.wellKnownFile = "/home/me/.config/gcloud/application_default_credentials.json"
        #expect(try credentials(["HOME": "/home/me"]) == expected)
        expected.namedFile = "sa.json"
        expected.wellKnownFile = "/gcloud/application_default_credentials.json"
        expected.metadataHost = "127.0.0.1:9"
        #expect(
            try credentials([
                "HOME": "/home/me", "CLOUDSDK_CONFIG": "/gcloud",
                "GOOGLE_APPLICATION_CREDENTIALS": "sa.json", "GCE_METADATA_HOST": "127.0.0.1:9",
            ]) == expected)
    }
}
