// PrometheusWriterTests.swift — both text forms, to the byte.

import GatewayModel
import GatewayTelemetry
import Glibc
import ReactorCore
import Testing

@Suite struct PrometheusWriterTests {
    private func text(
        _ format: PrometheusWriter.Format, _ body: (inout PrometheusWriter) -> Void
    ) -> String {
        var buffer = ByteBuffer()
        buffer.writePrometheus(format, body)
        return buffer.string
    }

    @Test func aCounterInBothForms() {
        func write(_ writer: inout PrometheusWriter) {
            writer.family("x_things", .counter, "Things.")
            writer.sample([], 3)
            writer.sample([("a", "q\"b\\c\nd é"), ("b", "")], 0)
        }
        let samples = """
            x_things_total 3
            x_things_total{a="q\\"b\\\\c\\nd é",b=""} 0

            """
        #expect(
            text(.text, write)
                == "# HELP x_things_total Things.\n# TYPE x_things_total counter\n" + samples)
        #expect(
            text(.openMetrics, write)
                == "# HELP x_things Things.\n# TYPE x_things counter\n" + samples + "# EOF\n")
    }

    @Test func unitsAreToldToOpenMetrics() {
        let written = text(.openMetrics) {
            $0.family("x_memory_bytes", .gauge, "Memory.")
            $0.sample([], 5)
        }
        #expect(
            written == """
                # HELP x_memory_bytes Memory.
                # TYPE x_memory_bytes gauge
                # UNIT x_memory_bytes bytes
                x_memory_bytes 5
                # EOF

                """)
    }

    @Test(arguments: [
        (0, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (-250_000_000, "-0.25"),
        (10, "0.00000001"), (3_000_000_000, "3"), (123_456_789_012, "123.456789012"),
    ])
    func decimals(_ billionths: Int, _ expected: String) {
        var buffer = ByteBuffer()
        buffer.append(billionths: billionths)
        #expect(buffer.string == expected)
    }

    @Test func aHistogramCountsUpwards() {
        var histogram = Histogram()
        for value in [5, 15, 40, 40, 3_000_000, 900_000_000] {
            histogram.record(microseconds: value)
        }
        let lines = text(.text) {
            $0.family("x_seconds", .histogram, "Times.")
            $0.sample([("m", "a")], histogram)
        }.split(separator: "\n").map(String.init)
        #expect(lines.count == 2 + 24 + 3)
        #expect(lines[2] == "x_seconds_bucket{m=\"a\",le=\"0.00001\"} 1")
        #expect(lines[3] == "x_seconds_bucket{m=\"a\",le=\"0.00002\"} 2")
        #expect(lines[4] == "x_seconds_bucket{m=\"a\",le=\"0.00005\"} 4")
        #expect(lines[25] == "x_seconds_bucket{m=\"a\",le=\"500\"} 5")
        #expect(lines[26] == "x_seconds_bucket{m=\"a\",le=\"+Inf\"} 6")
        #expect(lines[27] == "x_seconds_sum{m=\"a\"} 903.0001")
        #expect(lines[28] == "x_seconds_count{m=\"a\"} 6")
    }

    @Test func anExemplarStandsAtItsBucketAlone() {
        let metrics = RequestMetrics()
        let record = AccessRecord()
        record.provider = ByteSlice("p")
        record.upstreamModel = ByteSlice("m")
        record.requestID = ByteSlice("req-1")
        record.durationMicroseconds = 1500
        record.secondsSince1970 = 1_700_000_000
        record.milliseconds = 42
        _ = metrics.record(record)
        let series = metrics.sums.series[0]
        func write(_ writer: inout PrometheusWriter) {
            writer.family("x_seconds", .histogram, "Times.")
            writer.sample([], series.counts.duration, exemplar: series.exemplar)
        }
        let marked = text(.openMetrics, write).split(separator: "\n").filter { $0.contains(" # ") }
        #expect(
            marked == [
                "x_seconds_bucket{le=\"0.002\"} 1 # {request_id=\"req-1\"} 0.0015 1700000000.042"
            ])
        #expect(!text(.text, write).contains("req-1"))
        record.requestID = ByteSlice(
            "0123456789012345678901234567890123456789012345678901234567890123456789")
        record.durationMicroseconds = 9
        _ = metrics.record(record)
        #expect(metrics.sums.series[0].exemplar.requestID == "req-1")
    }

    @Test func everythingThatIsToldIsDocumented() throws {
        let metrics = RequestMetrics()
        let record = AccessRecord()
        record.provider = ByteSlice("p")
        record.upstreamModel = ByteSlice("m")
        _ = metrics.record(record)
        var report = GatewayReport()
        report.providers = [.init(name: "p")]
        report.providers[0].breaker = "closed"
        report.budgets = [.init(key: "k", period: "day", limit: 5, spent: 3, resetIn: 9)]
        report.pools = [.init(provider: "p", counters: PoolCounters())]
        report.tokens = [.init(provider: "p", [TokenFigures()], now: 1)]
        report.exports = [.init(name: "otlp", figures: ExportFigures())]
        report.workers = [.init(place: 0)]
        let document = try #require(Self.document())
        for aliases in PrometheusAliases.allCases {
            var seen: Set<Substring> = []
            let written = text(.text) {
                MetricsExposition.write(report, metrics, aliases: aliases, to: &$0)
            }
            for line in written.split(separator: "\n") where line.hasPrefix("# TYPE ") {
                let name = line.split(separator: " ")[2]
                #expect(seen.insert(name).inserted, "\(name) is told twice")
                #expect(document.contains("`\(name)`"), "docs/metrics.md lacks \(name)")
            }
            #expect(seen.count > 20)
        }
    }

    private static func document() -> String? {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        let path = here.dropLast(4).joined(separator: "/") + "/docs/metrics.md"
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let byte = fgetc(file)
            guard byte != EOF else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
    }
}
