import GatewayCodec
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct BenchReportTests {
    private func report() -> BenchReport {
        var tally = BenchTally()
        for index in 1...4 {
            var sample = BenchSample()
            sample.total = Int64(index) * 100_000_000
            sample.first = 50_000_000
            sample.tokens = 8
            sample.tokensAreCounted = true
            tally.add(sample)
            tally.addGap(10_000_000)
        }
        tally.addFailure("HTTP 429: slow down")
        return BenchReport(mode: .stream, concurrency: 2, seconds: 2, tally: tally)
    }

    @Test func tellsTheNumbersAsText() {
        let text = report().text()
        #expect(text.hasPrefix("stream: 5 requests, 2 at once, 2.000 s, 2.500 requests/s\n"))
        #expect(text.contains("succeeded 4, failed 1\n"))
        #expect(text.contains("1 x HTTP 429: slow down\n"))
        #expect(text.contains("32 tokens of answers, 16.00/s in all"))
        let lines = text.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  total") && $0.contains("400.00") })
        #expect(lines.contains { $0.hasPrefix("  first token") && $0.contains("50.0") })
        #expect(lines.contains { $0.hasPrefix("  between") })
        // Columns stand below each other.
        #expect(Set(lines.suffix(4).map(\.count)).count == 1)
    }

    @Test func tellsThemAsJSON() throws {
        var buffer = ByteBuffer()
        buffer.writeJSON { report().write(&$0) }
        let tree = try JSONArena().read(buffer.slice)
        let root = tree.root
        #expect(root["mode"]?.string?.string == "stream")
        #expect(root["requests"]?.int == 5)
        #expect(root["failed"]?.int == 1)
        #expect(root["failures"]?.member(ByteSlice("HTTP 429: slow down"))?.int == 1)
        #expect(root["tokens_per_second"]?.double == 16)
        #expect(root["tokens_counted_by_server"]?.bool == true)
        let milliseconds = root["milliseconds"]
        #expect(milliseconds?["total"]?["max"]?.double == 400)
        #expect(milliseconds?["total"]?["count"]?.int == 4)
        #expect(milliseconds?["first_token"]?["p99"]?.double == 50)
        #expect(milliseconds?["between_tokens"]?["count"]?.int == 4)
    }

    @Test func aRunWithoutAnswersHasNoPercentiles() throws {
        let report = BenchReport(mode: .unary, concurrency: 1, seconds: 0, tally: BenchTally())
        #expect(
            report.text() == "unary: 0 requests, 1 at once, 0.000 s, 0.000 requests/s\n"
                + "  succeeded 0, failed 0\n")
        var buffer = ByteBuffer()
        buffer.writeJSON { report.write(&$0) }
        let tree = try JSONArena().read(buffer.slice)
        #expect(tree.root["milliseconds"]?.count == 0)
        #expect(tree.root["tokens_counted_by_server"]?.bool == false)
    }

    @Test(arguments: [
        (0, "0.000"), (1.5, "1.500"), (9.9994, "9.999"), (12.345, "12.35"), (999.99, "999.99"),
        (1234.5, "1235"), (-2.5, "-2.500"), (0.0001, "0.000"),
    ])
    func numbersForPeople(value: Double, text: String) {
        #expect(DecimalText.text(value) == text)
    }
}
