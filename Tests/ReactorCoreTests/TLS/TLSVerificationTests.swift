import ReactorCore
import TestSupport
import Testing

/// Who is believed to be whom. A client that does not believe must not have sent a byte of data.
@Suite struct TLSVerificationTests {
    private func outcome(
        of identity: @escaping (TestAuthority) -> TLSIdentity, calling name: String = "localhost",
        client: (inout TLSClientSettings) -> Void = { _ in }
    ) throws -> TLSFailure? {
        let pair = try TLSPair(identity: identity, client: client)
        let (client, server) = pair.ends(serverName: name)
        pump(client, server)
        #expect(client.isComplete == (client.failure == nil))
        #expect(server.received.isEmpty)
        if client.failure != nil {
            // The server hears of it, before or after it thought the handshake complete.
            #expect(server.failure != nil)
            #expect(pair.clientContext.sessionCount == 0)
            #expect(pair.clientContext.fullHandshakeCount == 0)
        }
        return client.failure
    }

    @Test func refusesBadCertificates() throws {
        #expect(try outcome(of: { $0.issue(validity: .expired) }) == .certificateExpired)
        #expect(try outcome(of: { $0.issue(validity: .future) }) == .certificateNotYetValid)
        #expect(try outcome(of: { $0.issueSelfSigned() }) == .selfSigned)
        let stranger = TestAuthority(name: "Stranger")
        #expect(try outcome(of: { _ in stranger.issue() }) == .unknownAuthority)
        #expect(try outcome(of: { $0.issue(names: ["other.example"]) }) == .hostMismatch)
    }

    /// Same name, other key: the signature decides.
    @Test func refusesAnAuthorityThatOnlyHasTheName() throws {
        let impostor = TestAuthority()
        let failure = try outcome(of: { _ in impostor.issue() })
        #expect(failure != nil)
    }

    @Test(
        arguments: [
            ("a.example", "a.example", true),
            ("A.Example", "a.example", true),
            ("a.example.", "a.example", true),
            ("b.example", "*.example.org", false),
            ("b.example.org", "*.example.org", true),
            ("c.b.example.org", "*.example.org", false),
            ("example.org", "*.example.org", false),
            ("bar.example.org", "b*.example.org", false),
            ("a.example.evil", "a.example", false),
        ] as [(String, String, Bool)])
    func comparesNames(_ name: String, _ certified: String, _ matches: Bool) throws {
        let failure = try outcome(
            of: { $0.issue(names: [certified], addresses: []) }, calling: name)
        #expect(failure == (matches ? nil : .hostMismatch))
    }

    @Test func comparesAddressesAsAddresses() throws {
        #expect(try outcome(of: { $0.issue() }, calling: "127.0.0.1") == nil)
        #expect(try outcome(of: { $0.issue() }, calling: "::1") == nil)
        #expect(try outcome(of: { $0.issue() }, calling: "0:0:0:0:0:0:0:1") == nil)
        #expect(try outcome(of: { $0.issue() }, calling: "127.0.0.2") == .hostMismatch)
        let named: (TestAuthority) -> TLSIdentity = {
            $0.issue(names: ["127.0.0.1"], addresses: [])
        }
        #expect(try outcome(of: named, calling: "127.0.0.1") == .hostMismatch)
    }

    @Test func doesNotBelieveACommonName() throws {
        let identity: (TestAuthority) -> TLSIdentity = {
            $0.issue(names: [], addresses: [], commonName: "localhost")
        }
        #expect(try outcome(of: identity) == .hostMismatch)
    }

    @Test(arguments: ["", ".", "a\0b", String(repeating: "a", count: 254)])
    func refusesWhatIsNoName(_ name: String) throws {
        let pair = try TLSPair()
        let client = TLSEnd(client: pair.clientContext, serverName: name)
        #expect(client.failure == .invalidServerName)
        #expect(client.engine.outputCount == 0)
    }

    @Test func sendsNoAddressAsSNI() throws {
        let pair = try TLSPair()
        let toName = TLSEnd(client: pair.clientContext, serverName: "localhost").takeOutput()
        let other = try TLSPair()
        let toAddress = TLSEnd(client: other.clientContext, serverName: "127.0.0.1").takeOutput()
        #expect(String(decoding: toName, as: UTF8.self).contains("localhost"))
        #expect(!String(decoding: toAddress, as: UTF8.self).contains("127.0.0.1"))
    }

    @Test func acceptsAnybodyOnRequestAndTells() throws {
        let pair = try TLSPair(
            identity: { $0.issue(names: ["other.example"], validity: .expired) },
            client: { $0.verifiesPeer = false })
        let (client, server) = pair.connected()
        #expect(client.engine.verification.code != 0)
        try client.write("trusting")
        pump(client, server)
        #expect(server.text == "trusting")
    }

    @Test func trustsAPinnedLeaf() throws {
        let stranger = TestAuthority(name: "Stranger")
        let leaf = stranger.issue()
        #expect(
            try outcome(of: { _ in leaf }, client: { $0.caFile = leaf.certificateFile }) == nil)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func asksClientsForCertificates(_ version: TLSVersion) throws {
        let clients = TestAuthority(name: "Clients")
        func failures(_ identity: TLSIdentity?) throws -> (TLSFailure?, TLSFailure?) {
            let pair = try TLSPair(
                version, client: { $0.identity = identity },
                server: { $0.clientCAFile = clients.certificateFile })
            let (client, server) = pair.ends()
            pump(client, server)
            return (client.failure, server.failure)
        }
        #expect(try failures(clients.issue()) == (nil, nil))
        let (afterNone, onNone) = try failures(nil)
        #expect(onNone == .certificateMissing)
        #expect(afterNone == .alert(.init(code: version == .tls12 ? 40 : 116)))
        let others = TestAuthority(name: "Others")
        let (afterWrong, onWrong) = try failures(others.issue())
        #expect(onWrong == .unknownAuthority)
        #expect(afterWrong == .alert(.init(code: 48)))
    }
}
