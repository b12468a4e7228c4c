import GatewayProviders
import ReactorCore
import Testing

@Suite struct GeminiProviderTests {
    @Test(arguments: [
        ("us-central1", "https://us-central1-aiplatform.googleapis.com/v1"),
        ("global", "https://aiplatform.googleapis.com/v1"),
        ("", "https://aiplatform.googleapis.com/v1"),
        ("us", "https://aiplatform.us.rep.googleapis.com/v1"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com/v1"),
    ])
    func knowsWhereVertexLies(_ location: String, _ url: String) {
        let provider = GeminiProvider(host: .vertex(project: "p", location: location))
        #expect(provider.defaultBaseURL == url)
    }

    @Test func knowsTheDeveloperAPI() {
        #expect(
            GeminiProvider().defaultBaseURL == "https://generativelanguage.googleapis.com/v1beta")
        #expect(GeminiProvider(apiVersion: "v1").defaultBaseURL.hasSuffix(".com/v1"))
    }

    @Test(arguments: [
        ("gemini-2.5-pro", "/models/gemini-2.5-pro:m"),
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro:m"),
        ("a/../b?key=x#y z\r\n", "/models/a%2F..%2Fb%3Fkey%3Dx%23y%20z%0D%0A:m"),
        ("claude-x@20250929", "/models/claude-x@20250929:m"),
        ("é:", "/models/%c3%a9%3A:m"),
    ])
    func staysWithinOneSegment(_ model: String, _ target: String) {
        var found = ByteBuffer()
        model.withByteSlice {
            GeminiProvider().appendTarget(of: $0, publisher: "google", ":m", to: &found)
        }
        #expect(found.string.lowercased() == target.lowercased())
    }

    @Test func namesProjectAndLocation() {
        var found = ByteBuffer()
        let model = ByteSlice("x")
        GeminiProvider(host: .vertex(project: "p", location: "")).appendTarget(
            of: model, publisher: "anthropic", ":m", to: &found)
        #expect(found.string == "/projects/p/locations/global/publishers/anthropic/models/x:m")
        found.removeAll()
        GeminiProvider(host: .vertex(project: "", location: "global")).appendTarget(
            of: model, publisher: "google", ":m", to: &found)
        #expect(found.string == "/publishers/google/models/x:m")
    }
}
