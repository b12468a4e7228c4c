// HTTP2SessionTests.swift — a client's HTTP/2 against frames written by hand.

import ReactorCore
import TestSupport
import Testing

@Suite struct HTTP2SessionTests {
    /// A session, what it told as text, and what it sent.
    private final class Client {
        let session: HTTP2Session
        var told: [String] = []
        var sent: [SentFrame] = []
        private var output: [UInt8] = []

        init(limits: HTTP2Limits = HTTP2Limits()) { session = HTTP2Session(limits: limits) }

        @discardableResult
        func ask(_ request: String = "GET /v1/x HTTP/1.1\r\nHost: a.b:1\r\n\r\n") throws -> Int32 {
            let settings = HTTP1ParserSettings()
            var parser = HTTP1Parser(.request, limits: HTTPHeadLimits(), settings: settings)
            var message = ByteBuffer()
            message.append(request)
            var rest = message.slice
            guard case .head = parser.next(&rest) else { throw Broken() }
            let start = message.count - rest.count
            let stream = session.submit(parser.head, in: message, bodyStart: start)
            try flush()
            return try #require(stream)
        }
        struct Broken: Error {}

        func flush() throws {
            var buffer = ByteBuffer()
            try session.appendOutput(to: &buffer, bytesMax: 1 << 20)
            output += buffer.array
            sent += SentFrame.take(from: &output)
            listen()
        }

        func hear(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { try session.receive(ByteSlice($0)) }
            listen()
        }

        private func listen() {
            while let event = session.nextEvent() { told.append(Self.text(event)) }
        }

        static func text(_ event: HTTP2Session.Event) -> String {
            switch event {
            case .head(let stream, let head):
                let fields = (0..<head.fields.count).map {
                    "\(head.fields.name($0).string)=\(head.fields.value($0).string)"
                }
                return
                    "\(stream) head \(head.status) \(head.framing) \(fields.joined(separator: " "))"
            case .body(let stream, let bytes): return "\(stream) body \(bytes.string)"
            case .end(let stream): return "\(stream) end"
            case .closed(let stream, let code, let byPeer):
                return "\(stream) closed \(code)\(byPeer ? " by peer" : "")"
            case .goAway(let code): return "goaway \(code)"
            }
        }
    }

    private let answer: [(String, String)] = [
        (":status", "200"), ("content-type", "text/event-stream"), ("x-a", "1"),
    ]

    @Test func anExchange() throws {
        let client = Client()
        try client.flush()
        #expect(client.sent.map(\.type) == [HTTP2Frames.settings, HTTP2Frames.windowUpdate])
        try client.hear(HTTP2Frames.settings())
        let stream = try client.ask(
            "POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        #expect(stream == 1)
        let body = try #require(client.sent.last { $0.type == HTTP2Frames.data })
        #expect(body.payload == Array("hello".utf8) && body.flags == HTTP2Frames.endStream)
        #expect(client.session.isSent(1))
        try client.hear(HTTP2Frames.headers(stream: 1, answer))
        try client.hear(HTTP2Frames.data(stream: 1, "one"))
        try client.hear(HTTP2Frames.data(stream: 1, "two", ends: true))
        #expect(
            client.told == [
                "1 head 200 chunked content-type=text/event-stream x-a=1", "1 body one",
                "1 body two", "1 end", "1 closed NO_ERROR",
            ])
    }

    /// However the server's bytes are cut, the same is told.
    @Test func cutAtEveryByte() throws {
        let bytes =
            HTTP2Frames.settings([(3, 7)])
            + HTTP2Frames.headers(stream: 1, [(":status", "103"), ("link", "x")])
            + HTTP2Frames.headers(stream: 1, [(":status", "200"), ("content-length", "6")])
            + HTTP2Frames.data(stream: 1, "abcdef")
            + HTTP2Frames.headers(stream: 1, [("grpc-status", "0")], ends: true)
            + HTTP2Frames.headers(stream: 3, [(":status", "204")], ends: true)
        func told(cutAt cut: Int) throws -> [String] {
            let client = Client()
            try client.ask()
            try client.ask()
            try client.hear(Array(bytes[..<cut]))
            try client.hear(Array(bytes[cut...]))
            #expect(client.session.streamsMax == 7)
            // Body bytes may come in two pieces.
            return client.told.reduce(into: []) { lines, line in
                if line.hasPrefix("1 body "), let last = lines.last, last.hasPrefix("1 body ") {
                    lines[lines.count - 1] = last + line.dropFirst(7)
                } else {
                    lines.append(line)
                }
            }
        }
        let whole = try told(cutAt: 0)
        #expect(
            whole == [
                "1 head 103 chunked link=x", "1 head 200 length(6) content-length=6",
                "1 body abcdef", "1 end", "1 closed NO_ERROR", "3 head 204 none ", "3 end",
                "3 closed NO_ERROR",
            ])
        for cut in 1..<bytes.count { #expect(try told(cutAt: cut) == whole, "cut at \(cut)") }
    }

    @Test func whatTheServerRefusedIsTold() throws {
        let client = Client()
        try client.ask()
        try client.ask()
        try client.ask()
        try client.hear(HTTP2Frames.settings() + HTTP2Frames.reset(stream: 1, 7))
        #expect(client.told == ["1 closed REFUSED_STREAM by peer"])
        // A goodbye refuses what came behind the last that was looked at.
        client.told = []
        try client.hear(HTTP2Frames.goAway(last: 3))
        #expect(client.told.contains("5 closed REFUSED_STREAM"))
        #expect(client.told.contains("goaway NO_ERROR"))
        #expect(!client.told.contains { $0.hasPrefix("3 ") })
        try client.hear(HTTP2Frames.headers(stream: 3, answer, ends: true))
        #expect(client.told.contains("3 end"))
    }

