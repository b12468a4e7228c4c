// HTTPServerExchangeTests.swift — requests that are served: framing, order, keep-alive.

import Reactor
import ReactorCore
import Testing

@Suite struct HTTPServerExchangeTests {
    private let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    /// How many answers begin in what has arrived.
    private func answers(_ socket: RawSocket) -> Int {
        socket.text.components("\r\ndate: ").count - 1
    }

    @Test func keepsAlive() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        for round in 1...3 {
            client.send("POST /\(round) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            test.waitForText("/\(round):hi", on: client)
            #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\ndate: "))
            #expect(client.text.contains("\r\nx-test: 1\r\ncontent-length: 5\r\n\r\n/\(round):hi"))
            _ = client.take()
        }
        #expect(test.server?.connectionCount == 1)
        #expect(test.log.lines.count == 6)
        test.finish()
    }

    @Test func servesWhateverTheCut() throws {
        let test = Loopback()
        try test.serve()
        let request = Array(
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                .utf8)
        let client = test.connect()
        for cut in stride(from: 1, to: request.count, by: 3) {
            client.send(Array(request[..<cut]))
            test.pass(.milliseconds(1))
            client.send(Array(request[cut...]))
            test.waitForText("/x:abc", on: client)
            _ = client.take()
        }
        test.finish()
    }

