// OTLPMetricsEncoder.swift — the numbers of `/metrics` as OpenTelemetry has them: sums and histograms
// since the start. Pure. Names of the GenAI conventions where those have one for what is meant; their
// group is still marked as in development. Histograms keep our bounds: two of them can be added up.

import GatewayCodec
import ReactorCore

/// Writes metrics, to stand within `ExportFrame.metrics`.
package enum OTLPMetricsEncoder {
    /// Appends all metrics, with commas between them.
    package static func append(
        _ report: GatewayReport, _ metrics: RequestMetrics, to buffer: inout ByteBuffer
    ) {
        let times = Times(report)
        let metrics = metrics.sumsByOperation
        sums(report, metrics, times, &buffer)
        models(metrics, times, &buffer)
        gauges(report, times, &buffer)
        providers(report, times, &buffer)
        exports(report, times, &buffer)
        workers(report, times, &buffer)
    }

    struct Times {
        let start: Int
        let now: Int

        init(_ report: GatewayReport) {
            start = report.startSeconds * 1_000_000_000
            now = report.now * 1_000_000_000
        }
    }

    static func metric(
        _ name: StaticString, _ unit: StaticString, _ kind: StaticString,
        first: Bool = false, _ buffer: inout ByteBuffer, _ points: (inout ByteBuffer) -> Void
    ) {
        buffer.append(first ? "{\"name\":\"" : ",{\"name\":\"" as StaticString)
        buffer.append(name)
        buffer.append("\",\"unit\":\"" as StaticString)
        buffer.append(unit)
        buffer.append("\",\"" as StaticString)
        buffer.append(kind)
        buffer.append("\":{" as StaticString)
        let isGauge = kind.isSame(as: "gauge")
        if !isGauge { buffer.append("\"aggregationTemporality\":2," as StaticString) }
        if kind.isSame(as: "sum") { buffer.append("\"isMonotonic\":true," as StaticString) }
        buffer.append("\"dataPoints\":[" as StaticString)
        points(&buffer)
        // The last point's comma.
        if buffer.slice[buffer.count - 1] == ASCII.comma { buffer.truncate(to: buffer.count - 1) }
        buffer.append("]}}" as StaticString)
    }

    /// Appends one point up to its value, and a comma behind it.
    static func point(
        _ times: Times, _ buffer: inout ByteBuffer,
        attributes: (inout OTLPAttributes) -> Void = { _ in },
        value: (inout ByteBuffer) -> Void
    ) {
        buffer.append("{\"attributes\":[" as StaticString)
        buffer.withAttributes(attributes)
        buffer.append("],\"startTimeUnixNano\":\"", time: times.start)
        buffer.append(",\"timeUnixNano\":\"", time: times.now)
        value(&buffer)
        buffer.append("}," as StaticString)
    }

    static func whole(_ value: Int, _ buffer: inout ByteBuffer) {
        buffer.append(",\"asInt\":\"" as StaticString)
        buffer.append(decimal: value)
        buffer.append(ASCII.quote)
    }

    // MARK: Sums

    private static func sums(
        _ report: GatewayReport, _ metrics: MetricsSums, _ times: Times,
        _ buffer: inout ByteBuffer
    ) {
        metric("gateway.requests", "{request}", "sum", first: true, &buffer) { buffer in
            for door in metrics.doors {
                for (code, count) in [
                    ("2xx", door.tally.success), ("3xx", door.tally.redirect),
                    ("4xx", door.tally.clientError),
                    ("499", door.tally.cancelled), ("5xx", door.tally.serverError),
                ] as [(StaticString, Int)] where count > 0 {
                    point(
                        times, &buffer,
                        attributes: {
                            $0.text("gateway.door", door.door)
                            $0.word("gateway.code", code)
                        }, value: { whole(count, &$0) })
                }
            }
        }
        for (name, unit, value) in [
            ("gateway.streams", "{stream}", report.streams),
            ("gateway.cancellations", "{request}", report.cancelled),
            ("gateway.heartbeats", "{heartbeat}", report.heartbeats),
            ("gateway.stream_errors", "{stream}", report.streamErrors),
            ("gateway.received", "By", report.receivedBytes),
            ("gateway.sent", "By", report.sentBytes),
            ("gateway.log.dropped", "{line}", report.droppedLogLines),
            ("gateway.builtin.rounds", "{request}", report.builtInRounds),
        ] as [(StaticString, StaticString, Int)] {
            metric(name, unit, "sum", &buffer) { point(times, &$0, value: { whole(value, &$0) }) }
        }
    }

    // MARK: Models

    private static func models(
        _ metrics: MetricsSums, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        histogram("gen_ai.client.operation.duration", metrics, times, &buffer) { $0.upstream }
        histogram("gen_ai.server.request.duration", metrics, times, &buffer) { $0.duration }
        histogram("gen_ai.server.time_to_first_token", metrics, times, &buffer) {
            $0.firstEvent
        }
        histogram("gen_ai.server.time_per_output_token", metrics, times, &buffer) { $0.perToken }
        tokenUsage(metrics, times, &buffer)
        for (name, unit, value) in [
            ("gateway.tokens.cached", "{token}", { $0.cachedTokens }),
            ("gateway.tokens.cache_write", "{token}", { $0.cacheWriteTokens }),
            ("gateway.tokens.reasoning", "{token}", { $0.reasoningTokens }),
            ("gateway.retries", "{request}", { $0.retries }),
            ("gateway.unpriced", "{request}", { $0.unpriced }),
            ("gateway.dropped_parameters", "{parameter}", { $0.droppedParameters }),
        ] as [(StaticString, StaticString, (RequestCounts) -> Int)] {
            metric(name, unit, "sum", &buffer) { buffer in
                for series in metrics.series where value(series.counts) > 0 {
                    point(
                        times, &buffer, attributes: { attributes(of: series, &$0) },
                        value: { whole(value(series.counts), &$0) })
                }
            }
        }
        metric("gateway.cost", "USD", "sum", &buffer) { buffer in
            for series in metrics.series where series.counts.cost > 0 {
                point(
                    times, &buffer, attributes: { attributes(of: series, &$0) },
                    value: {
                        $0.append(",\"asDouble\":" as StaticString)
                        $0.append(billionths: series.counts.cost)
                    })
            }
        }
    }

    /// Of requests whose provider reported them, in the buckets of the conventions.
    private static func tokenUsage(
        _ metrics: MetricsSums, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        metric("gen_ai.client.token.usage", "{token}", "histogram", &buffer) { buffer in
            for series in metrics.series {
                let counts = series.counts
                for (type, sizes, sum) in [
                    ("input", counts.inputSizes, counts.inputTokens),
                    ("output", counts.outputSizes, counts.outputTokens),
                ] as [(StaticString, SizeHistogram, Int)] where sizes.count > 0 {
                    point(
                        times, &buffer,
                        attributes: {
                            attributes(of: series, &$0)
                            $0.word("gen_ai.token.type", type)
                        }, value: { append(sizes, sum: sum, &$0) })
                }
            }
        }
    }

    private static func attributes(
        of series: MetricsSums.Series, _ attributes: inout OTLPAttributes
    ) {
        attributes.word("gen_ai.operation.name", (series.operation ?? .chat).name)
        attributes.text("gen_ai.provider.name", series.provider)
        attributes.text("gen_ai.request.model", series.model)
    }

    private static func histogram(
        _ name: StaticString, _ metrics: MetricsSums, _ times: Times,
        _ buffer: inout ByteBuffer, _ select: (RequestCounts) -> Histogram
    ) {
        metric(name, "s", "histogram", &buffer) { buffer in
            for series in metrics.series {
                let histogram = select(series.counts)
                guard histogram.count > 0 else { continue }
                point(
                    times, &buffer, attributes: { attributes(of: series, &$0) },
                    value: { append(histogram, &$0) })
            }
        }
    }

    private static func append(_ histogram: Histogram, _ buffer: inout ByteBuffer) {
        buffer.append(",\"count\":\"" as StaticString)
        buffer.append(decimal: histogram.count)
        buffer.append("\",\"sum\":" as StaticString)
        buffer.append(millionths: histogram.sum)
        buffer.append(",\"bucketCounts\":[" as StaticString)
        var before = 0
        for place in Histogram.toldPlaces {
            let count = histogram.count(upTo: place)
            buffer.append(ASCII.quote)
            buffer.append(decimal: count - before)
            buffer.append("\"," as StaticString)
            before = count
        }
        buffer.append(ASCII.quote)
        buffer.append(decimal: histogram.count - before)
        buffer.append("\"],\"explicitBounds\":[" as StaticString)
        for (index, place) in Histogram.toldPlaces.enumerated() {
            if index > 0 { buffer.append(ASCII.comma) }
            buffer.append(billionths: Histogram.bounds[place] * 1000)
        }
        buffer.append("]" as StaticString)
    }

    private static func append(_ sizes: SizeHistogram, sum: Int, _ buffer: inout ByteBuffer) {
        buffer.append(",\"count\":\"" as StaticString)
        buffer.append(decimal: sizes.count)
        buffer.append("\",\"sum\":" as StaticString)
        buffer.append(decimal: sum)
        buffer.append(",\"bucketCounts\":[" as StaticString)
        for place in 0..<SizeHistogram.bucketCount {
            buffer.append(place == 0 ? "\"" : ",\"" as StaticString)
            buffer.append(decimal: sizes[place])
            buffer.append(ASCII.quote)
        }
        buffer.append("],\"explicitBounds\":[" as StaticString)
        for (place, bound) in SizeHistogram.bounds.enumerated() {
            if place > 0 { buffer.append(ASCII.comma) }
            buffer.append(decimal: bound)
        }
        buffer.append("]" as StaticString)
    }

    // MARK: Gauges

    private static func gauges(
        _ report: GatewayReport, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        for (name, unit, value) in [
            ("gateway.requests.in_flight", "{request}", report.inFlight),
            ("gateway.client.connections", "{connection}", report.connections),
            ("gateway.workers", "{process}", report.workers.reduce(0) { $0 + $1.count }),
        ] as [(StaticString, StaticString, Int)] {
            metric(name, unit, "gauge", &buffer) { point(times, &$0, value: { whole(value, &$0) }) }
        }
    }
}
