// HTTP1PlainHeadTests.swift — heads at the border of what is taken without llhttp: whole, where they
// may be, and cut, where they never are, both must be understood alike.

import FuzzChecks
import ReactorCore
import Testing

@Suite struct HTTP1PlainHeadTests {
    /// What a field line may be turned into, and still or no longer be plain.
    static let lines = [
        "a: b", "A-b_c9: d", "a:b", "a:  b  ", "a: b\t", "a:\tb", "a: ", "a:", "a : b", "a", ": b",
        "a: b\u{7F}", "a: \u{E9}", "a!: b", "a: b\rc", "a: b\nc", " a: b", "a: b\r\n c", "a: b\0",
        "upgrade: h2c", "Upgrade: websocket\r\nconnection: upgrade",
        "connection: keep-alive", "Connection: Keep-Alive", "connection: close",
        "connection: keep-alive, close", "proxy-connection: close", "proxy-connection: keep-alive",
        "transfer-encoding: chunked", "Transfer-Encoding: gzip", "transfer-encoding: ",
        "content-length: 2", "content-length: 02", "content-length: +2", "content-length: 2 ",
        "content-length: 2, 2", "content-length: 2\r\ncontent-length: 2", "content-length: 0",
        "content-length: 999999999999999999", "content-length: 99999999999999999999",
        "content-length: 2\r\ntransfer-encoding: chunked", "content-length:", "content-length: a",
        "expect: 100-continue", String(repeating: "n", count: 40) + ": v",
        "a: " + String(repeating: "v", count: 100),
        Array(repeating: "a: b", count: 12).joined(separator: "\r\n"),
        Array(repeating: "a: b", count: 120).joined(separator: "\r\n"),
    ]

    static let firstLines = [
        "GET / HTTP/1.1", "POST /a/b?c=d HTTP/1.1",
        "POST /\(String(repeating: "a", count: 30)) HTTP/1.1",
        "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.0", "GET / HTTP/1.2", "GET /",
        "get / HTTP/1.1",
        "GET * HTTP/1.1", "GET http://a/ HTTP/1.1", "GET /#a HTTP/1.1", "GET /a\"b HTTP/1.1",
        "PUT / HTTP/1.1", "\r\nGET / HTTP/1.1", "GET / HTTP/1.1 ", "GET /\u{E9} HTTP/1.1",
        "HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 404 Not Found",
        "HTTP/1.1 204 No", "HTTP/1.1 304 No", "HTTP/1.1 101 No", "HTTP/1.1 100 Go on",
        "HTTP/1.1 2000 OK", "HTTP/1.1 600 OK", "HTTP/1.1  200 OK", "HTTP/1.0 200 OK",
        "HTTP/1.1 200 O\tK", "HTTP/1.1 200 \u{E9}", "HTTP/1.1 200 \u{7F}",
    ]

    @Test(arguments: firstLines) func readsAllAlike(_ first: String) {
        for line in Self.lines {
            for ends in ["\r\n\r\n", "\r\n\n", "\n\n", "\r\n\r\r\n", "\r\n"] {
                let message = "\(first)\r\nhost: a\r\n\(line)\(ends)"
                for behind in ["", "hi", "hi\(first)\r\n\r\n"] {
                    let text = message + behind
                    let complaint = HTTP1Check.run(Array(text.utf8))
                    #expect(complaint == nil, "\(text.debugDescription)")
                    if complaint != nil { return }
                }
            }
        }
    }

    @Test func aBodyMayComeInPieces() {
        let head = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"
        let bytes = Array((head + "hello" + head + "world").utf8)
        let trace = ParserTrace(role: .request)
        let whole = trace.of(bytes)
        #expect(whole.count == 7)
        #expect(trace.of(bytes, cutAt: [head.utf8.count + 2]) == whole)
    }
}
