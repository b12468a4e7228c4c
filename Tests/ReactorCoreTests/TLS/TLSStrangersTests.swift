import CUV
import ReactorCore
import TestSupport
import Testing

/// Peers that speak an old TLS, no TLS or nothing at all.
@Suite struct TLSStrangersTests {
    @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
    func refusesOldServers(_ version: Int32) throws {
        let pair = try TLSPair()
        let client = TLSEnd(client: pair.clientContext)
        let server = RawTLSPeer(serverOf: pair.authority.issue(), max: version)
        pump(client, server)
        #expect(client.failure == .protocolVersion)
        #expect(server.received.isEmpty)
    }

    /// A server that does not look at what the client offers and answers in the old version.
    @Test func refusesAnOldServerHello() throws {
        let pair = try TLSPair()
        let server = RawTLSPeer(serverOf: pair.authority.issue(), max: TLS1_VERSION)
        let oldClient = RawTLSPeer(max: TLS1_VERSION)
        oldClient.goOn()
        deliver(oldClient.takeOutput(), to: server)
        let client = TLSEnd(client: pair.clientContext)
        _ = client.takeOutput()
        deliver(server.takeOutput(), to: client)
        #expect(client.failure == .protocolVersion)
    }

    @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
    func refusesOldClients(_ version: Int32) throws {
        let pair = try TLSPair()
        let server = TLSEnd(server: pair.serverContext)
        let client = RawTLSPeer(max: version)
        client.goOn()
        pump(client, server)
        #expect(server.failure == .protocolVersion)
        #expect(!server.isComplete)
    }

    @Test func keepsToItsLimits() throws {
        let pair = try TLSPair(.tls12, client: { $0.minVersion = .tls13 })
        let (client, server) = pair.ends()
        pump(client, server)
        #expect(server.failure == .protocolVersion)
        #expect(client.failure == .protocolVersion)
    }

    @Test(
        arguments: [
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            "220 mail.example ESMTP ready\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n",
        ])
    func namesServersWithoutTLS(_ greeting: String) throws {
        let bytes = Array(greeting.utf8)
        for cut in 0..<bytes.count {
            let client = TLSEnd(client: try TLSPair().clientContext)
            deliver(Array(bytes.prefix(cut)), to: client)
            deliver(Array(bytes.dropFirst(cut)), to: client)
            #expect(client.failure == .notTLS)
            #expect(client.failure?.description == "the peer does not speak TLS")
        }
    }

    @Test(
        arguments: [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /v1/chat HTTP/1.1\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func namesClientsWithoutTLS(_ request: String) throws {
        let server = TLSEnd(server: try TLSPair().serverContext)
        deliver(Array(request.utf8), to: server, piece: 3)
        #expect(server.failure == .notTLS)
    }

    @Test func survivesGarbage() throws {
        let pair = try TLSPair()
        let seed = UInt64.random(in: 1...UInt64.max)
        var state = seed
        for round in 0..<300 {
            var garbage = (0..<200).map { _ in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return UInt8(truncatingIfNeeded: state)
            }
            // Every third looks like a record, every other one like a handshake's.
            if round % 3 == 0 { garbage.replaceSubrange(0..<5, with: [22, 3, 3, 0, 100]) }
            if round % 6 == 0 { garbage.replaceSubrange(5..<9, with: [2, 0, 0, 96]) }
            let client = TLSEnd(client: pair.clientContext)
            let server = TLSEnd(server: pair.serverContext)
            for end in [client, server] {
                deliver(garbage, to: end, piece: 1 + round)
                #expect(!end.isComplete, "seed \(seed) round \(round)")
                #expect(end.failure != nil || round % 3 != 0, "seed \(seed) round \(round)")
            }
        }
    }

    /// A bit turned over behind a completed handshake: what arrives is whole records, never all.
    @Test func survivesSpoiledTraffic() throws {
        let pair = try TLSPair()
        for round in 0..<100 {
            let (client, server) = pair.connected()
            for number in 0..<10 { try server.write("\(number)") }
            var bytes = server.takeOutput()
            let position = round * 37 % bytes.count
            bytes[position] ^= 1 << UInt8(round % 8)
            deliver(bytes, to: client)
            #expect("0123456789".hasPrefix(client.text), "position \(position)")
            #expect(client.text != "0123456789", "position \(position)")
        }
    }

    @Test func speaksOnlyProtocolsInCommon() throws {
        let (client, server) = try TLSPair(
            client: { $0.alpn = ["h2"] }, server: { $0.alpn = ["http/1.1"] }
        ).ends()
        pump(client, server)
        #expect(server.failure != nil)
        #expect(client.failure == .alert(.init(code: 120)))

        let chosen = try TLSPair(
            client: { $0.alpn = ["a", "http/1.0", "http/1.1"] },
            server: { $0.alpn = ["http/1.1", "http/1.0"] }
        ).connected()
        #expect(chosen.client.engine.applicationProtocol == "http/1.1")

        let silent = try TLSPair(client: { $0.alpn = [] }).connected()
        #expect(silent.client.engine.applicationProtocol == nil)
        let deaf = try TLSPair(server: { $0.alpn = [] }).connected()
        #expect(deaf.client.engine.applicationProtocol == nil)
    }

    @Test func aStalledHandshakeJustWaits() throws {
        let client = TLSEnd(client: try TLSPair().clientContext)
        #expect(client.engine.outputCount > 0)
        #expect(client.engine.handshake() == .inProgress)
        #expect(client.engine.version == nil)
        #expect(!client.engine.isOpen)
        #expect(client.engine.endOfInput() == .truncated)
    }

    @Test func closeInsteadOfHandshakeIsACut() throws {
        let client = TLSEnd(client: try TLSPair().clientContext)
        deliver([21, 3, 3, 0, 2, 1, 0], to: client)
        #expect(client.failure == .truncated)
        let other = TLSEnd(client: try TLSPair().clientContext)
        deliver([21, 3, 3, 0, 2, 2, 40], to: other)
        #expect(other.failure == .alert(.init(code: 40)))
        #expect(other.failure?.description == "the peer sent the alert 'handshake failure'")
    }
}
