// BenchReport.swift — the result of a load test as text and as JSON. Pure.

import GatewayCodec
import ReactorCore

/// What is told of one run.
package struct BenchReport {
    package var mode: BenchMode
    package var concurrency: Int
    package var seconds: Double
    package var tally: BenchTally

    package init(mode: BenchMode, concurrency: Int, seconds: Double, tally: BenchTally) {
        self.mode = mode
        self.concurrency = concurrency
        self.seconds = seconds
        self.tally = tally
    }

    private static let shares: [(name: StaticString, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99),
    ]

    private var requestsPerSecond: Double {
        seconds > 0 ? Double(tally.finished) / seconds : 0
    }

    private var tokensPerSecond: Double { seconds > 0 ? Double(tally.tokens) / seconds : 0 }

    // MARK: Text

    /// Lines for a terminal, the last with its end.
    package func text() -> String {
        var text =
            "\(mode.rawValue): \(tally.finished) requests, \(concurrency) at once, "
            + "\(decimal(seconds)) s, \(decimal(requestsPerSecond)) requests/s\n"
        text += "  succeeded \(tally.succeeded), failed \(tally.failed)\n"
        for failure in tally.failures { text += "    \(failure.count) x \(failure.reason)\n" }
        guard tally.succeeded > 0 else { return text }
        text +=
            "  \(tally.tokens) \(tally.tokensAreCounted ? "tokens" : "pieces") of answers, "
            + "\(decimal(tokensPerSecond))/s in all"
        if let rate = tally.rate.percentile(0.5) {
            text += ", \(decimal(Double(rate) / 1000))/s in a stream (median)"
        }
        text += "\n"
        text += Self.row(["ms"] + Self.shares.map { "\($0.name)" } + ["max", "mean"])
        text += row("total", tally.total) + row("first token", tally.first)
        return text + row("between", tally.between)
    }

    private func row(_ name: String, _ digest: LatencyDigest) -> String {
        guard let mean = digest.mean else { return "" }
        let shares = Self.shares.map { milliseconds(Double(digest.percentile($0.share) ?? 0)) }
        return Self.row(
            [name] + shares + [milliseconds(Double(digest.greatest)), milliseconds(mean)])
    }

    private static func row(_ cells: [String]) -> String {
        let padded = cells.enumerated().map { index, cell in
            let room = String(repeating: " ", count: max(0, (index == 0 ? 14 : 10) - cell.count))
            return index == 0 ? cell + room : room + cell
        }
        return "  " + padded.joined() + "\n"
    }

    private func milliseconds(_ nanoseconds: Double) -> String { decimal(nanoseconds / 1e6) }

    /// Two digits behind the point, below 10 three.
    private func decimal(_ value: Double) -> String { DecimalText.text(value) }

    // MARK: JSON

    package func write(_ json: inout JSONWriter) {
        json.beginObject()
        json.field("mode", text: mode.rawValue)
        json.field("concurrency", concurrency)
        json.field("seconds", seconds)
        json.field("requests", tally.finished)
        json.field("succeeded", tally.succeeded)
        json.field("failed", tally.failed)
        json.beginObject("failures")
        for failure in tally.failures {
            failure.reason.withByteSlice { json.key($0) }
            json.value(failure.count)
        }
        json.endObject()
        json.field("requests_per_second", requestsPerSecond)
        json.field("tokens", tally.tokens)
        json.field("tokens_counted_by_server", tally.succeeded > 0 && tally.tokensAreCounted)
        json.field("tokens_per_second", tokensPerSecond)
        if let rate = tally.rate.percentile(0.5) {
            json.field("tokens_per_second_in_a_stream", Double(rate) / 1000)
        }
        json.beginObject("milliseconds")
        write("total", tally.total, &json)
        write("first_token", tally.first, &json)
        write("between_tokens", tally.between, &json)
        json.endObject()
        json.endObject()
    }

    private func write(_ name: StaticString, _ digest: LatencyDigest, _ json: inout JSONWriter) {
        guard let mean = digest.mean else { return }
        json.beginObject(name)
        json.field("count", digest.count)
        json.field("min", Double(digest.least) / 1e6)
        for (name, share) in Self.shares {
            json.field(name, Double(digest.percentile(share) ?? 0) / 1e6)
        }
        json.field("max", Double(digest.greatest) / 1e6)
        json.field("mean", mean / 1e6)
        json.endObject()
    }
}

/// Numbers for people.
package enum DecimalText {
    /// Three digits behind the point below 10, two below 1000, else none.
    package static func text(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        let digits = value.magnitude < 10 ? 3 : value.magnitude < 1000 ? 2 : 0
        let scale = [1, 10, 100, 1000][digits]
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let rest = String(scaled % scale)
        return "\(sign)\(scaled / scale)."
            + String(repeating: "0", count: digits - rest.count) + rest
    }
}
