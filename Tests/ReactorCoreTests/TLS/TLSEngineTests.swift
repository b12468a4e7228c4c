import CUV
import ReactorCore
import TestSupport
import Testing

@Suite struct TLSEngineTests {
    static let versions: [TLSVersion] = [.tls12, .tls13]

    @Test(arguments: versions) func agreesAndCarriesBothWays(_ version: TLSVersion) throws {
        let (client, server) = try TLSPair(version).connected()
        for end in [client, server] {
            #expect(end.engine.version == version)
            #expect(end.engine.applicationProtocol == "http/1.1")
            #expect(!end.engine.isResumed)
        }
        #expect(client.engine.verification.description == "ok")
        try client.write("ping")
        try server.write("pong")
        pump(client, server)
        #expect(server.text == "ping")
        #expect(client.text == "pong")
    }

    /// The request leaves with the end of the handshake and is read out of the same window.
    @Test(arguments: versions) func readsDataBehindTheHandshake(_ version: TLSVersion) throws {
        let (client, server) = try TLSPair(version).ends()
        while !client.isComplete {
            deliver(client.takeOutput(), to: server)
            deliver(server.takeOutput(), to: client)
        }
        try client.write("early")
        deliver(client.takeOutput(), to: server)
        #expect(server.isComplete)
        #expect(server.text == "early")
    }

    @Test(arguments: versions) func takesEveryFlightCutAnywhere(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        for cut in 1..<1200 {
            let (client, server) = pair.ends()
            pair.clientContext.forgetSessions()
            var longest = 0
            for round in 0..<5 {
                for (from, to) in [(client, server), (server, client)] {
                    if round == 3 { try from.write("data") }
                    let flight = from.takeOutput()
                    longest = max(longest, flight.count)
                    deliver(Array(flight.prefix(cut)), to: to)
                    deliver(Array(flight.dropFirst(cut)), to: to)
                }
            }
            #expect(client.text == "data" && server.text == "data", "cut at \(cut)")
            #expect(longest < 1200)
        }
    }

    @Test(arguments: versions) func takesSingleBytes(_ version: TLSVersion) throws {
        let (client, server) = try TLSPair(version).ends()
        pump(client, server, piece: 1)
        try client.write("ping")
        try server.write("pong")
        client.engine.close()
        pump(client, server, piece: 1)
        #expect(server.text == "ping")
        #expect(client.text == "pong")
        #expect(server.isClosed)
        #expect(server.engine.endOfInput() == .clean)
    }

