import ReactorCore
import Testing

@Suite struct ProxyTunnelMachineTests {
    private func verdict(_ text: String) -> ProxyTunnelMachine.Verdict {
        var machine = ProxyTunnelMachine()
        return text.withByteSlice { machine.received($0) }
    }

    @Test func asksForTheOrigin() {
        var output = ByteBuffer()
        ProxyTunnelMachine.appendRequest(
            host: "api.example", port: 443, HTTPProxy(host: "p", port: 1), to: &output)
        #expect(
            output.string
                == "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
        output.removeAll()
        ProxyTunnelMachine.appendRequest(
            host: "::1", port: 8,
            HTTPProxy(host: "p", port: 1, authorization: Array("Basic x".utf8)),
            to: &output)
        #expect(
            output.string
                == "CONNECT [::1]:8 HTTP/1.1\r\nHost: [::1]:8\r\nProxy-Authorization: Basic x\r\n\r\n"
        )
    }

    @Test(arguments: [
        ("HTTP/1.1 200 Connection established\r\n\r\n", ProxyTunnelMachine.Verdict.open),
        ("HTTP/1.0 200\r\nProxy-Agent: x\r\n\r\n", .open),
        ("HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", .open),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!",
            .refused(407)
        ),
        ("HTTP/1.1 200 OK\r\n\r\nmore", .malformed), ("HTTP/1.1 2x0 OK\r\n\r\n", .malformed),
        ("SSH-2.0-OpenSSH", .malformed), ("HTTP/1.1 200 OK\r\n", .needsInput), ("HT", .needsInput),
        ("HTTP/2.0 200 OK\r\n\r\n", .malformed), ("", .needsInput),
    ])
    func answers(text: String, verdict: ProxyTunnelMachine.Verdict) {
        #expect(self.verdict(text) == verdict)
    }

    @Test func theAnswerMayComeInPieces() {
        let text = "HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n"
        for cut in 1..<text.utf8.count {
            var machine = ProxyTunnelMachine()
            text.withByteSlice { bytes in
                #expect(machine.received(bytes.prefix(cut)) == .needsInput)
                #expect(machine.received(bytes.dropFirst(cut)) == .open)
            }
        }
    }

    @Test func aHeadHasABound() {
        let long = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 20_000)
        #expect(verdict(long) == .malformed)
    }
}