    @Test func pipelinesInOrder() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        var all = ""
        for index in 0..<50 { all += "GET /\(index) HTTP/1.1\r\nHost: a\r\n\r\n" }
        client.send(all)
        test.wait("50 answers") { answers(client) == 50 }
        var rest = Substring(client.text)
        for index in 0..<50 {
            let place = rest.firstRange(of: "\r\n\r\n/\(index):")
            let range = try #require(place, "answer \(index)")
            rest = rest[range.upperBound...]
        }
        test.finish()
    }

    @Test func pipelinesBehindASlowAnswer() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { handler, connection in
            if handler.path != "/slow" { handler.answer(connection, handler.path) }
        }
        try test.serve(script)
        let client = test.connect()
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHo")
        test.wait("the first") { test.log.contains("end /slow") }
        client.send("st: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        test.pass(.milliseconds(30))
        #expect(!test.log.contains("head GET /2"))
        #expect(client.input.isEmpty)
        let connection = try #require(test.log.connections.first)
        test.loop.withTurn {
            connection.beginResponse(status: 200, body: .length(4)) { _ in }
            connection.writeBody(ByteSlice("slow" as StaticString))
            connection.endResponse()
        }
        test.waitForText("/2", on: client)
        client.send("abc")
        test.waitForText("/3", on: client)
        #expect(
            test.log.lines == [
                "head GET /slow", "end /slow", "head GET /2", "end /2", "head POST /3", "end /3",
            ])
        test.finish()
    }

    /// An answer at the head of a request without a body, as for 404: nothing is unread.
    @Test func anAnswerAtTheHeadKeepsTheConnection() throws {
        let test = Loopback()
        var script = ServerScript()
        script.head = { handler, _, connection in handler.answer(connection, status: 404, "no") }
        script.end = { _, _ in Issue.record("the end of a request that has been answered") }
        try test.serve(script)
        let client = test.connect()
        for _ in 0..<3 {
            client.send(get)
            test.waitForText("\r\n\r\nno", on: client)
            #expect(!client.text.contains("connection: close"))
            _ = client.take()
        }
        client.send(get + get)
        test.wait("both") { answers(client) == 2 }
        test.finish()
    }

    @Test func headHasNoBody() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get)
        test.waitForText("/a:", on: client)
        #expect(answers(client) == 2)
        let parts = client.text.components("\r\n\r\n")
        #expect(parts[0].contains("content-length: 3"))
        #expect(parts[1].hasPrefix("HTTP/1.1 200"))
        test.finish()
    }

    @Test func chunkedBothWays() throws {
        let test = Loopback()
        var script = ServerScript()
        script.head = { _, _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
        }
        script.body = { _, bytes, connection in connection.writeBody(bytes) }
        script.end = { _, connection in connection.endResponse() }
        try test.serve(script)
        let client = test.connect()
        for _ in 0..<2 {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            test.waitForText("transfer-encoding: chunked\r\n\r\n", on: client)
            client.send("4\r\nabcd\r\n2\r\nef\r\n")
            // What one turn writes leaves as one chunk.
            test.waitForText("6\r\nabcdef\r\n", on: client)
            client.send("1;x=y\r\ng\r\n0\r\nTrailer: x\r\n\r\n")
            test.waitForText("1\r\ng\r\n0\r\n\r\n", on: client)
            _ = client.take()
        }
        test.finish()
    }

    @Test func oldVersion() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { handler, connection in
            guard handler.path == "/stream" else { return handler.answer(connection, "whole") }
            connection.beginResponse(status: 200, body: .stream) { _ in }
            connection.writeBody(ByteSlice("text" as StaticString))
            connection.endResponse()
        }
        try test.serve(script)
        // Closed by default, never chunked.
        let first = test.connect()
        first.send("GET /stream HTTP/1.0\r\n\r\n")
        test.waitForEnd(of: first)
        #expect(first.text.hasSuffix("connection: close\r\n\r\ntext"))
        #expect(!first.text.contains("chunked"))
        // Kept alive when asked for and possible.
        let second = test.connect()
        second.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        test.waitForText("connection: keep-alive\r\n\r\nwhole", on: second)
        _ = second.take()
        second.send("GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        test.pass(.milliseconds(20))
        #expect(second.input.isEmpty, "no interim answer in 1.0")
        second.send("x")
        test.waitForEnd(of: second)
        #expect(second.text.hasSuffix("whole"))
        test.finish()
    }

    @Test func continues() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        let head =
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"
        for _ in 0..<2 {
            client.send(head)
            test.waitForText("HTTP/1.1 100 Continue\r\n\r\n", on: client)
            client.send("abc")
            test.waitForText("/p:abc", on: client)
            #expect(client.text.components("100 Continue").count == 2)
            _ = client.take()
        }
        // Without a body there is nothing to go on with.
        client.send("GET /g HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        test.waitForText("/g:", on: client)
        #expect(!client.text.contains("100 Continue"))
        test.finish()
    }

    @Test func anEarlyAnswerTakesThePlaceOfContinue() throws {
        let test = Loopback()
        var script = ServerScript()
        script.head = { handler, _, connection in handler.answer(connection, status: 401, "who?") }
        try test.serve(script)
        let client = test.connect()
        client.send(
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        test.waitForText("who?", on: client)
        #expect(client.text.hasPrefix("HTTP/1.1 401"))
        #expect(!client.text.contains("100"))
        test.waitForEnd(of: client)
        // What is sent into the lingering connection is never a request.
        client.send(get)
        test.pass(.milliseconds(20))
        #expect(answers(client) == 1)
        test.finish()
    }

    @Test func nothingBehindACloseIsAnswered() throws {
        let test = Loopback()
        try test.serve()
        for close in [
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n",
        ] {
            let client = test.connect()
            client.send(close + get)
            test.waitForEnd(of: client)
            #expect(answers(client) == 1)
        }
        test.finish()
    }

    @Test func upgradesAreIgnored() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        client.send(
            "GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + get)
        test.wait("two") { answers(client) == 2 }
        #expect(client.text.components("HTTP/1.1 200").count == 3)
        test.finish()
    }

    @Test func manyConnections() throws {
        let test = Loopback()
        try test.serve()
        let clients = (0..<100).map { _ in test.connect() }
        for client in clients { client.send(get) }
        test.wait("100 answers") { clients.allSatisfy { $0.text.hasSuffix("/a:") } }
        #expect(test.server?.connectionCount == 100)
        for client in clients { client.close() }
        test.wait("all gone") { test.server?.connectionCount == 0 }
        test.finish()
    }
}

extension String {
    /// The parts between the occurrences of `separator`.
    func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