    @Test(arguments: versions, [1000, 16_384, 65_536])
    func carriesAMegabyte(_ version: TLSVersion, _ capacity: Int) throws {
        let (client, server) = try TLSPair(version).connected()
        client.readCapacity = capacity
        var state: UInt32 = 1
        let body = (0..<1 << 20).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
        try server.write(body)
        #expect(server.engine.outputCount > body.count)
        pump(client, server, piece: 65_536)
        #expect(client.received == body)
        #expect(client.readSizes.allSatisfy { $0 <= capacity })
        // 64 KiB of ciphertext come out in one read where there is room for it.
        if capacity == 65_536 { #expect(client.readSizes.contains { $0 > 3 * 16_384 }) }
    }

    @Test func gathersSmallRecordsInOneRead() throws {
        let (client, server) = try TLSPair().connected()
        for number in 0..<100 { try server.write("event \(number)\n") }
        pump(client, server)
        #expect(client.readSizes.count == 1)
        #expect(client.text.hasSuffix("event 99\n"))
    }

    /// A buffer that is exactly full must not hide the rest of a record, nor make up more.
    @Test(arguments: [1, 7, 50, 99, 100, 101])
    func readsOnFromAFullBuffer(_ capacity: Int) throws {
        let (client, server) = try TLSPair().connected()
        client.readCapacity = capacity
        let body = [UInt8](repeating: 7, count: 100)
        try server.write(body)
        try server.write(body)
        pump(client, server)
        #expect(client.received == body + body)
    }

    @Test(arguments: versions) func tellsACloseFromACut(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        let length = try goodbye(pair.connected()).count
        for kept in 0...length {
            let (client, server) = pair.connected()
            let bytes = try goodbye((client, server))
            try #require(bytes.count == length)
            deliver(Array(bytes.prefix(kept)), to: client)
            #expect(client.failure == nil)
            #expect(client.isClosed == (kept == length))
            #expect(client.engine.endOfInput() == (kept == length ? .clean : .truncated))
        }
    }

    /// An answer and a close_notify, as they go to the client.
    private func goodbye(_ ends: (client: TLSEnd, server: TLSEnd)) throws -> [UInt8] {
        try ends.server.write("the whole answer")
        ends.server.engine.close()
        ends.server.engine.close()
        return ends.server.takeOutput()
    }

    @Test func ignoresWhatComesBehindTheClose() throws {
        let (client, server) = try TLSPair().connected()
        let answer = try goodbye((client, server))
        deliver(answer + Array("HTTP/1.1 200 OK".utf8), to: client)
        #expect(client.text == "the whole answer")
        #expect(client.isClosed)
        deliver([1, 2, 3], to: client)
        #expect(client.isClosed)
        // Its own direction is still open.
        try client.write("bye")
        deliver(client.takeOutput(), to: server)
        #expect(server.text == "bye")
    }

    @Test func anEndWithinTheHandshakeIsACut() throws {
        let (client, server) = try TLSPair().ends()
        deliver(client.takeOutput(), to: server)
        deliver(Array(server.takeOutput().prefix(200)), to: client)
        #expect(client.failure == nil && !client.isComplete)
        #expect(client.engine.handshake() == .inProgress)
        #expect(client.engine.handshake() == .inProgress)
        #expect(client.engine.endOfInput() == .truncated)
        client.engine.close()
        #expect(client.engine.outputCount == 0)
    }

    @Test(arguments: versions) func refusesASpoiledRecord(_ version: TLSVersion) throws {
        let pair = try TLSPair(version)
        for position in 0..<40 {
            let (client, server) = pair.connected()
            try server.write("one")
            let good = server.takeOutput()
            try server.write("0123456789")
            var bad = server.takeOutput()
            guard position < bad.count else { return }
            bad[position] ^= 0x40
            deliver(good, to: client)
            deliver(bad, to: client)
            #expect(client.text == "one")
            // A longer length only makes it wait for more.
            if position == 3 || position == 4 { continue }
            #expect(client.failure == .badRecord, "position \(position)")
            #expect(throws: TLSFailure.badRecord) { try client.write("more") }
            deliver(client.takeOutput(), to: server)
            #expect(server.failure?.description.contains(/alert|version/) == true)
        }
    }

    @Test func anotherFailureLeavesNoTraceInThisConnection() throws {
        let pair = try TLSPair()
        let (client, server) = pair.connected()
        // An entry in the thread's error queue that is not ours.
        #expect(BIO_new_file("/nonexistent", "r") == nil)
        let answer = try goodbye((client, server))
        deliver(answer, to: client)
        #expect(client.isClosed && client.failure == nil)
        ERR_clear_error()
    }

    @Test func followsKeyUpdates() throws {
        let pair = try TLSPair()
        let client = TLSEnd(client: pair.clientContext)
        let server = RawTLSPeer(serverOf: pair.authority.issue())
        pump(client, server)
        for round in 0..<3 {
            #expect(SSL_key_update(server.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
            server.write("\(round)")
            pump(client, server)
            try client.write("\(round)")
            pump(client, server)
        }
        #expect(client.text == "012")
        #expect(server.received == Array("012".utf8))
    }

    /// The request to renegotiate is declined; OpenSSL as a server gives up on that.
    @Test func declinesRenegotiation() throws {
        let pair = try TLSPair()
        let client = TLSEnd(client: pair.clientContext)
        let server = RawTLSPeer(serverOf: pair.authority.issue(), max: TLS1_2_VERSION)
        pump(client, server)
        try #require(client.isComplete)
        #expect(SSL_renegotiate(server.ssl) == 1)
        server.goOn()
        pump(client, server)
        #expect(client.failure == .alert(.init(code: 40)))
    }

    /// A ticket over several records: OpenSSL refuses to write until it has read all of them.
    @Test func keepsWhatIsWrittenAmidAHandshakeMessage() throws {
        let clients = TestAuthority(name: "Clients")
        let (client, server, context) = try longTicketEnds(clients)
        while !client.isComplete {
            deliver(client.takeOutput(), to: server)
            if SSL_is_init_finished(server.ssl) == 0 { deliver(server.takeOutput(), to: client) }
        }
        deliver(client.takeOutput(), to: server)
        var sent = ""
        var heldCount = 0
        for (index, byte) in server.takeOutput().enumerated() {
            deliver([byte], to: client)
            try client.write("\(index) ")
            sent += "\(index) "
            if client.engine.outputCount == 0 { heldCount += 1 }
            deliver(client.takeOutput(), to: server)
        }
        #expect(heldCount > 0)
        #expect(server.received == Array(sent.utf8))
        #expect(context.sessionCount > 0)
    }

    /// The server keeps the client's long certificate in its tickets and sends small records.
    private func longTicketEnds(
        _ clients: TestAuthority
    ) throws -> (TLSEnd, RawTLSPeer, TLSContext) {
        let pair = try TLSPair(client: { settings in
            settings.identity = clients.issue(
                names: (0..<20).map { "a-long-name-to-fill-the-ticket-\($0).example" })
        })
        let server = RawTLSPeer(serverOf: pair.authority.issue()) { context in
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER) { _, _ in 1 }
            #expect(SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_SEND_FRAGMENT, 512, nil) == 1)
        }
        return (TLSEnd(client: pair.clientContext), server, pair.clientContext)
    }

