// HTTPServerFlowTests.swift — slow readers, clients that leave, and the server's own end.

import Glibc
import Reactor
import ReactorCore
import Testing

@Suite struct HTTPServerFlowTests {
    private let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let block = String(repeating: "b", count: 32 * 1024)
    private static let blockCount = 32 * 1024

    private static func writeBlock(to connection: HTTPServerConnection) {
        block.withByteSlice { connection.writeBody($0) }
    }

    // MARK: Early output

    /// An answer that is flushed early is with the client before the handler is done, once; what is
    /// written behind it in the same turn follows it, and the connection lives on.
    @Test func anAnswerMayLeaveBeforeTheTurnEnds() throws {
        let test = Loopback()
        var script = ServerScript()
        var client: RawSocket?
        var seenEarly: [String] = []
        script.end = { handler, connection in
            handler.answer(connection, "early")
            connection.flushEarly()
            connection.flushEarly()
            client?.poll()
            seenEarly.append(client?.text ?? "")
        }
        try test.serve(script)
        let socket = test.connect()
        client = socket
        for round in 1...2 {
            socket.send(get)
            test.wait("the answer") { seenEarly.count == round }
            #expect(seenEarly[round - 1].components("early").count == round + 1)
        }
        // Two at once: the second answer is written in the turn of the first.
        socket.send(get + get)
        test.wait("both answers") { seenEarly.count == 4 }
        test.pass(.milliseconds(20))
        #expect(socket.text.components("early").count == 5)
        #expect(!socket.hasEnded && socket.failure == 0)
        socket.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        test.waitForEnd(of: socket)
        #expect(socket.text.components("early").count == 6)
        client = nil
        test.finish()
    }

    // MARK: Back-pressure

    /// A handler that has no end of bytes, and takes heed of `isFull`.
    private func endless(_ left: Int) -> ServerScript {
        var script = ServerScript()
        let source = Source(left: left)
        script.end = { _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
            source.produce(connection)
        }
        script.room = { _, connection in source.produce(connection) }
        return script
    }

    private final class Source {
        private var left: Int
        init(left: Int) { self.left = left }

        func produce(_ connection: HTTPServerConnection) {
            while left > 0, !connection.isFull {
                HTTPServerFlowTests.writeBlock(to: connection)
                left -= HTTPServerFlowTests.blockCount
            }
            if left <= 0, !connection.isClosed { connection.endResponse() }
        }
    }

    @Test func aSlowReaderBoundsWhatIsKept() throws {
        let test = Loopback()
        let total = 64 * 1024 * 1024
        try test.serve(endless(total))
        let client = test.connect(receiveBuffer: 64 * 1024)
        client.reads = false
        client.send(get)
        test.pass(.milliseconds(200))
        let connection = try #require(test.log.connections.first)
        let kept = connection.outputCount
        #expect(kept > 64 * 1024 && kept <= 256 * 1024 + 33 * 1024)
        // It goes on when there is room, and nothing is lost.
        client.reads = true
        test.wait("everything", within: .seconds(20)) {
            _ = client.take()
            #expect(connection.outputCount <= 256 * 1024 + 33 * 1024)
            return client.inputCount > total && connection.outputCount == 0
        }
        #expect(test.log.contains("room"))
        // The connection lives on behind it.
        client.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        test.waitForEnd(of: client)
        test.finish()
    }

