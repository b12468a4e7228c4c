import GatewayModel
import Testing

@testable import GatewayConfig

@Suite struct ProxyTextTests {
    private func refusal(_ text: String) -> String? {
        do throws(Refusal) {
            _ = try ProxyText.parse(text)
            return nil
        } catch { return error.reason }
    }

    @Test(arguments: [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("proxy.example:3128", "proxy.example", 3128), ("HTTP://10.0.0.1", "10.0.0.1", 80),
        ("http://[::1]:8080/", "::1", 8080),
    ])
    func addresses(text: String, host: String, port: Int) throws {
        #expect(
            try ProxyText.parse(text)
                == ProxyAddress(host: host, port: port, authorization: nil))
    }

    @Test(arguments: [
        ("http://user:pa%40ss@p:1", "Basic dXNlcjpwYUBzcw=="), ("user@p:1", "Basic dXNlcjo="),
        ("a@b:c@p:1", "Basic YUBiOmM="),
    ])
    func credentialsBecomeAHeader(text: String, value: String) throws {
        let address = try ProxyText.parse(text)
        #expect(address.authorization == Secret(value))
        #expect(address.description == "http://p:1")
    }

    @Test func nonsenseIsRefused() {
        #expect(refusal("https://p:1")?.contains("http://") == true)
        #expect(refusal("socks5://p:1")?.contains("http://") == true)
        #expect(refusal("http://p:1/path")?.contains("path") == true)
        #expect(refusal("http://p:x") != nil)
        #expect(refusal("u%4@p:1")?.contains("%") == true)
        #expect(refusal("") != nil)
    }

    @Test(arguments: [
        ("*", "a.example", true), ("example.com", "example.com", true),
        ("example.com", "api.example.com", true), ("example.com", "notexample.com", false),
        (".example.com", "api.example.com", true), (".example.com", "example.com", false),
        ("*.example.com", "api.example.com", true), ("example.com:443", "example.com", true),
        ("example.com:80", "example.com", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.0.0.0/8", "10.9.9.9", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/0", "99.0.0.1", true), ("10.0.0.0/33", "10.0.0.0", false),
        ("10.0.0.0/8", "ten.example", false), ("[2001:db8::1]:443", "2001:db8::1", true),
        ("2001:db8::1", "2001:db8::1", true), ("", "example.com", false),
    ])
    func exceptions(entry: String, host: String, isCovered: Bool) {
        #expect(EnvironmentProxies.covers(entry, host, 443) == isCovered)
    }

    @Test func theEnvironmentNamesProxies() throws {
        func proxies(_ environment: [String: String]) throws -> EnvironmentProxies {
            try load("{}", environment).configuration.proxies
        }
        let some = try proxies([
            "HTTPS_PROXY": "http://p:1", "http_proxy": "q:2", "NO_PROXY": "A.example, b.example",
        ])
        #expect(some.proxy(host: "c.example", port: 443, usesTLS: true)?.port == 1)
        #expect(some.proxy(host: "c.example", port: 80, usesTLS: false)?.port == 2)
        #expect(some.proxy(host: "a.example", port: 443, usesTLS: true) == nil)
        #expect(some.proxy(host: "127.0.0.1", port: 443, usesTLS: true) == nil)
        #expect(try proxies(["HTTP_PROXY": "p:1"]) == EnvironmentProxies())
        #expect(try proxies(["all_proxy": "p:1"]).plain?.port == 1)
        #expect(try proxies(["https_proxy": "p:1"]).secure?.port == 1)
        #expect(
            problems("{}", ["HTTPS_PROXY": "socks5://hidden"]) == [
                "environment variable HTTPS_PROXY: the value is not a proxy: only http:// ones are "
                    + "spoken to"
            ])
    }

    @Test func aProviderMayHaveItsOwn() throws {
        func choice(_ text: String) throws -> ProxyChoice? {
            try load("providers: {a: {type: openai\(text)}}").configuration.providers[0].kind
                .upstream?.proxy
        }
        #expect(try choice("") == .environment)
        #expect(try choice(", proxy: auto") == .environment)
        #expect(try choice(", proxy: none") == ProxyChoice.none)
        #expect(
            try choice(#", proxy: "http://p:1""#)
                == .address(ProxyAddress(host: "p", port: 1, authorization: nil)))
        let printed = EffectiveConfiguration.text(
            try load(#"providers: {a: {type: openai, proxy: "http://u:secret@p:1"}}"#)
                .configuration)
        #expect(!printed.contains("secret") && printed.contains("proxy: \"***\""))
    }

    @Test func certificatesComeInPairs() {
        #expect(
            problems("providers: {a: {type: openai, client_certificate: c.pem}}") == [
                "gateway.yaml:1:51: providers.a: 'client_certificate' needs "
                    + "'client_private_key' beside it"
            ])
    }
}
