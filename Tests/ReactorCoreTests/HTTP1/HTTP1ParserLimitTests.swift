// HTTP1ParserLimitTests.swift — every limit of a message, met exactly and passed by one.

import ReactorCore
import Testing

@Suite struct HTTP1ParserLimitTests {
    private var limits: HTTPHeadLimits {
        var limits = HTTPHeadLimits()
        limits.targetBytesMax = 40
        limits.lineBytesMax = 60
        limits.headBytesMax = 200
        limits.fieldCountMax = 5
        limits.overheadBytesMax = 50
        return limits
    }

    private var trace: ParserTrace { ParserTrace(limits: limits) }

    /// The last event of `text`, the same however it is cut.
    private func outcome(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let whole = trace.of(bytes)
        for cut in ParserTrace.cuts(of: bytes) {
            let got = trace.of(bytes, cutAt: cut)
            #expect(got == whole, "cut at \(cut.count == 1 ? cut[0] : -1)")
            if got != whole { break }
        }
        return whole.last ?? ""
    }

    private let fine = "closed between messages"

    @Test(arguments: [40, 41]) func target(_ count: Int) {
        let target = "/" + String(repeating: "a", count: count - 1)
        let expected = count == 40 ? fine : "failed targetTooLong"
        #expect(outcome("GET \(target) HTTP/1.1\r\n\r\n") == expected)
    }

    @Test(arguments: [60, 61]) func line(_ count: Int) {
        let value = String(repeating: "a", count: count - 4)
        let expected = count == 60 ? fine : "failed headTooLarge"
        #expect(outcome("GET / HTTP/1.1\r\nName: \(value)\r\n\r\n") == expected)
        let name = String(repeating: "n", count: count - 4)
        #expect(outcome("GET / HTTP/1.1\r\n\(name): 1234\r\n\r\n") == expected)
    }

    @Test(arguments: [5, 6]) func fields(_ count: Int) {
        let fields = String(repeating: "A: b\r\n", count: count)
        let expected = count == 5 ? fine : "failed headTooLarge"
        #expect(outcome("GET / HTTP/1.1\r\n\(fields)\r\n") == expected)
    }

    @Test(arguments: [200, 201]) func head(_ count: Int) {
        var text = "GET / HTTP/1.1\r\n"
        for _ in 0..<3 { text += "Aaaa: " + String(repeating: "b", count: 50) + "\r\n" }
        text += "C: " + String(repeating: "d", count: count - text.utf8.count - 7) + "\r\n\r\n"
        #expect(text.utf8.count == count)
        let expected = count == 200 ? fine : "failed headTooLarge"
        #expect(outcome(text) == expected)
        // What follows the head counts for nothing.
        if count == 200 { #expect(outcome(text + text) == fine) }
    }

    @Test func endlessHeads() {
        let start = "GET / HTTP/1.1\r\nA: "
        #expect(outcome(start + String(repeating: "b", count: 400)) == "failed headTooLarge")
        let lines = String(repeating: "\r\n", count: 300)
        #expect(outcome(lines) == "failed headTooLarge")
        #expect(outcome("GET /" + String(repeating: "a", count: 400)) == "failed targetTooLong")
        #expect(outcome("GET /" + String(repeating: " ", count: 400)).hasPrefix("failed"))
    }

    private func chunked(_ body: String) -> String {
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    }

    @Test func chunkExtensions() {
        func body(_ count: Int) -> String {
            var text = ""
            for _ in 0..<(count / 10) { text += "1;12345=789\r\nx\r\n" }
            return chunked(text + "0\r\n\r\n")
        }
        #expect(outcome(body(30)) == fine)
        #expect(outcome(body(400)) == "failed overheadTooLarge")
        let long = String(repeating: "e", count: 60)
        #expect(outcome(chunked("1;\(long)\r\nx\r\n0\r\n\r\n")) == "failed overheadTooLarge")
        #expect(outcome(chunked("1;a=\(long)\r\nx\r\n0\r\n\r\n")) == "failed overheadTooLarge")
        #expect(outcome(chunked("1;a=\"\(long)\"\r\nx\r\n0\r\n\r\n")) == "failed overheadTooLarge")
        #expect(outcome(chunked("1;" + long)) == "failed overheadTooLarge")
    }

    /// Extensions without a name have no bytes that llhttp would report.
    @Test func emptyChunkExtensions() {
        let nothing = String(repeating: ";", count: 200)
        #expect(outcome(chunked("1\(nothing)\r\nx\r\n0\r\n\r\n")).hasPrefix("failed"))
        let equals = String(repeating: ";=", count: 200)
        #expect(outcome(chunked("1\(equals)\r\nx\r\n0\r\n\r\n")).hasPrefix("failed"))
        let spaces = String(repeating: " ", count: 200)
        #expect(outcome(chunked("1\(spaces)\r\nx\r\n0\r\n\r\n")).hasPrefix("failed"))
    }

    @Test func trailers() {
        #expect(outcome(chunked("0\r\nAAAA: bbbb\r\n\r\n")) == fine)
        let many = String(repeating: "AAAA: bbbb\r\n", count: 10)
        #expect(outcome(chunked("0\r\n\(many)\r\n")) == "failed overheadTooLarge")
        let long = String(repeating: "e", count: 60)
        #expect(outcome(chunked("0\r\nA: \(long)\r\n\r\n")) == "failed overheadTooLarge")
        // A new message has its own allowance.
        let half = chunked("0\r\nA: " + String(repeating: "e", count: 40) + "\r\n\r\n")
        #expect(outcome(half + half) == fine)
    }

    @Test func defaultsHoldTheLargest() {
        var text = "GET / HTTP/1.1\r\n"
        for index in 0..<100 { text += "N\(index): " + String(repeating: "v", count: 600) + "\r\n" }
        text += "\r\n"
        #expect(ParserTrace().of(text).last == fine)
        let bytes = Array(text.utf8)
        let cuts = Array(stride(from: 700, to: bytes.count, by: 700))
        #expect(ParserTrace().of(bytes, cutAt: cuts) == ParserTrace().of(bytes))
    }
}
