// TLSConnectionTests.swift — server and client with TLS between them, and what must never leave
// when that fails.

import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct TLSConnectionTests {
    private let authority = TestAuthority()

    private func serverContext(_ identity: TLSIdentity? = nil) throws -> TLSContext {
        try TLSContext(server: TLSServerSettings(identity: identity ?? authority.issue()))
    }

    private func clientContext(trusting authority: TestAuthority? = nil) throws -> TLSContext {
        var settings = TLSClientSettings()
        settings.caFile = (authority ?? self.authority).certificateFile
        return try TLSContext(client: settings)
    }

    @Test func callsOverTLS() throws {
        let test = Loopback()
        try test.serve(tls: try serverContext())
        let origin = try test.origin(tls: try clientContext())
        for index in 0..<3 {
            let call = RecordingCall(
                "POST /\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.text == "/\(index):hi")
        }
        #expect(origin.counters.created == 1)
        test.finish()
    }

    @Test func sessionsAreResumed() throws {
        let test = Loopback()
        let serverTLS = try serverContext()
        let clientTLS = try clientContext()
        try test.serve(tls: serverTLS)
        let origin = try test.origin(tls: clientTLS)
        for round in 0..<4 {
            let call = RecordingCall(
                "GET /\(round) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.text == "/\(round):")
        }
        #expect(origin.counters.created == 4)
        #expect(clientTLS.fullHandshakeCount == 1 && clientTLS.resumedHandshakeCount == 3)
        #expect(serverTLS.fullHandshakeCount == 1 && serverTLS.resumedHandshakeCount == 3)
        test.finish()
    }

    /// Large bodies both ways, so that records, queues and pauses all come up.
    @Test func largeBodies() throws {
        let test = Loopback()
        var script = ServerScript()
        script.head = { _, _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
        }
        script.body = { _, bytes, connection in
            connection.writeBody(bytes)
            if connection.isFull { connection.pauseReading() }
        }
        script.room = { _, connection in connection.resumeReading() }
        script.end = { _, connection in connection.endResponse() }
        try test.serve(tls: try serverContext(), script)
        let origin = try test.origin(tls: try clientContext())
        var random = SeededRandom(seed: 7)
        let body = String(
            (0..<5_000_000).map { _ in "0123456789abcdef".randomElement(using: &random) ?? "0" })
        let call = RecordingCall(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        call.start(on: origin)
        test.wait("the echo", within: .seconds(20)) { call.isOver }
        #expect(call.hasEnded && call.text == body)
        test.finish()
    }

    /// A client that connects and says nothing, or half of something, holds no place for long.
    @Test(arguments: ["", "\u{16}\u{03}\u{01}"])
    func aStalledHandshakeIsBoundedByTheHeadTime(_ sent: String) throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.headTime = .milliseconds(100)
        limits.idleTime = .seconds(60)
        try test.serve(tls: try serverContext(), limits: limits)
        let socket = test.connect()
        if !sent.isEmpty { socket.send(sent) }
        test.wait("the connection") { test.server?.connectionCount == 1 }
        test.waitForEnd(of: socket, within: .seconds(2))
        #expect(socket.input.isEmpty)
        test.finish()
    }

    @Test func aSecuredConnectionHasTheIdleTime() throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.headTime = .milliseconds(100)
        limits.idleTime = .seconds(60)
        try test.serve(tls: try serverContext(), limits: limits)
        let origin = try test.origin(tls: try clientContext())
        for _ in 0..<2 {
            let call = RecordingCall()
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.status == 200)
            test.pass(.milliseconds(200))
        }
        #expect(origin.counters.created == 1)
        test.finish()
    }

    // MARK: Refused servers

    /// What is wrong with a server's certificate.
    enum Wrong: CaseIterable, Sendable { case authority, host, expired, future, selfSigned }

    @Test(arguments: Wrong.allCases) func anUnverifiedServerGetsNoByte(_ wrong: Wrong) throws {
        let test = Loopback()
        let another = TestAuthority(name: "Another")
        let (identity, expected): (TLSIdentity, TLSFailure) =
            switch wrong {
            case .authority: (another.issue(), .unknownAuthority)
            case .host: (authority.issue(names: ["x"], addresses: ["127.0.0.2"]), .hostMismatch)
            case .expired: (authority.issue(validity: .expired), .certificateExpired)
            case .future: (authority.issue(validity: .future), .certificateNotYetValid)
            case .selfSigned: (authority.issueSelfSigned(), .selfSigned)
            }
        try test.serve(tls: try serverContext(identity))
        let origin = try test.origin(tls: try clientContext())
        let call = RecordingCall("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: secret\r\n\r\n")
        call.start(on: origin)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .tls(expected))
        #expect(call.writes == 0)
        #expect(origin.counters.open == 0)
        test.wait("the server's side") { test.server?.connectionCount == 0 }
        #expect(test.log.lines.isEmpty)
        test.finish()
    }

    @Test func aServerWithoutTLSGetsNoByteOfTheRequest() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let call = RecordingCall("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n")
        call.start(on: origin)
        for _ in 0..<2 {
            let upstream = try test.accept(listener)
            test.wait("a hello") { !upstream.input.isEmpty }
            #expect(!upstream.text.contains("secret"))
            upstream.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            if call.isOver { break }
            test.wait("its end") { upstream.hasEnded || upstream.failure != 0 }
        }
        test.wait("the failure") { call.isOver }
        guard case .tls = call.failure else {
            Issue.record("\(String(describing: call.failure))")
            return test.finish()
        }
        #expect(call.writes == 0 && origin.counters.open == 0)
        test.finish()
    }

    @Test func aSilentHandshakeEndsInTime() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(
            port: listener.port, tls: try clientContext(), connectTime: .milliseconds(150))
        let call = RecordingCall()
        let start = ContinuousClock.now
        call.start(on: origin)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .timedOut(.connect) && call.writes == 0)
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(origin.counters.open == 0)
        test.finish()
    }

    @Test func cancelledInTheHandshake() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        test.wait("a hello") { !upstream.input.isEmpty }
        test.loop.withTurn { call.call.cancel() }
        test.waitForEnd(of: upstream)
        #expect(origin.counters.open == 0 && !call.isOver)
        test.finish()
    }

    @Test func aHandshakeThatIsCut() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        for _ in 0..<2 {
            let upstream = try test.accept(listener)
            test.wait("a hello") { !upstream.input.isEmpty }
            upstream.close()
        }
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .tls(.truncated) && call.writes == 0)
        test.finish()
    }

    // MARK: Ends

    /// The end of a body that ends with the connection must have been said in TLS's own words.
    @Test(arguments: [true, false]) func untilClose(_ saysGoodbye: Bool) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = RawTLSSocket(try test.accept(listener), context: try serverContext())
        test.wait("the request") {
            upstream.advance()
            return upstream.text.contains("\r\n\r\n")
        }
        try upstream.send("HTTP/1.1 200 OK\r\n\r\nhi")
        test.wait("the body") { call.text == "hi" }
        if saysGoodbye { upstream.sayGoodbye() }
        upstream.socket.finish()
        test.wait("its end") { call.isOver }
        #expect(call.hasEnded == saysGoodbye)
        #expect(call.failure == (saysGoodbye ? nil : .truncated))
        test.finish()
    }

    @Test func aGoodbyeInTheMiddle() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = RawTLSSocket(try test.accept(listener), context: try serverContext())
        test.wait("the request") {
            upstream.advance()
            return upstream.text.contains("\r\n\r\n")
        }
        try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi")
        upstream.sayGoodbye()
        test.wait("its end") { call.isOver }
        #expect(call.failure == .truncated && call.text == "hi")
        test.finish()
    }

    /// A close_notify on an idle connection ends it; the next call finds no dead one.
    @Test func aGoodbyeBetweenCalls() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, tls: try clientContext())
        let context = try serverContext()
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = RawTLSSocket(try test.accept(listener), context: context)
        test.wait("the request") {
            upstream.advance()
            return upstream.text.contains("\r\n\r\n")
        }
        try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        test.wait("the answer") { call.isOver }
        #expect(origin.counters.idle == 1)
        upstream.sayGoodbye()
        test.wait("its end") { origin.counters.open == 0 }
        test.finish()
    }

    // MARK: The server's side

    @Test func strangersAtTheServer() throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.idleTime = .milliseconds(300)
        try test.serve(tls: try serverContext(), limits: limits)
        let plain = test.connect()
        plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let silent = test.connect()
        let gone = test.connect()
        gone.send([0x16, 3, 1])
        gone.finish()
        for client in [plain, silent, gone] { test.waitForEnd(of: client) }
        #expect(!plain.text.contains("HTTP/1.1"))
        test.wait("all gone") { test.server?.connectionCount == 0 }
        #expect(test.log.lines.isEmpty)
        // And it still serves.
        let origin = try test.origin(tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the answer") { call.isOver }
        #expect(call.status == 200)
        test.finish()
    }

    @Test func leavingOverTLSCancels() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
            connection.writeBody(ByteSlice("part" as StaticString))
        }
        try test.serve(tls: try serverContext(), script)
        let origin = try test.origin(tls: try clientContext())
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the body") { call.text == "part" }
        let start = ContinuousClock.now
        test.loop.withTurn { call.call.cancel() }
        test.wait("the cancellation") { test.log.contains("cancelled / clientLeft") }
        #expect(ContinuousClock.now - start < .milliseconds(100))
        test.finish()
    }

    @Test func refusalsOverTLS() throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.bodyBytesMax = 1000
        try test.serve(tls: try serverContext(), limits: limits)
        let origin = try test.origin(tls: try clientContext())
        let body = String(repeating: "x", count: 3_000_000)
        let call = RecordingCall(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
        call.start(on: origin)
        test.wait("the answer") { call.isOver }
        #expect(call.status == 413 && call.hasEnded)
        test.finish()
    }
}
