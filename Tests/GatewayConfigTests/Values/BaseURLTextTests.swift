import Testing

@testable import GatewayConfig

@Suite struct BaseURLTextTests {
    @Test func cutsAURL() throws {
        let cases: [(String, BaseURL, String)] = [
            (
                "https://api.openai.com/v1",
                BaseURL(usesTLS: true, host: "api.openai.com", port: 443, pathPrefix: "/v1"),
                "api.openai.com"
            ),
            (
                "HTTP://Local:11434/a/b//",
                BaseURL(usesTLS: false, host: "local", port: 11434, pathPrefix: "/a/b"),
                "local:11434"
            ),
            (
                "http://[::1]:80/", BaseURL(usesTLS: false, host: "::1", port: 80, pathPrefix: ""),
                "[::1]"
            ),
            (
                "https://[fe80::1]",
                BaseURL(usesTLS: true, host: "fe80::1", port: 443, pathPrefix: ""), "[fe80::1]"
            ),
        ]
        for (text, url, authority) in cases {
            #expect(try BaseURLText.parse(text) == url)
            #expect(url.authority == authority)
            #expect(try BaseURLText.parse(url.description) == url)
        }
    }

    @Test(arguments: [
        "", "api.openai.com", "ftp://a", "https://", "https:///v1", "https://a b", "https://a?x=1",
        "https://a/v1#x", "https://u:p@a", "https://a:0", "https://a:65536", "https://a:x",
        "https://a:", "https://[::1", "https://[a]", "https://[::1]x", "https://a/\u{e9}",
        "https://a/v1\r\nx: y",
    ])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try BaseURLText.parse(text) }
    }

    @Test func readsOrigins() throws {
        #expect(try BaseURLText.origin("*") == "*")
        #expect(try BaseURLText.origin("https://App.example:8443") == "https://app.example:8443")
        for text in ["app.example", "https://app.example/", "https://app.example/x", "null"] {
            #expect(throws: Refusal.self, "\(text)") { try BaseURLText.origin(text) }
        }
    }
}
