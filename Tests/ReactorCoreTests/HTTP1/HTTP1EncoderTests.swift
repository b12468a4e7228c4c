// HTTP1EncoderTests.swift — status lines and chunks, read back by the parser.

import ReactorCore
import Testing

@Suite struct HTTP1EncoderTests {
    @Test func statusLines() {
        for (status, line) in [
            (200, "HTTP/1.1 200 OK\r\n"), (404, "HTTP/1.1 404 Not Found\r\n"),
            (299, "HTTP/1.1 299 \r\n"),
        ] {
            var buffer = ByteBuffer()
            HTTP1Encoder.appendStatusLine(status, to: &buffer)
            #expect(buffer.string == line)
            buffer.append("Content-Length: 0\r\n\r\n" as StaticString)
            let trace = ParserTrace(role: .response).of(buffer.array)
            #expect(trace.first?.hasPrefix("\(status) ") == true)
        }
    }

    @Test(arguments: [1, 15, 16, 255, 4096, 65_535, 1_048_576, 20_000_000])
    func chunkSizes(_ count: Int) {
        var buffer = ByteBuffer()
        HTTP1Encoder.appendStatusLine(200, to: &buffer)
        buffer.append("Transfer-Encoding: chunked\r\n\r\n" as StaticString)
        let start = buffer.count
        buffer.append(HTTP1Encoder.chunkPlaceholder)
        for _ in 0..<count { buffer.append(0x78 as UInt8) }
        HTTP1Encoder.closeChunk(startingAt: start, in: &buffer)
        buffer.append("0\r\n\r\n" as StaticString)

        let settings = HTTP1ParserSettings()
        var parser = HTTP1Parser(.response, limits: HTTPHeadLimits(), settings: settings)
        var rest = buffer.slice
        var seen = 0
        var ended = false
        loop: while true {
            switch parser.next(&rest) {
            case .body(let bytes): seen += bytes.count
            case .end: ended = true
            case .head: continue
            case .needsInput: break loop
            case .failed(let failure):
                Issue.record("\(failure)")
                break loop
            }
        }
        #expect(seen == count)
        #expect(ended)
    }

    @Test func anEmptyChunkIsTakenBack() {
        var buffer = ByteBuffer()
        buffer.append("x" as StaticString)
        buffer.append(HTTP1Encoder.chunkPlaceholder)
        HTTP1Encoder.closeChunk(startingAt: 1, in: &buffer)
        #expect(buffer.string == "x")
    }
}