    @Test(arguments: [true, false]) func aClientThatReadsNothingIsCut(_ isOver: Bool) throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.writeStallTime = .milliseconds(300)
        var script = ServerScript()
        script.end = { _, connection in
            connection.beginResponse(status: 200, body: .stream, closes: isOver) { _ in }
            for _ in 0..<300 { HTTPServerFlowTests.writeBlock(to: connection) }
            if isOver { connection.endResponse() }
        }
        try test.serve(limits: limits, script)
        let client = test.connect(receiveBuffer: 64 * 1024)
        client.reads = false
        client.send(get)
        test.wait("the cut", within: .seconds(2)) {
            !test.log.connections.isEmpty && test.server?.connectionCount == 0
        }
        #expect(test.log.contains("cancelled /a clientStalled") == !isOver)
        test.finish()
    }

    /// The end of the body is written in a turn that has nothing left to write.
    @Test func aClosingConnectionKeepsItsWriteClock() throws {
        let test = Loopback()
        var limits = ServerLimits()
        limits.writeStallTime = .milliseconds(300)
        var script = ServerScript()
        script.end = { _, connection in
            let count = 300 * HTTPServerFlowTests.blockCount
            connection.beginResponse(status: 200, body: .length(count), closes: true) { _ in }
            for _ in 0..<300 { HTTPServerFlowTests.writeBlock(to: connection) }
        }
        try test.serve(limits: limits, script)
        let client = test.connect(receiveBuffer: 64 * 1024)
        client.reads = false
        client.send(get)
        test.wait("output") { test.log.connections.first.map { $0.outputCount > 0 } ?? false }
        test.loop.withTurn { test.log.connections.first?.endResponse() }
        test.wait("the cut", within: .seconds(2)) { test.server?.connectionCount == 0 }
        test.finish()
    }

    /// Bytes behind a response that closes are nobody's, however long it takes to send.
    @Test func bytesBehindAClosingResponse() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, connection in
            let count = 300 * HTTPServerFlowTests.blockCount
            connection.beginResponse(status: 200, body: .length(count), closes: true) { _ in }
            for _ in 0..<300 { HTTPServerFlowTests.writeBlock(to: connection) }
            connection.endResponse()
        }
        try test.serve(script)
        let client = test.connect(receiveBuffer: 64 * 1024)
        client.reads = false
        client.send(get)
        test.wait("output") { test.log.connections.first.map { $0.outputCount > 0 } ?? false }
        client.send(get + get)
        test.pass(.milliseconds(30))
        client.reads = true
        test.wait("its end", within: .seconds(10)) { client.hasEnded || client.failure != 0 }
        #expect(client.inputCount > 300 * HTTPServerFlowTests.blockCount)
        #expect(client.text.components("\r\ndate: ").count == 2)
        #expect(test.log.lines == ["head GET /a", "end /a"])
        test.finish()
    }

    // MARK: Clients that leave

    /// In which way a client goes.
    enum Leaving: CaseIterable, Sendable { case closing, finishing, resetting }

    private func leave(_ client: RawSocket, _ how: Leaving) {
        switch how {
        case .closing: client.close()
        case .finishing: client.finish()
        case .resetting: client.reset()
        }
    }

    /// What a client has sent when it leaves.
    enum Phase: String, CaseIterable, Sendable {
        case nothing = ""
        case head = "GET /a HT"
        case body = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"
        case chunks =
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        case request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
        case strayLineEnd = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\n"
        case pipelined = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    @Test(arguments: Leaving.allCases, Phase.allCases)
    func leavesInEachPhase(_ how: Leaving, _ phase: Phase) throws {
        let sent = phase.rawValue
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, _ in }
        try test.serve(script)
        let client = test.connect()
        client.send(sent)
        test.wait("the connection") { test.server?.connectionCount == 1 }
        let isServed = sent.contains("\r\n\r\n")
        test.wait("the request") { !isServed || !test.log.lines.isEmpty }
        test.pass(.milliseconds(5))
        leave(client, how)
        let start = ContinuousClock.now
        test.wait("the cancellation") {
            isServed
                ? test.log.contains("cancelled /a clientLeft") : test.server?.connectionCount == 0
        }
        #expect(ContinuousClock.now - start < .milliseconds(100))
        test.wait("its end") { test.server?.connectionCount == 0 }
        #expect(test.log.count(of: "cancelled /a clientLeft") == (isServed ? 1 : 0))
        test.finish()
    }

    @Test(arguments: Leaving.allCases) func leavesInTheMiddleOfAResponse(_ how: Leaving) throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
            connection.writeBody(ByteSlice("part" as StaticString))
        }
        try test.serve(script)
        let client = test.connect()
        client.send(get)
        test.waitForText("part", on: client)
        leave(client, how)
        let start = ContinuousClock.now
        test.wait("the cancellation") { test.log.contains("cancelled /a clientLeft") }
        #expect(ContinuousClock.now - start < .milliseconds(100))
        test.wait("its end") { test.server?.connectionCount == 0 }
        test.finish()
    }

    @Test func responseCallsBehindACancellationAreHarmless() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, _ in }
        try test.serve(script)
        let client = test.connect()
        client.send(get)
        test.wait("the request") { test.log.contains("end /a") }
        let connection = try #require(test.log.connections.first)
        client.reset()
        test.wait("the cancellation") { test.log.contains("cancelled /a clientLeft") }
        test.loop.withTurn {
            connection.beginResponse(status: 200, body: .length(2)) { _ in }
            connection.writeBody(ByteSlice("hi" as StaticString))
            connection.endResponse()
            connection.cutResponse()
        }
        test.finish()
    }

    @Test func aCutResponseLooksCut() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
            connection.writeBody(ByteSlice("part" as StaticString))
            connection.cutResponse()
        }
        try test.serve(script)
        let client = test.connect()
        client.send(get)
        test.waitForEnd(of: client)
        #expect(client.text.contains("part") && !client.text.contains("0\r\n\r\n"))
        test.finish()
    }

    // MARK: The server's end

    @Test func drain() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { handler, connection in
            if handler.path == "/slow" {
                connection.beginResponse(status: 200, body: .stream) { _ in }
            }
        }
        try test.serve(script)
        let server = try #require(test.server)
        let idle = test.connect()
        let running = test.connect()
        let waiting = test.connect()
        running.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        test.wait("both") { test.log.contains("end /slow") && test.log.contains("end /wait") }
        test.wait("all three") { server.connectionCount == 3 }
        var isDrained = false
        server.drain(grace: .seconds(5)) { isDrained = true }
        test.waitForEnd(of: idle)
        test.pass(.milliseconds(20))
        #expect(!isDrained && server.connectionCount == 2)
        for connection in test.log.connections {
            test.loop.withTurn {
                if !connection.hasStartedResponse {
                    connection.beginResponse(status: 200, body: .stream) { _ in }
                }
                connection.writeBody(ByteSlice("last" as StaticString))
                connection.endResponse()
            }
        }
        test.wait("the drain") { isDrained }
        #expect(running.text.hasSuffix("last\r\n0\r\n\r\n"))
        #expect(waiting.text.contains("connection: close"))
        let refused = socketIsRefused(test.port)
        #expect(refused)
        test.finish()
    }

    private func socketIsRefused(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return RawSocket.withLoopback(port: port) { Glibc.connect(descriptor, $0, $1) } != 0
    }

    @Test func theDrainHasAnEnd() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { _, _ in }
        try test.serve(script)
        let client = test.connect()
        client.send(get)
        test.wait("the request") { test.log.contains("end /a") }
        var isDrained = false
        test.server?.drain(grace: .milliseconds(100)) { isDrained = true }
        test.wait("the drain", within: .seconds(1)) { isDrained }
        #expect(test.log.contains("cancelled /a stopped"))
        test.finish()
    }
}
