// PrometheusWriter.swift — the two text forms that Prometheus reads: its own 0.0.4 and OpenMetrics
// 1.0.0. Pure; writes into a buffer. Sources: prometheus.io/docs/instrumenting/exposition_formats,
// prometheus.io/docs/specs/om/open_metrics_spec.

import GatewayCodec
import ReactorCore

/// Writes one exposition; made by `ByteBuffer.writePrometheus`.
package struct PrometheusWriter: ~Copyable {
    package enum Format: Sendable {
        case text
        /// With units, exemplars, and an end mark.
        case openMetrics

        package var contentType: StaticString {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    package enum Kind: Sendable {
        case counter
        case gauge
        case histogram
    }

    /// A label and its value.
    package typealias Label = (name: StaticString, value: String)

    private let out: UnsafeMutablePointer<ByteBuffer>
    private let format: Format
    private var name: StaticString = ""
    private var kind = Kind.gauge

    fileprivate init(_ out: UnsafeMutablePointer<ByteBuffer>, _ format: Format) {
        self.out = out
        self.format = format
    }

    /// Begins a family; all its samples follow. `name` is without `_total`, which counters get.
    package mutating func family(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        self.name = name
        self.kind = kind
        line("# HELP ")
        out.pointee.append(ASCII.space)
        out.pointee.append(help)
        out.pointee.append(ASCII.lf)
        line("# TYPE ")
        switch kind {
        case .counter: out.pointee.append(" counter\n" as StaticString)
        case .gauge: out.pointee.append(" gauge\n" as StaticString)
        case .histogram: out.pointee.append(" histogram\n" as StaticString)
        }
        guard format == .openMetrics, let unit = unit else { return }
        line("# UNIT ")
        out.pointee.append(ASCII.space)
        out.pointee.append(unit)
        out.pointee.append(ASCII.lf)
    }

    /// What a name ends in, where that is one of the units in use.
    private var unit: StaticString? {
        let bytes = ByteSlice(name)
        for unit in ["_seconds", "_bytes", "_microseconds"] as [StaticString] {
            let length = unit.utf8CodeUnitCount
            if bytes.count > length, bytes.dropFirst(bytes.count - length) == unit {
                return unit.isSame(as: "_seconds")
                    ? "seconds" : unit.isSame(as: "_bytes") ? "bytes" : "microseconds"
            }
        }
        return nil
    }

    /// A line about the family. In Prometheus' own form a counter's family is named like its sample.
    private func line(_ mark: StaticString) {
        out.pointee.append(mark)
        out.pointee.append(name)
        if kind == .counter, format == .text { out.pointee.append("_total" as StaticString) }
    }

    package mutating func sample(_ labels: [Label] = [], _ value: Int) {
        begin(kind == .counter ? "_total" : "", labels)
        out.pointee.append(decimal: value)
        out.pointee.append(ASCII.lf)
    }

    /// A value in billionths: dollars, or seconds of nanoseconds.
    package mutating func sample(_ labels: [Label] = [], billionths value: Int) {
        begin(kind == .counter ? "_total" : "", labels)
        out.pointee.append(billionths: value)
        out.pointee.append(ASCII.lf)
    }

    /// A histogram in seconds, or in microseconds as they are.
    package mutating func sample(
        _ labels: [Label] = [], _ histogram: Histogram, exemplar: Exemplar? = nil,
        inMicroseconds: Bool = false
    ) {
        let scale = inMicroseconds ? 1_000_000_000 : 1000
        var mark = exemplar
        if mark?.isEmpty ?? true { mark = nil }
        for place in Histogram.toldPlaces {
            begin("_bucket", labels) { out in
                out.append("le=\"" as StaticString)
                out.append(billionths: Histogram.bounds[place] * scale)
                out.append(ASCII.quote)
            }
            out.pointee.append(decimal: histogram.count(upTo: place))
            if let exemplar = mark, exemplar.microseconds <= Histogram.bounds[place] {
                append(exemplar)
                mark = nil
            }
            out.pointee.append(ASCII.lf)
        }
        begin("_bucket", labels) { $0.append("le=\"+Inf\"" as StaticString) }
        out.pointee.append(decimal: histogram.count)
        if let exemplar = mark { append(exemplar) }
        out.pointee.append(ASCII.lf)
        begin("_sum", labels)
        if inMicroseconds {
            out.pointee.append(decimal: histogram.sum)
        } else {
            out.pointee.append(millionths: histogram.sum)
        }
        out.pointee.append(ASCII.lf)
        begin("_count", labels)
        out.pointee.append(decimal: histogram.count)
        out.pointee.append(ASCII.lf)
    }

    private func append(_ exemplar: Exemplar) {
        guard format == .openMetrics else { return }
        out.pointee.append(" # {request_id=\"" as StaticString)
        appendEscaped(exemplar.requestID)
        out.pointee.append("\"} " as StaticString)
        out.pointee.append(billionths: exemplar.microseconds * 1000)
        out.pointee.append(ASCII.space)
        out.pointee.append(decimal: exemplar.seconds)
        out.pointee.append(UInt8(ascii: "."))
        for unit in [100, 10, 1] {
            out.pointee.append(ASCII.zero + UInt8(exemplar.milliseconds / unit % 10))
        }
    }

    /// A sample's name and labels, and the space before its value.
    private func begin(
        _ suffix: StaticString, _ labels: [Label], last: ((inout ByteBuffer) -> Void)? = nil
    ) {
        out.pointee.append(name)
        out.pointee.append(suffix)
        if !labels.isEmpty || last != nil {
            out.pointee.append(ASCII.openBrace)
            for (index, label) in labels.enumerated() {
                if index > 0 { out.pointee.append(ASCII.comma) }
                out.pointee.append(label.name)
                out.pointee.append("=\"" as StaticString)
                appendEscaped(label.value)
                out.pointee.append(ASCII.quote)
            }
            if let last {
                if !labels.isEmpty { out.pointee.append(ASCII.comma) }
                last(&out.pointee)
            }
            out.pointee.append(ASCII.closeBrace)
        }
        out.pointee.append(ASCII.space)
    }

    /// The three that are escaped in both forms; a String is well-formed UTF-8.
    private func appendEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case ASCII.backslash: out.pointee.append("\\\\" as StaticString)
            case ASCII.quote: out.pointee.append("\\\"" as StaticString)
            case ASCII.lf: out.pointee.append("\\n" as StaticString)
            default: out.pointee.append(byte)
            }
        }
    }

    fileprivate func end() {
        if format == .openMetrics { out.pointee.append("# EOF\n" as StaticString) }
    }
}

