// HTTPRequestRulesTests.swift — what a server refuses though the parser takes it.

import ReactorCore
import Testing

@Suite struct HTTPRequestRulesTests {
    /// The rule that a request breaks; nil when it keeps them all.
    private func failure(_ text: String) throws -> HTTP1Failure? {
        let settings = HTTP1ParserSettings()
        var parser = HTTP1Parser(.request, limits: HTTPHeadLimits(), settings: settings)
        return try text.withByteSlice { bytes in
            var rest = bytes
            guard case .head = parser.next(&rest) else {
                throw NotAHead()
            }
            return HTTPRequestRules.failure(in: parser.head)
        }
    }
    private struct NotAHead: Error {}

    @Test(arguments: [
        "a", "A.b-c_d~e:80", "127.0.0.1:8080", "[::1]", "[fe80::1]:443", "xn--bcher-kva.example",
        "a:",
    ])
    func takesHosts(_ host: String) throws {
        #expect(try failure("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == nil)
    }

    @Test(arguments: [
        "", "a b", "a,b", "a/b", "user@a", "a?b", "a#b", "a:b", "a:80:90", ":80", "[::1", "::1",
        "[::1]x",
        "[]", "a[", "http://a", "a\"", "\u{E9}", "a:123456", "[x]",
    ])
    func refusesHosts(_ host: String) throws {
        #expect(try failure("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .badHost)
    }

    @Test func wantsOneHost() throws {
        #expect(try failure("GET / HTTP/1.1\r\n\r\n") == .badHost)
        #expect(try failure("GET / HTTP/1.0\r\n\r\n") == nil)
        #expect(try failure("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n") == .badHost)
        #expect(try failure("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n") == .badHost)
        let long = String(repeating: "a", count: 262)
        #expect(try failure("GET / HTTP/1.1\r\nHost: \(long)\r\n\r\n") == .badHost)
        // Without regard to where the request goes to.
        #expect(try failure("GET http://h/ HTTP/1.1\r\n\r\n") == .badHost)
    }

    @Test(arguments: [
        ("CONNECT a:1", HTTP1Failure.methodNotImplemented), ("TRACE /", .methodNotImplemented),
        ("GET *", .badTarget), ("GET ftp://a/", .badTarget), ("GET http://", .badTarget),
        ("GET http:///x", .badTarget), ("GET https://?q", .badTarget),
    ])
    func refusesTargets(_ line: String, _ expected: HTTP1Failure) throws {
        #expect(try failure("\(line) HTTP/1.1\r\nHost: a\r\n\r\n") == expected)
    }

    @Test(arguments: [
        "GET /", "OPTIONS *", "GET http://a", "GET HTTPS://a:1/x?y", "DELETE /a?b=/c",
    ])
    func takesTargets(_ line: String) throws {
        #expect(try failure("\(line) HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
    }

    @Test func pathsOfTargets() {
        let rows: [(target: String, path: String, query: String)] = [
            ("/", "/", "/"), ("/a/b?c=/d?e", "/a/b", "/a/b?c=/d?e"), ("*", "*", "*"),
            ("http://h", "/", "/"), ("http://h/", "/", "/"), ("HTTP://h:1/p?q", "/p", "/p?q"),
            ("https://h/p/q", "/p/q", "/p/q"), ("http://h?q=/x", "/", "/?q=/x"), ("", "", ""),
            ("/?", "/", "/?"), ("/http://x", "/http://x", "/http://x"),
        ]
        for row in rows {
            row.target.withByteSlice {
                #expect(HTTPRequestRules.path(of: $0).string == row.path, "\(row.target)")
            }
            if row.target.hasPrefix("http://h?") { continue }
            row.target.withByteSlice {
                #expect(HTTPRequestRules.pathAndQuery(of: $0).string == row.query, "\(row.target)")
            }
        }
    }
}
