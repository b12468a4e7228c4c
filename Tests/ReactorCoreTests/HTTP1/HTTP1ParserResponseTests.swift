// HTTP1ParserResponseTests.swift — responses: how their bodies end, and what is none.

import ReactorCore
import Testing

@Suite struct HTTP1ParserResponseTests {
    static let rows: [HTTP1ParserCase] = [
        .init(
            "length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            ["200 | 1.1 length(2) 38B | alive | Content-Length=2", "body hi", "end", between]),
        .init(
            "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            [
                "200 | 1.1 chunked 47B | alive | Transfer-Encoding=chunked", "body hi", "end",
                between,
            ]),
        .init(
            "until close", "HTTP/1.1 200 OK\r\n\r\nhi",
            ["200 | 1.1 untilClose 19B", "body hi", "end by close"]),
        .init(
            "until close, empty", "HTTP/1.0 200 OK\r\n\r\n",
            ["200 | 1.0 untilClose 19B", "end by close"]),
        .init(
            "no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            ["200 | 1.1 none 35B | alive | Content-Length=0", "end", between]),
        .init(
            "empty reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
            ["200 | 1.1 none 36B | alive | Content-Length=0", "end", between]),
        .init(
            "204", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 N\r\n\r\n",
            ["204 | 1.1 none 27B | alive", "end", "304 | 1.1 none 18B | alive", "end", between]),
        .init(
            "304 with a length that is the representation's",
            "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
            [
                "304 | 1.1 none 37B | alive | Content-Length=9", "end",
                "204 | 1.1 none 18B | alive", "end", between,
            ]),
        .init(
            "interim responses first",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            [
                "100 | 1.1 none 25B | alive", "end", "103 | 1.1 none 37B | alive | Link=x", "end",
                "200 | 1.1 length(1) 38B | alive | Content-Length=1", "body x", "end", between,
            ]),
        .init(
            "an interim response never has a body",
            "HTTP/1.1 150 x\r\nContent-Length: 3\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
            [
                "150 | 1.1 none 37B | alive | Content-Length=3", "end",
                "204 | 1.1 none 18B | alive", "end", between,
            ]),
        .init(
            "unasked upgrade", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            [
                "101 | 1.1 none 51B | alive | upgrade | Connection=upgrade | Upgrade=x", "end",
                between,
            ]),
        .init(
            "cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
            ["200 | 1.1 length(5) 38B | alive | Content-Length=5", "body hi", "closed: truncated"]),
        .init(
            "cut before the last chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
            [
                "200 | 1.1 chunked 47B | alive | Transfer-Encoding=chunked", "body hi",
                "closed: truncated",
            ]),
        .init("cut in the head", "HTTP/1.1 200 OK\r\nContent", ["closed: truncated"]),
        .init("garbage", "SSH-2.0-x\r\n", fails: .malformed(.other)),
        .init("0.9 style", "hello", fails: .malformed(.other)),
        .init("2.0", "HTTP/2.0 200 OK\r\n\r\n", fails: .unsupportedVersion),
        .init("status of five digits", "HTTP/1.1 99999 x\r\n\r\n", fails: .malformed(.statusLine)),
        .init("status of two digits", "HTTP/1.1 20 x\r\n\r\n", fails: .malformed(.statusLine)),
        .init("status with a sign", "HTTP/1.1 +20 x\r\n\r\n", fails: .malformed(.statusLine)),
        .init("NUL in a field", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", fails: .malformed(.fieldLine)),
        .init(
            "NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", fails: .malformed(.controlCharacter)),
        .init("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", fails: .malformed(.lineEnd)),
        .init(
            "CR CR behind the reason", "HTTP/1.1 200 OK\r\rA: b\r\n\r\n",
            fails: .malformed(.controlCharacter)),
        .init("bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", fails: .malformed(.lineEnd)),
        .init(
            "CL+TE",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            fails: .ambiguousLength),
        .init(
            "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            fails: .ambiguousLength),
        .init(
            "unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            fails: .unknownTransferCoding),
        .init(
            "coding in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            fails: .malformed(.codingInHTTP10)),
        .init("obs-fold", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", fails: .malformed(.fieldLine)),
    ]

    private static let between = "closed between messages"

    @Test(arguments: rows) func parses(_ row: HTTP1ParserCase) {
        row.check(ParserTrace(role: .response))
    }

    @Test func headResponsesHaveNoBody() {
        let both =
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
            + "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "HTTP/1.1 200 OK\r\n\r\n" + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        HTTP1ParserCase(
            "HEAD, then GET", both,
            [
                "200 | 1.1 none 38B | alive | Content-Length=5", "end",
                "100 | 1.1 none 18B | alive", "end",
                "200 | 1.1 none 47B | alive | Transfer-Encoding=chunked", "end",
                "200 | 1.1 none 19B | alive", "end",
                "200 | 1.1 length(2) 38B | alive | Content-Length=2", "body hi", "end",
                "closed between messages",
            ]
        ).check(ParserTrace(role: .response, hasNoBody: { $0 < 4 }))
    }

    @Test func bytesBehindAResponseAreAnotherMessage() {
        let trace = ParserTrace(role: .response)
        let lines = trace.of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiXX")
        #expect(lines.dropFirst(2).first == "end")
        #expect(lines.last == "closed: truncated" || lines.last?.hasPrefix("failed") == true)
    }
}