extension ByteBuffer {
    /// Appends the exposition that `body` writes.
    package mutating func writePrometheus(
        _ format: PrometheusWriter.Format, _ body: (inout PrometheusWriter) -> Void
    ) {
        withUnsafeMutablePointer(to: &self) { target in
            var writer = PrometheusWriter(target, format)
            body(&writer)
            writer.end()
        }
    }

    /// Appends a number of billionths as a decimal, without needless zeros: `0.000125`, `3`.
    package mutating func append(billionths value: Int) {
        append(upTo: 32) { $0.put(billionths: value) }
    }

    package mutating func append(millionths value: Int) {
        append(upTo: 32) { $0.put(value, of: 1_000_000) }
    }
}

extension ByteCursor {
    /// Puts a number of billionths as a decimal, without needless zeros; 21 bytes at most.
    mutating func put(billionths value: Int) { put(value, of: 1_000_000_000) }

    /// Inlined, `parts` is a constant that costs no division.
    @inline(__always)
    fileprivate mutating func put(_ value: Int, of parts: UInt) {
        if value < 0 { put(UInt8(ascii: "-")) }
        var rest = value.magnitude
        if rest < parts {
            // What a request costs.
            put(ASCII.zero)
        } else {
            let whole: UInt
            (whole, rest) = rest.quotientAndRemainder(dividingBy: parts)
            put(decimal: Int(whole))
        }
        guard rest > 0 else { return }
        // Nine digits, of which the last ones say nothing where there are fewer.
        let (first, others) = (rest &* (1_000_000_000 / parts))
            .quotientAndRemainder(dividingBy: 100_000_000)
        put(UInt8(ascii: "."))
        put(ASCII.zero &+ UInt8(truncatingIfNeeded: first))
        // Zeros at the end are the highest bytes. Where all eight are, the first is none.
        let digits = DigitWord.decimal(others)
        put(word: digits | DigitWord.asciiZeros)
        back(digits.leadingZeroBitCount &>> 3)
    }
}
