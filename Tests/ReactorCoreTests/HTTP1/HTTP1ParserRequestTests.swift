// HTTP1ParserRequestTests.swift — requests that keep the rules, and every kind that does not.

import ReactorCore
import Testing

private func get(_ fields: String, line: String = "GET / HTTP/1.1") -> String {
    "\(line)\r\nHost: a\r\n\(fields)\r\n"
}

private func post(_ fields: String, _ body: String = "") -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)"
}

@Suite struct HTTP1ParserRequestTests {
    static let good: [HTTP1ParserCase] = [
        .init("nothing", "", ["closed between messages"]),
        .init(
            "GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ["GET / | 1.1 none 27B | alive | Host=a", "end", "closed between messages"]),
        .init(
            "no field at all", "GET / HTTP/1.1\r\n\r\n",
            ["GET / | 1.1 none 18B | alive", "end", "closed between messages"]),
        .init(
            "white space around values", "GET /x?y HTTP/1.1\r\nA: \t b c\t \r\nE:\r\nF: \r\n\r\n",
            ["GET /x?y | 1.1 none 42B | alive | A=b c | E= | F=", "end", "closed between messages"]),
        .init(
            "length", post("Content-Length: 5\r\n", "hello"),
            [
                "POST / | 1.1 length(5) 47B | alive | Host=a | Content-Length=5", "body hello",
                "end", "closed between messages",
            ]),
        .init(
            "length 0", post("Content-Length: 0\r\n"),
            [
                "POST / | 1.1 none 47B | alive | Host=a | Content-Length=0", "end",
                "closed between messages",
            ]),
        .init(
            "chunked",
            post("Transfer-Encoding: Chunked\r\n", "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n"),
            [
                "POST / | 1.1 chunked 56B | alive | Host=a | Transfer-Encoding=Chunked",
                "body abc0123456789", "end", "closed between messages",
            ]),
        .init(
            "chunk extensions and trailers",
            post(
                "Transfer-Encoding: chunked\r\n",
                "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\nAuthorization: evil\r\nHost: b\r\n\r\n"),
            [
                "POST / | 1.1 chunked 56B | alive | Host=a | Transfer-Encoding=chunked", "body x",
                "end", "closed between messages",
            ]),
        .init(
            "pipelined",
            get("") + post("Content-Length: 1\r\n", "x") + get("", line: "HEAD /b HTTP/1.1"),
            [
                "GET / | 1.1 none 27B | alive | Host=a", "end",
                "POST / | 1.1 length(1) 47B | alive | Host=a | Content-Length=1", "body x", "end",
                "HEAD /b | 1.1 none 29B | alive | Host=a", "end", "closed between messages",
            ]),
        .init(
            "1.0", "GET / HTTP/1.0\r\n\r\n",
            ["GET / | 1.0 none 18B", "end", "closed between messages"]),
        .init(
            "1.0 kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            [
                "GET / | 1.0 none 42B | alive | Connection=keep-alive", "end",
                "closed between messages",
            ]),
        .init(
            "close", get("Connection: close\r\n"),
            ["GET / | 1.1 none 46B | Host=a | Connection=close", "end", "closed between messages"]),
        .init(
            "upgrade is told and ignored",
            get("Connection: upgrade\r\nUpgrade: h2c\r\n") + get("", line: "GET /2 HTTP/1.1"),
            [
                "GET / | 1.1 none 62B | alive | upgrade | Host=a | Connection=upgrade | Upgrade=h2c",
                "end", "GET /2 | 1.1 none 28B | alive | Host=a", "end", "closed between messages",
            ]),
        .init(
            "upgrade with a body",
            post("Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", "hi"),
            [
                "POST / | 1.1 length(2) 82B | alive | upgrade | Host=a | Connection=upgrade"
                    + " | Upgrade=h2c | Content-Length=2", "body hi", "end",
                "closed between messages",
            ]),
        .init(
            "CONNECT opens no tunnel", get("", line: "CONNECT a:1 HTTP/1.1") + get(""),
            [
                "CONNECT a:1 | 1.1 none 33B | alive | upgrade | Host=a", "end",
                "GET / | 1.1 none 27B | alive | Host=a", "end", "closed between messages",
            ]),
        .init(
            "absolute-form", get("", line: "GET http://h:1/p?q HTTP/1.1"),
            [
                "GET http://h:1/p?q | 1.1 none 40B | alive | Host=a", "end",
                "closed between messages",
            ]),
        .init(
            "asterisk-form", get("", line: "OPTIONS * HTTP/1.1"),
            ["OPTIONS * | 1.1 none 31B | alive | Host=a", "end", "closed between messages"]),
        .init(
            "obs-text in a value", get("A: \u{E9}\r\n"),
            ["GET / | 1.1 none 34B | alive | Host=a | A=\u{E9}", "end", "closed between messages"]),
        .init("cut in the head", "GET / HTTP/1.1\r\nHo", ["closed: truncated"]),
        .init(
            "cut in the body", post("Content-Length: 5\r\n", "hel"),
            [
                "POST / | 1.1 length(5) 47B | alive | Host=a | Content-Length=5", "body hel",
                "closed: truncated",
            ]),
        .init(
            "cut between chunks", post("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"),
            [
                "POST / | 1.1 chunked 56B | alive | Host=a | Transfer-Encoding=chunked", "body x",
                "closed: truncated",
            ]),
        .init(
            "cut in the trailers", post("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n"),
            [
                "POST / | 1.1 chunked 56B | alive | Host=a | Transfer-Encoding=chunked",
                "closed: truncated",
            ]),
    ]

