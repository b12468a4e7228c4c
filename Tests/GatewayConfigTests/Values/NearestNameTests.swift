import Testing

@testable import GatewayConfig

@Suite struct NearestNameTests {
    private let names = ["host", "port", "workers", "heartbeat_interval", "tls", "shutdown_grace"]

    @Test func findsWhatWasMeant() {
        let cases = [
            ("prot", "port"), ("hots", "host"), ("worker", "workers"), ("wrokers", "workers"),
            ("heartbeatInterval", "heartbeat_interval"),
            ("heartbeat-intervall", "heartbeat_interval"),
            ("TLS", "tls"), ("shutdowngrace", "shutdown_grace"), ("Port", "port"),
        ]
        for (name, meant) in cases {
            #expect(NearestName.suggestion(for: name, among: names) == meant, "\(name)")
        }
    }

    @Test func findsNothingFarAway() {
        for name in ["", "x", "models", "timeout", String(repeating: "port", count: 100)] {
            #expect(NearestName.suggestion(for: name, among: names) == nil, "\(name)")
        }
        #expect(NearestName.suggestion(for: "a", among: ["b"]) == nil)
    }

    @Test func countsMistakes() {
        let distance = { (left: String, right: String) in
            NearestName.distance(Array(left.utf8), Array(right.utf8))
        }
        #expect(distance("", "") == 0)
        #expect(distance("abc", "") == 3)
        #expect(distance("", "abc") == 3)
        #expect(distance("kitten", "sitting") == 3)
        #expect(distance("ab", "ba") == 1)
        #expect(distance("abcd", "acbd") == 1)
        #expect(distance("port", "port") == 0)
    }
}
