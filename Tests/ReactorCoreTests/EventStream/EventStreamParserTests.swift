import FuzzChecks
import Glibc
import ReactorCore
import TestSupport
import Testing

@Suite struct EventStreamParserTests {
    /// Events as `name|data`, a canonical one marked with `=`; `?` before the pending one.
    private func events(
        _ text: String, pieces: Int = .max, eventBytesMax: Int = 1 << 20
    ) throws(EventStreamFailure) -> [String] {
        var parser = EventStreamParser(eventBytesMax: eventBytesMax)
        var heard: [String] = []
        func note(_ event: EventStreamEvent, _ mark: String) {
            heard.append(mark + event.name.string + "|" + event.data.string)
        }
        let bytes = ByteBuffer(text)
        var rest = bytes.slice
        while !rest.isEmpty {
            var input = rest.prefix(min(pieces, rest.count))
            rest = rest.dropFirst(input.count)
            while let event = try parser.next(&input) {
                note(event, event.canonical == nil ? "" : "=")
            }
        }
        if let event = parser.finish() { note(event, "?") }
        return heard
    }

    @Test(
        arguments: [
            ("data: {}\n\ndata: [DONE]\n\n", ["=|{}", "=|[DONE]"]),
            ("event: ping\ndata: {}\n\n", ["=ping|{}"]),
            ("data: a\ndata: b\n\ndata: c\n\n", ["=|a\nb", "=|c"]),
            ("data: \n\n", ["=|"]),
            ("data\n\n", ["|"]),
            ("data:a\n\n", ["|a"]),
            ("data:  a\n\n", ["=| a"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", ["|a", "|b"]),
            ("data: a\r\rdata: b\r\n\rdata: c\n\n", ["|a", "|b", "=|c"]),
            ("data: a\nevent: n\n\n", ["n|a"]),
            ("event: \ndata: a\n\n", ["|a"]),
            ("event: m\nevent: n\ndata: a\n\n", ["n|a"]),
            ("event: n\n\ndata: a\n\n", ["=|a"]),
            ("id: 1\ndata: a\n\n", ["|a"]),
            ("retry: 1\n\ndata: a\n\n", ["=|a"]),
            (":ka\n\n: more\ndata: a\n\n", ["=|a"]),
            ("data: a\n: comment\ndata: b\n\n", ["|a\nb"]),
            ("\u{FEFF}data: a\n\n", ["=|a"]),
            ("\u{FEFF}\u{FEFF}data: a\n\n", []),
            ("data: a\n\n\u{FEFF}data: b\n\n", ["=|a"]),
            ("dat: a\ndatas: b\n data: c\n\n", []),
            ("\n\n\r\r\n\ndata: a\n\n", ["=|a"]),
            ("data: a", ["?|a"]),
            ("data: a\n", ["?|a"]),
            ("event: n", []),
            ("", []),
        ] as [(String, [String])])
    func hears(_ text: String, _ expected: [String]) throws {
        #expect(try events(text) == expected)
        for pieces in 1..<max(2, text.utf8.count) {
            let unmarked = expected.map { $0.hasPrefix("=") ? String($0.dropFirst()) : $0 }
            let heard = try events(text, pieces: pieces)
                .map { $0.hasPrefix("=") ? String($0.dropFirst()) : $0 }
            #expect(heard == unmarked, "in pieces of \(pieces)")
        }
    }

    @Test func lendsTheInput() throws {
        let bytes = ByteBuffer("event: n\ndata: {\"a\":1}\n\ndata: x\n\n")
        var parser = EventStreamParser()
        var input = bytes.slice
        let first = try #require(try parser.next(&input))
        #expect(first.data.base == bytes.slice.base + 15)
        #expect(first.canonical?.base == bytes.slice.base)
        #expect(first.canonical?.count == 24)
        let second = try #require(try parser.next(&input))
        #expect(second.canonical?.base == bytes.slice.base + 24)
        #expect(input.isEmpty)
    }

    @Test func tellsWhetherItIsBetweenEvents() throws {
        var parser = EventStreamParser()
        func isBetween(after text: StaticString) throws -> Bool {
            var input = ByteSlice(text)
            while try parser.next(&input) != nil {}
            return parser.isBetweenEvents
        }
        let atStart = parser.isBetweenEvents
        #expect(atStart)
        #expect(try isBetween(after: "data: a\n\n"))
        #expect(try !isBetween(after: "d"))
        #expect(try !isBetween(after: "ata: a\n"))
        #expect(try isBetween(after: "\n"))
        #expect(try !isBetween(after: ":k"))
        #expect(try isBetween(after: "a\r"))
        #expect(try isBetween(after: "\n"))
        #expect(try !isBetween(after: "id: 1\n"))
    }

    @Test func refusesWhatIsTooLarge() throws {
        let failure = EventStreamFailure.eventTooLarge(bytesMax: 12)
        for pieces in 1...20 {
            #expect(try events("data: 12345\n\n", pieces: pieces, eventBytesMax: 13) != [])
            #expect(throws: failure) {
                try events("data: 12345\n\n", pieces: pieces, eventBytesMax: 12)
            }
            #expect(throws: failure) {
                try events(":ok\ndata: 123456789", pieces: pieces, eventBytesMax: 12)
            }
            #expect(
                try events(":ka\n:ka\n:ka\n:ka\ndata: 1\n\n", pieces: pieces, eventBytesMax: 12)
                    != [])
        }
    }

    @Test func staysRefused() {
        var parser = EventStreamParser(eventBytesMax: 8)
        for _ in 0..<3 {
            #expect(throws: EventStreamFailure.self) {
                var input = ByteSlice("data: too long a line\n\n")
                _ = try parser.next(&input)
            }
        }
    }

    @Test func readsALargeEventInSmallPieces() throws {
        let text = "data: " + String(repeating: "0123456789abcdef", count: 300_000) + "\n\n"
        let bytes = ByteBuffer(text)
        var parser = EventStreamParser()
        var rest = bytes.slice
        var heard: [Int] = []
        while !rest.isEmpty {
            var input = rest.prefix(min(1400, rest.count))
            rest = rest.dropFirst(input.count)
            while let event = try parser.next(&input) { heard.append(event.data.count) }
        }
        #expect(heard == [4_800_000])
    }

    @Test func agreesWithTheStandardOnRandomStreams() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let words: [String] = [
            "data: ", "data:", "data", "event: ", "event:", "id: 1", ":", " ", "\n", "\n", "\n\n",
            "\r", "\r\n", "\r\n\r\n", "{\"a\":1}", "é", "\u{FEFF}", "x",
        ]
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                text += words[Int.random(in: 0..<words.count, using: &random)]
            }
            if let complaint = EventStreamCheck.run(Array(text.utf8)) {
                Issue.record("seed \(seed), \(text.debugDescription): \(complaint)")
                return
            }
        }
    }

    @Test func agreesWithTheStandardOnTheCorpus() throws {
        let corpus = FuzzCorpus.inputs(of: "event-stream")
        #expect(corpus.count >= 7)
        for (name, bytes) in corpus {
            #expect(EventStreamCheck.run(bytes) == nil, "\(name)")
        }
    }
}

extension ByteBuffer {
    init(_ text: String) {
        self.init()
        append(text)
    }
}
