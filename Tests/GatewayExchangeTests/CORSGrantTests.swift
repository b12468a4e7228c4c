// CORSGrantTests.swift — which origins and hosts are taken for this machine, and which only look
// like it.

import ReactorCore
import Testing

@testable import GatewayExchange

@Suite struct CORSGrantTests {
    private func judge(
        _ origin: String?, _ origins: [String] = [], loopback: Bool = true
    ) -> CORSGrant {
        let policy = CORSPolicy(origins: origins, grantsLoopback: loopback, hosts: nil)
        guard let origin else { return CORSGrant.judge(nil, by: policy) }
        return origin.withByteSlice { CORSGrant.judge($0, by: policy) }
    }

    private static let local = [
        "localhost", "localhost:3000", "LOCALHOST", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3",
        "[::1]", "[::1]:8000",
    ]
    private static let foreign = [
        "127.0.0.1.evil.com", "127.evil.com", "127.0.0.1.evil.com:80", "localhost.evil.com",
        "evil.com", "evil.com:127", "evillocalhost", "localhos", "128.0.0.1", "0.0.0.0", "10.0.0.1",
        "[::2]", "[::1", "::1", "[::1].evil.com", "[::1]evil.com", "", ":80", "12.7.0.1",
        "127.0.0.1@evil.com",
    ]

    @Test(arguments: local)
    func loopbackOrigins(host: String) {
        for scheme in ["http://", "https://"] {
            #expect(judge(scheme + host) == .origin(scheme + host))
            #expect(judge(scheme + host, loopback: false) == .refused)
        }
        #expect(judge("ftp://" + host) == .refused)
        #expect(judge(host) == .refused)
    }

    @Test(arguments: foreign)
    func foreignOrigins(host: String) {
        #expect(judge("http://" + host) == .refused)
        #expect(judge("https://" + host) == .refused)
    }

    @Test func listedOrigins() {
        let listed = ["https://app.example", "http://b.example:81"]
        #expect(judge("https://app.example", listed) == .origin("https://app.example"))
        #expect(judge("http://b.example:81", listed) == .origin("http://b.example:81"))
        for other in [
            "http://app.example", "https://app.example:443", "https://app.example.evil.com",
            "http://b.example", "null", "",
        ] {
            #expect(judge(other, listed) == .refused, "\(other)")
        }
        #expect(judge("https://any.example", ["https://app.example", "*"]) == .any)
        #expect(judge("null", ["*"]) == .any)
        #expect(judge(nil) == .any)
        #expect(judge("null") == .refused)
    }

    private func isAllowed(_ host: String, _ listed: [String] = []) -> Bool {
        host.withByteSlice { CORSGrant.isAllowedHost($0, listed: listed) }
    }

    @Test(arguments: local)
    func loopbackHosts(host: String) { #expect(isAllowed(host)) }

    @Test(arguments: foreign)
    func foreignHosts(host: String) { #expect(!isAllowed(host)) }

    @Test func listedHosts() {
        let listed = ["gateway.test", "other.test:81"]
        #expect(isAllowed("gateway.test", listed))
        #expect(isAllowed("gateway.test:8000", listed))
        #expect(isAllowed("other.test:81", listed))
        #expect(!isAllowed("other.test:82", listed))
        #expect(!isAllowed("gateway.test.evil.com", listed))
        #expect(!isAllowed("x.gateway.test", listed))
    }
}