    @Test func boundsWhatItKeepsAmidAHandshakeMessage() throws {
        let clients = TestAuthority(name: "Clients")
        let (client, server, _) = try longTicketEnds(clients)
        for _ in 0..<2 {
            deliver(client.takeOutput(), to: server)
            deliver(Array(server.takeOutput().prefix(client.isComplete ? 600 : .max)), to: client)
        }
        try #require(client.isComplete)
        let piece = [UInt8](repeating: 1, count: TLSEngine.heldPlaintextBytesMax / 2)
        try client.write(piece)
        try client.write(piece)
        #expect(throws: TLSFailure.peerStalledWrites) { try client.write([1]) }
        #expect(throws: TLSFailure.peerStalledWrites) { try client.write([1]) }
    }

    @Test func worksOnAfterGivingItsBuffersBack() throws {
        let (client, server) = try TLSPair().connected()
        for round in 0..<3 {
            client.engine.releaseBuffers()
            server.engine.releaseBuffers()
            try client.write("\(round)")
            try server.write("\(round)")
            pump(client, server, piece: 10)
        }
        #expect(client.text == "012" && server.text == "012")
    }

    @Test func releasingModeCarriesData() throws {
        let (client, server) = try TLSPair(
            client: { $0.releasesBuffers = true }, server: { $0.releasesBuffers = true }
        ).connected()
        try client.write([UInt8](repeating: 1, count: 100_000))
        pump(client, server, piece: 777)
        #expect(server.received.count == 100_000)
    }

    @Test func lendsItsOutputBuffer() throws {
        let (client, server) = try TLSPair().connected()
        var buffer = ByteBuffer(capacity: 4096)
        client.engine.exchangeOutput(&buffer)
        try client.write("through a borrowed buffer")
        client.engine.exchangeOutput(&buffer)
        #expect(client.engine.outputCount == 0)
        let sent = buffer.array
        deliver(sent, to: server)
        #expect(server.text == "through a borrowed buffer")
    }

    @Test func writesNothingForNothing() throws {
        let (client, _) = try TLSPair().connected()
        try client.write([])
        #expect(client.engine.outputCount == 0)
    }
}