    @Test(arguments: good) func takesGoodOnes(_ row: HTTP1ParserCase) { row.check(ParserTrace()) }

    static let bad: [HTTP1ParserCase] = [
        .init(
            "CL+TE", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            fails: .ambiguousLength),
        .init(
            "TE+CL", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"),
            fails: .malformed(.contentLength)),
        .init(
            "two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
            fails: .ambiguousLength),
        .init(
            "two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
            fails: .ambiguousLength),
        .init(
            "length list", post("Content-Length: 3, 3\r\n", "abc"),
            fails: .malformed(.contentLength)),
        .init("length +", post("Content-Length: +3\r\n", "abc"), fails: .malformed(.contentLength)),
        .init("length -", post("Content-Length: -3\r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length 0x", post("Content-Length: 0x3\r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length _", post("Content-Length: 1_0\r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length 3 4", post("Content-Length: 3 4\r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length empty", post("Content-Length:\r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length blank", post("Content-Length: \r\n", "abc"), fails: .malformed(.contentLength)),
        .init(
            "length 2^64", post("Content-Length: 18446744073709551616\r\n"),
            fails: .malformed(.contentLength)),
        .init(
            "length 2^64 + 5", post("Content-Length: 18446744073709551621\r\n", "hello"),
            fails: .malformed(.contentLength)),
        .init(
            "TE identity", post("Transfer-Encoding: identity\r\n"), fails: .unknownTransferCoding),
        .init(
            "TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE twice",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE identity then chunked",
            post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE chunkedx", post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE empty", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), fails: .unknownTransferCoding),
        .init(
            "TE with parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
            fails: .unknownTransferCoding),
        .init(
            "TE VT", post("Transfer-Encoding: \u{B}chunked\r\n", "0\r\n\r\n"),
            fails: .malformed(.fieldLine)),
        .init(
            "TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            fails: .malformed(.codingInHTTP10)),
        .init(
            "bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n",
            fails: .malformed(.lineEnd)),
        .init(
            "bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
            fails: .malformed(.lineEnd)),
        .init(
            "bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n",
            fails: .malformed(.fieldLine)),
        .init(
            "bare LF LF ends the head", "GET / HTTP/1.1\r\nHost: a\n\n", fails: .malformed(.lineEnd)
        ),
        .init(
            "CR LF CR ends no head", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
            fails: .malformed(.lineEnd)),
        .init(
            "bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n",
            fails: .malformed(.lineEnd)),
        .init(
            "bare CR behind the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n",
            fails: .malformed(.lineEnd)),
        .init("CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", fails: .malformed(.lineEnd)),
        .init("NUL in a value", get("A: b\0c\r\n"), fails: .malformed(.fieldLine)),
        .init("NUL in a name", get("A\0: b\r\n"), fails: .malformed(.fieldLine)),
        .init("SOH in a value", get("A: \u{1}\r\n"), fails: .malformed(.fieldLine)),
        .init("DEL in a value", get("A: \u{7F}\r\n"), fails: .malformed(.fieldLine)),
        .init("obs-fold, SP", get("A: b\r\n c\r\n"), fails: .malformed(.fieldLine)),
        .init("obs-fold, HTAB", get("A: b\r\n\tc\r\n"), fails: .malformed(.fieldLine)),
        .init(
            "folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
            fails: .malformed(.fieldLine)),
        .init(
            "space before the first name", "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            fails: .malformed(.fieldLine)),
        .init(
            "space before colon", post("Content-Length : 3\r\n", "abc"),
            fails: .malformed(.fieldLine)),
        .init(
            "tab before colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
            fails: .malformed(.fieldLine)),
        .init("space in a name", get("A b: c\r\n"), fails: .malformed(.fieldLine)),
        .init("empty name", get(": b\r\n"), fails: .malformed(.fieldLine)),
        .init("no colon", get("A\r\n"), fails: .malformed(.fieldLine)),
        .init("name is no token", get("A(b): c\r\n"), fails: .malformed(.fieldLine)),
        .init("name not ASCII", get("\u{E9}: c\r\n"), fails: .malformed(.fieldLine)),
        .init("0.9", "GET /\r\n\r\n", fails: .unsupportedVersion),
        .init("0.9 written out", "GET / HTTP/0.9\r\n\r\n", fails: .unsupportedVersion),
        .init("2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", fails: .unsupportedVersion),
        .init("1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", fails: .unsupportedVersion),
        .init("1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", fails: .malformed(.lineEnd)),
        .init(
            "version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", fails: .malformed(.other)),
        .init(
            "another protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", fails: .malformed(.requestLine)
        ),
        .init("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", fails: .unsupportedVersion),
        .init("unknown method", get("", line: "BREW / HTTP/1.1"), fails: .malformed(.method)),
        .init("method in lower case", get("", line: "get / HTTP/1.1"), fails: .malformed(.method)),
        .init("a response", "HTTP/1.1 200 OK\r\n\r\n", fails: .malformed(.method)),
        .init("NUL in the target", get("", line: "GET /\0 HTTP/1.1"), fails: .badTarget),
        .init("CR LF in the target", "GET /a\r\nb HTTP/1.1\r\n\r\n", fails: .unsupportedVersion),
        .init("obs-text in the target", get("", line: "GET /\u{E9} HTTP/1.1"), fails: .badTarget),
        .init("two spaces", get("", line: "GET /  HTTP/1.1"), fails: .malformed(.requestLine)),
        .init(
            "two spaces before", get("", line: "GET  / HTTP/1.1"), fails: .malformed(.requestLine)),
        .init("tab for a space", get("", line: "GET\t/ HTTP/1.1"), fails: .malformed(.method)),
    ]

    @Test(arguments: bad) func refusesBadOnes(_ row: HTTP1ParserCase) { row.check(ParserTrace()) }

    @Test func refusesBinary() {
        let hello: [UInt8] = [0x16, 3, 1, 0, 0xA5, 1, 0, 0, 0xA1, 3, 3, 0x20, 0x0D, 0x0A, 0]
        #expect(ParserTrace().of(hello) == ["failed malformed(method)"])
        for byte in UInt8.min...UInt8.max where !(byte == 13 || byte == 10) {
            let failed = ParserTrace().of([byte, byte, byte, byte]).first?.hasPrefix("failed")
            #expect(failed == true, "four times \(byte)")
        }
    }

    static let chunks: [HTTP1ParserCase] =
        [
            ("no digit", "\r\nabc\r\n"), ("sign", "+3\r\nabc\r\n"), ("minus", "-3\r\nabc\r\n"),
            ("0x", "0x3\r\nabc\r\n"), ("underscore", "1_0\r\nabc\r\n"), ("letter", "g\r\nabc\r\n"),
            ("space before", " 3\r\nabc\r\n"), ("2^64", "10000000000000000\r\nabc\r\n"),
            ("2^64 + 3", "10000000000000003\r\nabc\r\n"),
        ].map {
            chunkCase($0.0, $0.1, body: "", .malformed(.chunkSize))
        } + [
            chunkCase("bare LF behind the size", "3\nabc\r\n", body: "", .malformed(.lineEnd)),
            chunkCase("bare CR behind the size", "3\rabc\r\n", body: "", .malformed(.lineEnd)),
            chunkCase("too long a chunk", "3\r\nabcd\r\n", body: "abc", .malformed(.lineEnd)),
            chunkCase(
                "bare LF behind the data", "3\r\nabc\n0\r\n\r\n", body: "abc", .malformed(.lineEnd)),
            chunkCase("NUL in an extension", "3;a\0\r\nabc\r\n", body: "", .malformed(.lineEnd)),
            chunkCase("LF in an extension", "3;a\nabc\r\n", body: "", .malformed(.lineEnd)),
            chunkCase(
                "LF in a quoted extension", "3;a=\"\n\"\r\nabc\r\n", body: "", .malformed(.lineEnd)),
            chunkCase("bare LF in trailers", "0\r\nA: b\n\r\n", body: "", .malformed(.lineEnd)),
            chunkCase("bare LF at the end", "0\r\n\n", body: "", .malformed(.fieldLine)),
            chunkCase("bad trailer", "0\r\nA : b\r\n\r\n", body: "", .malformed(.fieldLine)),
            chunkCase(
                "coding in the trailers", "0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                body: "", .unknownTransferCoding),
            chunkCase(
                "length in the trailers", "0\r\nContent-Length: 3\r\n\r\n", body: "",
                .malformed(.contentLength)),
        ]

    private static func chunkCase(
        _ name: String, _ body: String, body good: String, _ failure: HTTP1Failure
    ) -> HTTP1ParserCase {
        .init(
            name, post("Transfer-Encoding: chunked\r\n", body),
            ["POST / | 1.1 chunked 56B | alive | Host=a | Transfer-Encoding=chunked"]
                + (good.isEmpty ? [] : ["body " + good]) + [
                    "failed \(ParserTrace.name(of: failure))"
                ])
    }

    @Test(arguments: chunks) func refusesBadChunks(_ row: HTTP1ParserCase) {
        row.check(ParserTrace())
    }

    @Test func skipsEmptyLinesBeforeARequest() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        HTTP1ParserCase(
            "leading CR LF", "\r\n\r\n" + head,
            ["GET / | 1.1 none 31B | alive | Host=a", "end", "closed between messages"]
        ).check(ParserTrace())
    }

    @Test func nothingBehindACloseIsARequest() {
        let first = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        HTTP1ParserCase(
            "behind close", first + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
            ["GET / | 1.1 none 46B | Host=a | Connection=close", "end", "failed malformed(other)"]
        ).check(ParserTrace())
    }
}
