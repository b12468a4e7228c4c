import GatewayProviders
import Testing

@Suite struct TokenEndpointTests {
    @Test(
        arguments: [
            ("https://Acme.My.Salesforce.com", "https://acme.my.salesforce.com", 443),
            ("https://a:443/x", "https://a/x", 443), ("http://a:8080", "http://a:8080", 8080),
            ("HTTP://127.0.0.1/", "http://127.0.0.1/", 80),
            ("https://[::1]:8443/t/u", "https://[::1]:8443/t/u", 8443),
        ])
    func reads(text: String, url: String, port: Int) {
        let endpoint = TokenEndpoint.parse(text)
        #expect(endpoint?.url == url)
        #expect(endpoint?.port == port)
    }

    @Test(
        arguments: [
            "", "a.b", "ftp://a", "https://", "https:///x", "https://a b", "https://a@b",
            "https://a?b", "https://a#b", "https://a:", "https://a:0", "https://a:65536",
            "https://a:-1", "https://a:1x", "https://.a", "https://a..b", "https://[::1",
            "https://[a]", "https://[::1]x", "https://a\r\nb", "https://ä", "https://a_b",
            "https://a\\b", "https://a/\u{7f}",
        ])
    func refuses(text: String) {
        #expect(TokenEndpoint.parse(text) == nil)
    }

    @Test func knowsWhatOthersCanRead() {
        #expect(TokenEndpoint.parse("http://a")?.isExposed == true)
        for url in ["https://a", "http://localhost:1", "http://127.0.0.1", "http://[::1]"] {
            #expect(TokenEndpoint.parse(url)?.isExposed == false)
        }
    }
}
