// StatusDocument.swift — the numbers of all workers as JSON: for the status page and for
// `/v1/performance/metrics`. Pure.

import GatewayCodec
import ReactorCore

/// What has happened within some seconds.
package struct MetricsWindow {
    package var seconds: Double
    package var counts: RequestCountsDelta

    package init(seconds: Double, counts: RequestCountsDelta) {
        self.seconds = seconds
        self.counts = counts
    }
}

/// The difference between two states of one `RequestCounts`.
package struct RequestCountsDelta {
    package var requests: Int
    package var failed: Int
    package var outputTokens: Int
    package var inputTokens: Int
    package var duration: Histogram
    package var firstEvent: Histogram
    package var perToken: Histogram

    package init(from earlier: RequestCounts, to later: RequestCounts) {
        requests = later.total - earlier.total
        failed = later.failed - earlier.failed
        outputTokens = later.outputTokens - earlier.outputTokens
        inputTokens = later.inputTokens - earlier.inputTokens
        duration = later.duration - earlier.duration
        firstEvent = later.firstEvent - earlier.firstEvent
        perToken = later.perToken - earlier.perToken
    }
}

/// Writes what is known as JSON.
package enum StatusDocument {
    /// What the status page gets each second.
    /// - Parameter recent: requests that were not told before.
    package static func write(
        _ report: GatewayReport, _ metrics: RequestMetrics, window: MetricsWindow,
        recent: [RecentRequest], to json: inout JSONWriter
    ) {
        let sums = metrics.sums
        json.beginObject()
        json.field("time", report.now)
        json.field("version", text: report.version)
        json.field("uptime_seconds", report.now - report.startSeconds)
        json.field("draining", report.isDraining)
        json.field("requests_received", report.requests)
        json.field("in_flight", report.inFlight)
        json.field("cancelled", report.cancelled)
        json.field("streams", report.streams)
        json.field("heartbeats", report.heartbeats)
        json.field("stream_errors", report.streamErrors)
        json.beginObject("totals")
        write(sums.total, &json)
        json.endObject()
        quantiles("overhead", sums.overhead, &json)
        write(window, &json)
        json.beginArray("doors")
        for door in sums.doors {
            json.beginObject()
            json.field("door", text: door.door)
            json.field("requests", door.tally.total)
            json.field("errors", door.tally.clientError + door.tally.serverError)
            json.endObject()
        }
        json.endArray()
        models(sums, &json)
        json.beginArray("providers")
        for provider in report.providers { write(provider, &json) }
        json.endArray()
        json.beginArray("pools")
        for pool in report.pools {
            json.beginObject()
            json.field("provider", text: pool.provider)
            write(pool.counters, &json)
            json.endObject()
        }
        json.endArray()
        json.beginArray("tokens")
        for token in report.tokens { write(token, &json) }
        json.endArray()
        json.beginObject("process")
        write(report.process, &json)
        write(report.lag, &json)
        json.endObject()
        workers(report, &json)
        json.beginArray("exports")
        for export in report.exports {
            json.beginObject()
            json.field("exporter", text: export.name)
            json.field("sent", export.figures.sent)
            json.field("refused", export.figures.refused)
            json.field("dropped", export.figures.dropped)
            json.field("waiting", export.figures.waiting)
            json.endObject()
        }
        json.endArray()
        json.field("log_lines_dropped", report.droppedLogLines)
        clients(report, &json)
        write(recent, &json)
        json.endObject()
    }

    private static func clients(_ report: GatewayReport, _ json: inout JSONWriter) {
        json.beginObject("clients")
        json.field("connections", report.connections)
        json.field("received_bytes", report.receivedBytes)
        json.field("sent_bytes", report.sentBytes)
        json.endObject()
    }

    private static func workers(_ report: GatewayReport, _ json: inout JSONWriter) {
        json.beginArray("workers")
        for worker in report.workers where worker.count > 0 {
            json.beginObject()
            json.field("worker", worker.place)
            write(worker.process, &json)
            write(worker.lag, &json)
            json.endObject()
        }
        json.endArray()
    }

    private static func write(_ lag: LagReading, _ json: inout JSONWriter) {
        json.field("lag_us", lag.lastMicroseconds)
        json.field("lag_max_us", lag.maxMicroseconds)
    }

    private static func write(_ window: MetricsWindow, _ json: inout JSONWriter) {
        json.beginObject("window")
        json.field("seconds", window.seconds)
        json.field("requests", window.counts.requests)
        json.field("errors", window.counts.failed)
        json.field("input_tokens", window.counts.inputTokens)
        json.field("output_tokens", window.counts.outputTokens)
        quantiles("latency", window.counts.duration, &json)
        quantiles("ttft", window.counts.firstEvent, &json)
        quantiles("per_token", window.counts.perToken, &json)
        json.endObject()
    }

    private static func models(_ sums: MetricsSums, _ json: inout JSONWriter) {
        json.beginArray("models")
        for series in sums.series {
            json.beginObject()
            json.field("provider", text: series.provider)
            json.field("model", text: series.model)
            write(series.counts, &json)
            quantiles("latency", series.counts.duration, &json)
            quantiles("ttft", series.counts.firstEvent, &json)
            quantiles("per_token", series.counts.perToken, &json)
            json.endObject()
        }
        json.endArray()
    }

    private static func write(_ recent: [RecentRequest], _ json: inout JSONWriter) {
        json.beginArray("recent")
        for entry in recent {
            json.beginObject()
            json.field("worker", entry.process / 2)
            json.field("id", text: entry.requestID)
            json.field("time_ms", entry.seconds * 1000 + entry.milliseconds)
            json.field("door", text: entry.door)
            json.field("provider", text: entry.provider)
            json.field("model", text: entry.model)
            json.field("status", entry.status)
            json.field("outcome", text: entry.outcome)
            json.field("stream", entry.streams)
            json.field("duration_us", entry.durationMicroseconds)
            if entry.firstEventMicroseconds >= 0 {
                json.field("ttft_us", entry.firstEventMicroseconds)
            }
            json.field("input_tokens", entry.inputTokens)
            json.field("output_tokens", entry.outputTokens)
            if let cost = entry.cost { dollars("cost_usd", cost, &json) }
            json.endObject()
        }
        json.endArray()
    }

    /// Seed rows S5, S63, S64.
    package static func writePerformance(
        _ report: GatewayReport, _ metrics: RequestMetrics, to json: inout JSONWriter
    ) {
        let sums = metrics.sums
        let sum = sums.total
        json.beginObject()
        json.field("request_count", report.requests)
        json.field("in_flight", report.inFlight)
        json.field("uptime_seconds", report.now - report.startSeconds)
        quantiles("latency", sum.duration, &json)
        quantiles("time_to_first_token", sum.firstEvent, &json)
        quantiles("time_per_output_token", sum.perToken, &json)
        quantiles("gateway_overhead", sums.overhead, &json)
        json.beginObject("memory")
        write(report.process, &json)
        json.endObject()
        workers(report, &json)
        clients(report, &json)
        json.beginObject("connection_pool")
        write(report.pool, &json)
        json.endObject()
        json.beginArray("budgets")
        for budget in report.budgets {
            json.beginObject()
            json.field("key", text: budget.key)
            json.field("period", text: budget.period)
            dollars("usd", budget.limit, &json)
            dollars("spent_usd", budget.spent, &json)
            optional("resets_in", budget.resetIn, &json)
            json.endObject()
        }
        json.endArray()
        let leases = report.tokens.reduce(0) { $0 + $1.leases }
        let hits = report.tokens.reduce(0) { $0 + $1.hits }
        if leases > 0 {
            json.field("token_cache_hit_rate", Double(hits) / Double(leases))
        } else {
            json.null("token_cache_hit_rate")
        }
        json.beginObject("totals")
        write(sum, &json)
        json.endObject()
        json.endObject()
    }

    // MARK: Pieces

    package static func write(_ counters: PoolCounters, _ json: inout JSONWriter) {
        json.field("connecting", counters.connecting)
        json.field("leased", counters.leased)
        json.field("idle", counters.idle)
        json.field("waiting", counters.waiting)
        json.field("created", counters.created)
        json.field("reused", counters.reused)
        json.field("handshakes", counters.handshakes)
        json.field("resumptions", counters.resumptions)
    }

    package static func write(_ provider: GatewayReport.Provider, _ json: inout JSONWriter) {
        json.beginObject()
        json.field("provider", text: provider.name)
        if let state = provider.breaker {
            json.field("breaker", text: state)
            json.field("failures_in_row", provider.failuresInRow)
            json.field("openings", provider.openings)
            json.field("refusals", provider.refusals)
            optional("retry_in", provider.retryIn, &json)
        } else {
            json.null("breaker")
        }
        json.field("fallbacks", provider.departures)
        json.endObject()
    }

    /// Everything but the credential.
    package static func write(_ token: GatewayReport.Token, _ json: inout JSONWriter) {
        json.beginObject()
        json.field("provider", text: token.provider)
        json.field("state", token.state.name)
        json.field("usable", token.isUsable)
        json.beginObject("workers")
        for (state, count) in zip(TokenFigures.State.allCases, token.workers) where count > 0 {
            json.field(state.name, count)
        }
        json.endObject()
        json.field("generation", token.generations)
        optional("age_seconds", token.age, &json)
        optional("expires_in", token.expiresIn, &json)
        optional("retry_in", token.retryIn, &json)
        optional("secret_bytes", token.secretBytes, &json)
        json.field("waiting", token.waiting)
        json.field("leases", token.leases)
        json.field("hits", token.hits)
        json.endObject()
    }

    private static func optional(
        _ name: StaticString, _ value: Int?, _ json: inout JSONWriter
    ) {
        if let value { json.field(name, value) } else { json.null(name) }
    }

    private static func write(_ process: GatewayReport.Process, _ json: inout JSONWriter) {
        json.field("anonymous_bytes", process.anonymousBytes)
        json.field("resident_bytes", process.residentBytes)
        json.field("cpu_us", process.cpuMicroseconds)
    }

    private static func write(_ counts: RequestCounts, _ json: inout JSONWriter) {
        json.field("requests", counts.total)
        json.field("succeeded", counts.succeeded)
        json.field("failed", counts.failed)
        json.field("cancelled", counts.cancelled)
        json.field("streams", counts.streams)
        json.field("input_tokens", counts.inputTokens)
        json.field("output_tokens", counts.outputTokens)
        json.field("cached_tokens", counts.cachedTokens)
        json.field("reasoning_tokens", counts.reasoningTokens)
        dollars("cost_usd", counts.cost, &json)
        json.field("unpriced", counts.unpriced)
        json.field("retries", counts.retries)
        json.field("dropped_parameters", counts.droppedParameters)
    }

    private static func quantiles(
        _ name: StaticString, _ histogram: Histogram, _ json: inout JSONWriter
    ) {
        json.beginObject(name)
        defer { json.endObject() }
        json.field("count", histogram.count)
        guard histogram.count > 0 else { return }
        json.field("mean_ms", Double(histogram.sum / histogram.count) / 1000)
        json.field("p50_ms", Double(histogram.quantile(0.5) ?? 0) / 1000)
        json.field("p95_ms", Double(histogram.quantile(0.95) ?? 0) / 1000)
        json.field("p99_ms", Double(histogram.quantile(0.99) ?? 0) / 1000)
    }

    private static func dollars(
        _ name: StaticString, _ billionths: Int, _ json: inout JSONWriter
    ) {
        json.field(name, Double(billionths) / 1_000_000_000)
    }
}
