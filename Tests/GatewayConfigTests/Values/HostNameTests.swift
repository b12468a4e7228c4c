import Testing

@testable import GatewayConfig

@Suite struct HostNameTests {
    @Test(arguments: [
        "localhost", "a", "api.example.com", "my_host", "xn--bcher-kva.example", "127.0.0.1",
        "0.0.0.0", "::", "::1", "1::", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:127.0.0.1",
        "1:2:3:4:5:6:1.2.3.4",
    ])
    func accepts(host: String) throws {
        #expect(try HostName.check(host) == host)
    }

    @Test(arguments: [
        "", ".", "a..b", "a.", "a b", "a/b", "a:80", "http://a", "[::1]", "256.0.0.1", "1.2.3",
        "1.2.3.4.5", ":", ":::", "1:2:3", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8:9", "ä",
        "::1.2.3", String(repeating: "a", count: 64),
    ])
    func refuses(host: String) {
        #expect(throws: Refusal.self) { try HostName.check(host) }
    }

    @Test func knowsThisMachine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"] {
            #expect(HostName.isLoopback(host), "\(host)")
        }
        for host in ["0.0.0.0", "::", "128.0.0.1", "example.com", "127.0.0.1.example.com", "127"] {
            #expect(!HostName.isLoopback(host), "\(host)")
        }
    }
}
