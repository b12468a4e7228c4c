// AccessLogTests.swift — one line per record, whatever bytes a client has put into it.

import GatewayCodec
import GatewayModel
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct AccessLogTests {
    /// Lines, quotes, escapes, controls, a terminal's codes and what is not UTF-8.
    static let hostile: [[UInt8]] = [
        Array("plain".utf8), Array("a\"b\\c".utf8), Array("a\r\nforged line".utf8),
        Array("\u{1B}[2J\u{7F}\u{0}\u{8}\t".utf8), Array("ü 漢 🙂 \u{2028}\u{2029}".utf8),
        [0xFF, 0xFE], [0x61, 0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80],
        [0xF0, 0x9F, 0x99], [0xF5, 0x80, 0x80, 0x80], Array(0...255),
    ]

    private func line(_ record: AccessRecord, _ format: LogFormat) -> String {
        var log = AccessLog()
        var buffer = ByteBuffer()
        log.append(record, as: format, to: &buffer)
        return buffer.string
    }

    /// The members of a JSON line, in order, values as texts.
    private func members(of line: String) throws -> [(String, String)] {
        var members: [(String, String)] = []
        try line.withByteSlice { bytes throws in
            let tree = try JSONArena().read(bytes)
            for (name, value) in tree.root.members {
                let text =
                    value.string?.string ?? value.int.map { "\($0)" } ?? value.bool.map { "\($0)" }
                members.append((name.string, text ?? "?"))
            }
        }
        return members
    }

    private func full() -> AccessRecord {
        let record = AccessRecord()
        record.secondsSince1970 = 1_700_000_000
        record.milliseconds = 7
        record.requestID = ByteSlice("req_1")
        record.method = ByteSlice("POST")
        record.path = ByteSlice("/v1/chat/completions")
        record.status = 200
        record.key = ByteSlice("team")
        record.requestedModel = ByteSlice("fast")
        record.upstreamModel = ByteSlice("gpt")
        record.reportedModel = ByteSlice("gpt-2023")
        record.provider = ByteSlice("openai")
        record.streams = true
        record.attempts = 2
        record.requestBytes = 10
        record.durationMicroseconds = 12_345
        record.firstEventMicroseconds = 0
        record.overheadMicroseconds = 30
        record.usage = Usage()
        record.usage?.inputTokens = 5
        record.usage?.outputTokens = 6
        record.finishReason = .toolCalls
        record.error = ByteSlice("It failed.")
        return record
    }

    @Test func everyMemberOfAJSONLine() throws {
        let line = line(full(), .json)
        #expect(line.hasSuffix("}\n"))
        let members = try members(of: line)
        #expect(
            members.map { "\($0.0)=\($0.1)" } == [
                "time=2023-11-14T22:13:20.007Z", "level=info", "event=request", "request_id=req_1",
                "method=POST", "path=/v1/chat/completions", "status=200", "outcome=ok", "key=team",
                "model=fast", "upstream_model=gpt", "reported_model=gpt-2023", "provider=openai",
                "stream=true", "attempts=2",
                "request_bytes=10", "duration_us=12345", "ttft_us=0", "overhead_us=30",
                "input_tokens=5", "output_tokens=6", "finish_reason=tool_calls",
                "error=It failed.",
            ])
    }

    @Test func whatIsNotKnownIsLeftOut() throws {
        let names = try members(of: line(AccessRecord(), .json)).map(\.0)
        #expect(
            names == [
                "time", "level", "event", "request_id", "method", "path", "status", "outcome",
                "request_bytes", "duration_us", "overhead_us",
            ])
    }

    @Test func whatMovedARequestOnIsTold() throws {
        let record = AccessRecord()
        record.departures = ByteSlice("a fault 500, b breaker_open")
        #expect(
            try members(of: line(record, .json)).first { $0.0 == "moved_on" }?.1
                == "a fault 500, b breaker_open")
        #expect(line(record, .text).contains(" moved_on=\"a fault 500, b breaker_open\" id="))
    }

    @Test(arguments: hostile)
    func aJSONLineIsOneObjectWhateverTheBytes(bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try bytes.withUnsafeBytes { raw in
            let record = full()
            record.requestID = ByteSlice(raw)
            record.method = ByteSlice(raw)
            record.path = ByteSlice(raw)
            record.requestedModel = ByteSlice(raw)
            record.upstreamModel = ByteSlice(raw)
            record.reportedModel = ByteSlice(raw)
            record.key = ByteSlice(raw)
            record.provider = ByteSlice(raw)
            record.error = ByteSlice(raw)
            let line = line(record, .json)
            #expect(line.utf8.count { $0 == 0x0A } == 1 && line.hasSuffix("}\n"))
            #expect(!line.utf8.contains { $0 < 0x20 && $0 != 0x0A })
            let members = try members(of: line)
            #expect(members.count == 23)
            if String(validating: bytes, as: UTF8.self) != nil {
                for name in ["request_id", "method", "path", "model", "key", "provider", "error"] {
                    #expect(members.first { $0.0 == name }?.1 == text, "\(name)")
                }
            }
        }
    }

    @Test(arguments: hostile)
    func aTextLineIsOneLineWhateverTheBytes(bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            let record = full()
            record.requestID = ByteSlice(raw)
            record.path = ByteSlice(raw)
            record.requestedModel = ByteSlice(raw)
            record.error = ByteSlice(raw)
            let line = line(record, .text)
            #expect(line.utf8.count { $0 == 0x0A } == 1 && line.hasSuffix("\n"))
            #expect(!line.utf8.contains { $0 < 0x20 && $0 != 0x0A }, "\(line.debugDescription)")
        }
    }

    @Test func aTextLine() {
        #expect(
            line(full(), .text)
                == "2023-11-14T22:13:20.007Z 200 POST /v1/chat/completions model=fast "
                + "provider=openai ms=12 in=5 out=6 id=req_1 error=\"It failed.\"\n")
        let record = AccessRecord()
        record.method = ByteSlice("GET")
        record.path = ByteSlice("/")
        record.requestID = ByteSlice("r")
        record.status = 404
        #expect(line(record, .text) == "1970-01-01T00:00:00.000Z 404 GET / ms=0 id=r\n")
    }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_399, 999, "2000-02-28T23:59:59.999Z"),
        (951_782_400, 10, "2000-02-29T00:00:00.010Z"),
        (1_709_164_800, 1, "2024-02-29T00:00:00.001Z"),
        (1_735_689_599, 500, "2024-12-31T23:59:59.500Z"),
        (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
    ])
    func timeStamps(seconds: Int, milliseconds: Int, text: String) {
        let record = AccessRecord()
        record.secondsSince1970 = seconds
        record.milliseconds = milliseconds
        #expect(line(record, .text).hasPrefix(text + " "))
        #expect(line(record, .json).hasPrefix("{\"time\":\"\(text)\","))
    }

    @Test func recordsOfOneBufferFollowEachOther() throws {
        var log = AccessLog()
        var buffer = ByteBuffer()
        for _ in 0..<3 { log.append(full(), as: .json, to: &buffer) }
        let lines = buffer.string.split(separator: "\n")
        #expect(lines.count == 3)
        for line in lines { #expect(try members(of: String(line)).count == 23) }
    }

    @Test func everyLineHasItsOwnTime() {
        var log = AccessLog()
        let times = [(0, 1), (0, 2), (784_111_777, 42), (784_111_778, 42), (0, 3)]
        var expected: [String] = []
        var found: [String] = []
        for (seconds, milliseconds) in times {
            let record = AccessRecord()
            record.secondsSince1970 = seconds
            record.milliseconds = milliseconds
            expected.append(String(line(record, .text).prefix(24)))
            var buffer = ByteBuffer()
            log.append(record, as: .text, to: &buffer)
            found.append(String(buffer.string.prefix(24)))
        }
        #expect(found == expected)
        #expect(found[2] == "1994-11-06T08:49:37.042Z")
    }

    @Test func repairsAreTold() throws {
        let record = full()
        record.repairs = ByteSlice("name=1, closed=2")
        #expect(
            try members(of: line(record, .json)).first { $0.0 == "repairs" }?.1
                == "name=1, closed=2")
        #expect(line(record, .text).contains(" repairs=\"name=1, closed=2\" "))
        #expect(!line(full(), .json).contains("repairs"))
        #expect(!line(full(), .text).contains("repairs"))
    }

    @Test func aMessageIsALineOfItsOwn() throws {
        let record = full()
        record.repairs = ByteSlice("closed=2")
        var log = AccessLog()
        for format in [LogFormat.json, .text] {
            var buffer = ByteBuffer()
            log.append("It was mended", of: record, as: format, to: &buffer)
            let line = buffer.string
            #expect(line.filter { $0 == "\n" }.count == 1 && line.hasSuffix("\n"))
            for word in ["It was mended", "closed=2", "req_1"] { #expect(line.contains(word)) }
            guard format == .json else { continue }
            #expect(try members(of: line).map(\.0).contains("request_id"))
        }
    }
}
