import CUV
import ReactorCore
import TestSupport
import Testing

@Suite struct TLSResumptionTests {
    static let versions: [TLSVersion] = [.tls12, .tls13]

    @Test(arguments: versions) func resumesAndCounts(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        for round in 0..<10 {
            let (client, server) = pair.connected()
            #expect(client.engine.isResumed == (round > 0))
            #expect(server.engine.isResumed == (round > 0))
            try client.write("x")
            pump(client, server)
            #expect(server.text == "x")
        }
        for context in [pair.clientContext, pair.serverContext] {
            #expect(context.fullHandshakeCount == 1)
            #expect(context.resumedHandshakeCount == 9)
        }
        #expect(pair.clientContext.sessionCount <= 4)
        pair.clientContext.forgetSessions()
        #expect(!pair.connected().client.engine.isResumed)
    }

    /// More new connections at once than there are tickets.
    @Test(arguments: versions) func resumesManyAtOnce(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        _ = pair.connected()
        let ends = (0..<20).map { _ in pair.ends() }
        for (client, server) in ends { pump(client, server) }
        #expect(pair.clientContext.resumedHandshakeCount == 20)
        // And afterwards, though OpenSSL spoils a session it has resumed.
        _ = pair.connected()
        #expect(pair.clientContext.fullHandshakeCount == 1)
    }

    /// However a connection ended, short of a failure, its session stays good.
    @Test(arguments: versions, [0, 1, 2])
    func resumesAfterAnyEnd(_ version: TLSVersion, _ ending: Int) throws {
        let pair = try TLSPair(version)
        do {
            let (client, server) = pair.connected()
            switch ending {
            case 0: client.engine.close()
            case 1:
                server.engine.close()
                pump(client, server)
                #expect(client.isClosed)
            default: #expect(client.engine.endOfInput() == .truncated)
            }
        }
        #expect(pair.connected().client.engine.isResumed)
    }

    @Test func keepsOneTicketWhenTheServerGivesNoMore() throws {
        let pair = try TLSPair()
        let identity = pair.authority.issue()
        // One context for all connections, whose ticket key every connection shares.
        let first = RawTLSPeer(serverOf: identity) { SSL_CTX_set_num_tickets($0, 1) }
        let client = TLSEnd(client: pair.clientContext)
        pump(client, first)
        #expect(pair.clientContext.sessionCount == 1)
        // Engines that take the only ticket leave a copy behind.
        for _ in 0..<3 { _ = TLSEnd(client: pair.clientContext) }
        #expect(pair.clientContext.sessionCount == 1)
    }

    /// Another server process has another ticket key.
    @Test(arguments: versions) func fallsBackToAFullHandshake(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        _ = pair.connected()
        var settings = TLSServerSettings(identity: pair.authority.issue())
        (settings.minVersion, settings.maxVersion) = (version, version)
        let client = TLSEnd(client: pair.clientContext)
        let server = TLSEnd(server: try TLSContext(server: settings))
        pump(client, server)
        #expect(client.isComplete && !client.engine.isResumed)
        #expect(pair.clientContext.fullHandshakeCount == 2)
    }

    @Test func takesNoSessionFromAFailedHandshake() throws {
        let pair = try TLSPair(identity: { $0.issue(names: ["other.example"]) })
        let (client, server) = pair.ends()
        pump(client, server)
        #expect(client.failure == .hostMismatch)
        #expect(pair.clientContext.sessionCount == 0)
        #expect(pair.clientContext.fullHandshakeCount == 0)
    }

    @Test func resumesWithClientCertificates() throws {
        let clients = TestAuthority(name: "Clients")
        let pair = try TLSPair(
            client: { $0.identity = clients.issue() },
            server: { $0.clientCAFile = clients.certificateFile })
        _ = pair.connected()
        #expect(pair.connected().server.engine.isResumed)
    }

    /// Engines may outlive every other holder of their context.
    @Test func anEngineKeepsItsContext() throws {
        func make() throws -> (TLSEnd, TLSEnd) { try TLSPair().ends() }
        let (client, server) = try make()
        pump(client, server)
        #expect(client.isComplete && server.isComplete)
    }
}
