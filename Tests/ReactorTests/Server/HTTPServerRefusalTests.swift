// HTTPServerRefusalTests.swift — what the server answers by itself, and that a client can read it.

import Reactor
import ReactorCore
import Testing

@Suite struct HTTPServerRefusalTests {
    private var short: ServerLimits {
        var limits = ServerLimits()
        limits.headTime = .milliseconds(200)
        limits.bodyTime = .milliseconds(400)
        limits.bodyRateGrace = .milliseconds(200)
        limits.idleTime = .milliseconds(300)
        limits.lingerTime = .milliseconds(300)
        limits.writeStallTime = .milliseconds(300)
        limits.bodyBytesMax = 1000
        return limits
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET / HTTP/3.0\r\n\r\n", 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\0\u{5}\u{1}", 400),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 101))\r\n", 431),
    ])
    func refusesBadHeads(_ request: String, _ status: Int) throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send(request)
        // Nothing behind it may be taken for a request.
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        test.waitForEnd(of: client)
        #expect(client.text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(client.text.components("\r\ndate: ").count == 2, "exactly one answer")
        #expect(client.text.contains("connection: close"))
        #expect(test.log.lines.isEmpty)
        client.close()
        test.wait("its end") { test.server?.connectionCount == 0 }
        test.finish()
    }

    @Test func aRefusalBehindAHeadRequestHasItsBody() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        test.waitForText("\r\n\r\n", on: client)
        _ = client.take()
        client.send("nonsense\r\n\r\n")
        test.waitForEnd(of: client)
        #expect(client.text.hasSuffix("\n") && !client.text.hasSuffix("\r\n\r\n"))
        // And a HEAD request that is refused has none.
        let other = test.connect()
        other.send("HEAD / HTTP/1.1\r\n\r\n")
        test.waitForEnd(of: other)
        #expect(other.text.hasPrefix("HTTP/1.1 400") && other.text.hasSuffix("\r\n\r\n"))
        test.finish()
    }

    @Test func aDeclaredBodyOverTheLimit() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
        test.waitForText("HTTP/1.1 413", on: client)
        #expect(!client.text.contains("100 Continue"))
        test.waitForEnd(of: client)
        #expect(client.failure == 0)
        // The handler may know whose words the refusal is to be told in.
        #expect(test.log.lines == ["head POST /", "cancelled / refused 413"])
        test.finish()
    }

    /// Far more than the kernel's buffers hold is sent without reading; the answer must be there
    /// all the same, and no reset may take it away.
    @Test(arguments: [true, false]) func theClientCanReadA413(_ chunked: Bool) throws {
        let test = Loopback()
        var limits = short
        limits.lingerTime = .seconds(2)
        try test.serve(limits: limits)
        let client = test.connect()
        let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: 20000000"
        client.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
        let block = [UInt8](repeating: 0x61, count: 500_000)
        for _ in 0..<40 {
            if chunked { client.send("7a120\r\n") }
            client.send(block)
            if chunked { client.send("\r\n") }
            test.pass(.milliseconds(1))
        }
        test.waitForText("HTTP/1.1 413", on: client)
        test.waitForEnd(of: client)
        #expect(client.text.contains("over the limit of 1000 bytes"))
        #expect(client.text.components("\r\ndate: ").count == 2)
        #expect(client.failure == 0)
        #expect(test.log.lines == ["head POST /", "cancelled / refused 413"])
        client.close()
        test.wait("its end") { test.server?.connectionCount == 0 }
        test.finish()
    }

    @Test func aBadChunk() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nxx\r\n")
        test.waitForEnd(of: client)
        #expect(client.text.hasPrefix("HTTP/1.1 400"))
        #expect(test.log.lines == ["head POST /", "cancelled / refused 400"])
        test.finish()
    }

    @Test func aBadChunkBehindAnAnswerThatBegan() throws {
        let test = Loopback()
        var script = ServerScript()
        script.head = { _, _, connection in
            connection.beginResponse(status: 200, body: .stream) { _ in }
            connection.writeBody(ByteSlice("part" as StaticString))
        }
        try test.serve(limits: short, script)
        let client = test.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        test.waitForText("part", on: client)
        client.send("xx\r\n")
        test.waitForEnd(of: client)
        // The client must not take what it got for whole, nor see a second answer.
        #expect(!client.text.contains("0\r\n\r\n"))
        #expect(client.text.components("\r\ndate: ").count == 2)
        #expect(test.log.lines == ["head POST /", "cancelled / refused 400"])
        test.finish()
    }

    @Test func slowHeads() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        for byte in "GET / HTTP/1.1\r\nHost: a".utf8 {
            client.send([byte])
            test.pass(.milliseconds(20))
            if client.hasEnded { break }
        }
        test.waitForEnd(of: client)
        #expect(client.text.hasPrefix("HTTP/1.1 408"))
        test.finish()
    }

    @Test func slowBodies() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n")
        let start = ContinuousClock.now
        test.waitForEnd(of: client)
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(client.text.hasPrefix("HTTP/1.1 408"))
        #expect(test.log.lines == ["head POST /", "cancelled / refused 408"])
        test.finish()
    }

    @Test func idleConnectionsAreClosedWithoutAWord() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let silent = test.connect()
        let used = test.connect()
        used.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        test.waitForText("/a:", on: used)
        test.waitForEnd(of: silent)
        test.waitForEnd(of: used)
        #expect(silent.input.isEmpty && silent.failure == 0)
        #expect(used.text.hasSuffix("/a:") && used.failure == 0)
        test.finish()
    }

    @Test func lingeringIsBounded() throws {
        let test = Loopback()
        try test.serve(limits: short)
        let client = test.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
        test.waitForText("HTTP/1.1 413", on: client)
        // It neither closes nor stops sending.
        test.wait("the end of lingering", within: .seconds(2)) {
            client.send("x")
            return test.server?.connectionCount == 0
        }
        test.finish()
    }

    @Test func tooManyConnections() throws {
        let test = Loopback()
        var limits = short
        limits.connectionCountMax = 2
        limits.idleTime = .seconds(5)
        try test.serve(limits: limits)
        let first = test.connect()
        let second = test.connect()
        test.wait("both") { test.server?.connectionCount == 2 }
        let third = test.connect()
        test.waitForEnd(of: third)
        #expect(third.text.hasPrefix("HTTP/1.1 503"))
        #expect(third.text.contains("connection: close"))
        first.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        test.waitForText("/a:", on: first)
        second.close()
        third.close()
        test.wait("room") { test.server?.connectionCount == 1 }
        let fourth = test.connect()
        fourth.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        test.waitForText("/b:", on: fourth)
        test.finish()
    }
}