    @Test(arguments: [
        ("no status", [("x", "1")]), ("two statuses", [(":status", "200"), (":status", "200")]),
        ("a field of HTTP/1", [(":status", "200"), ("connection", "close")]),
        ("an upper-case name", [(":status", "200"), ("X-A", "1")]),
        ("a line end", [(":status", "200"), ("a", "b\r\nc: d")]),
    ])
    func aBadHeadEndsItsStream(_ what: String, fields: [(String, String)]) throws {
        let client = Client()
        try client.ask()
        try client.hear(HTTP2Frames.settings() + HTTP2Frames.headers(stream: 1, fields))
        try client.flush()
        let ending = client.told + client.sent.filter { $0.type == 3 }.map { "reset \($0.stream)" }
        #expect(ending.contains { $0.contains("1 closed PROTOCOL_ERROR") }, "\(what): \(ending)")
        #expect(!client.told.contains { $0.contains("head") }, "\(what)")
    }

    @Test func aBodyThatBeliesItsLengthEndsItsStream() throws {
        let client = Client()
        try client.ask()
        try client.hear(
            HTTP2Frames.settings()
                + HTTP2Frames.headers(stream: 1, [(":status", "200"), ("content-length", "2")])
                + HTTP2Frames.data(stream: 1, "abc", ends: true))
        try client.flush()
        #expect(client.told.last == "1 closed PROTOCOL_ERROR")
        #expect(!client.told.contains("1 end"))
    }

    @Test func headsHaveBounds() throws {
        var limits = HTTP2Limits()
        limits.headBytesMax = 1000
        limits.fieldCountMax = 5
        for fields in [
            [(":status", "200"), ("a", String(repeating: "x", count: 1000))],
            [(":status", "200")] + (0..<6).map { ("a\($0)", "1") },
        ] {
            let client = Client(limits: limits)
            try client.ask()
            try client.ask()
            try client.hear(HTTP2Frames.settings() + HTTP2Frames.headers(stream: 1, fields))
            try client.flush()
            #expect(client.told == ["1 closed INTERNAL_ERROR"])
            // The connection is none the worse for it.
            try client.hear(HTTP2Frames.headers(stream: 3, answer, ends: true))
            #expect(client.told.contains("3 end"))
        }
    }

    /// A window opens with what was taken, not with what came.
    @Test func aStreamThatIsNotTakenShutsItsWindow() throws {
        var limits = HTTP2Limits()
        limits.streamWindowBytes = 1000
        let client = Client(limits: limits)
        try client.ask()
        // Our settings hold once the server says so.
        try client.hear(HTTP2Frames.settings() + HTTP2Frames.frame(HTTP2Frames.settings, flags: 1))
        try client.hear(HTTP2Frames.headers(stream: 1, answer))
        try client.hear(HTTP2Frames.data(stream: 1, String(repeating: "x", count: 1000)))
        client.session.consumeOfConnection(1000)
        try client.flush()
        client.sent = []
        try client.flush()
        #expect(client.sent.isEmpty)
        client.session.consumeOfStream(1, 1000)
        try client.flush()
        #expect(client.sent.map(\.type) == [HTTP2Frames.windowUpdate])
        #expect(client.sent.map(\.stream) == [1])
        // More than the window is the server's mistake.
        try client.hear(HTTP2Frames.data(stream: 1, String(repeating: "x", count: 1001)))
        try client.flush()
        #expect(client.told.contains { $0.contains("FLOW_CONTROL_ERROR") } || client.session.isOver)
    }

    @Test func aLongBodyWaitsForTheServersWindow() throws {
        let client = Client()
        try client.hear(HTTP2Frames.settings([(4, 10)]))
        let stream = try client.ask(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25\r\n\r\n1234567890123456789012345")
        func sent() -> Int {
            client.sent.filter { $0.type == HTTP2Frames.data }.reduce(0) { $0 + $1.payload.count }
        }
        #expect(sent() == 10 && !client.session.isSent(stream))
        let more = HTTP2Frames.frame(
            HTTP2Frames.windowUpdate, stream: stream, HTTP2Frames.word(100))
        try client.hear(more)
        try client.flush()
        #expect(sent() == 25 && client.session.isSent(stream))
    }

    @Test func aStreamCanBeGivenUp() throws {
        let client = Client()
        let stream = try client.ask()
        try client.hear(HTTP2Frames.settings() + HTTP2Frames.headers(stream: 1, answer))
        client.session.reset(stream, .cancel)
        try client.flush()
        #expect(
            client.sent.contains { $0.type == HTTP2Frames.reset && $0.payload == [0, 0, 0, 8] })
        #expect(client.told.last == "1 closed CANCEL")
        client.told = []
        // What was under way is dropped.
        try client.hear(HTTP2Frames.data(stream: 1, "late"))
        #expect(client.told.isEmpty)
    }

    @Test func bytesThatAreNoHTTP2EndTheConnection() throws {
        let client = Client()
        try client.ask()
        // A first frame that is not SETTINGS, as a server of HTTP/1 would send.
        do {
            try client.hear(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            try client.flush()
            #expect(client.session.isOver)
        } catch is HTTP2Session.Failure {}
    }

    @Test func aGoodbyeIsSent() throws {
        let client = Client()
        try client.hear(HTTP2Frames.settings())
        client.session.terminate()
        try client.flush()
        #expect(client.sent.last?.type == HTTP2Frames.goAway)
        #expect(client.session.isOver)
    }
}
