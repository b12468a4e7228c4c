// MetricsExposition.swift — a worker's metrics under their own names. docs/metrics.md lists them all;
// a test holds the two together. Pure.

import ReactorCore

/// Names of others that dashboards know, told beside our own.
package enum PrometheusAliases: String, CaseIterable, Sendable {
    case none
    case litellm
    case bifrost
}

/// Writes everything that `/metrics` tells.
package enum MetricsExposition {
    package static func write(
        _ report: GatewayReport, _ metrics: RequestMetrics, aliases: PrometheusAliases,
        to writer: inout PrometheusWriter
    ) {
        let metrics = metrics.sums
        requests(report, metrics, &writer)
        models(metrics, &writer)
        tools(report, &writer)
        providers(report, &writer)
        pools(report, &writer)
        tokens(report, &writer)
        budgets(report, &writer)
        exports(report, &writer)
        process(report, &writer)
        switch aliases {
        case .none: break
        case .litellm: MetricsAliases.writeLiteLLM(report, metrics, to: &writer)
        case .bifrost: MetricsAliases.writeBifrost(report, metrics, to: &writer)
        }
    }

    private static func single(
        _ name: StaticString, _ kind: PrometheusWriter.Kind, _ help: StaticString, _ value: Int,
        _ writer: inout PrometheusWriter
    ) {
        writer.family(name, kind, help)
        writer.sample([], value)
    }

    // MARK: Requests

    private static func requests(
        _ report: GatewayReport, _ metrics: MetricsSums, _ writer: inout PrometheusWriter
    ) {
        writer.family("gateway_build_info", .gauge, "Always 1; the version is its label.")
        writer.sample([("version", report.version)], 1)
        writer.family(
            "gateway_requests", .counter,
            "Requests that have ended, by door and class of status; 499: the client left.")
        for door in metrics.doors {
            let name = door.door
            for (code, count) in [
                ("1xx", door.tally.informational), ("2xx", door.tally.success),
                ("3xx", door.tally.redirect),
                ("4xx", door.tally.clientError), ("499", door.tally.cancelled),
                ("5xx", door.tally.serverError),
            ] where count > 0 || code == "2xx" {
                writer.sample([("door", name), ("code", code)], count)
            }
        }
        single(
            "gateway_requests_received", .counter, "Requests whose head has arrived.",
            report.requests, &writer)
        single(
            "gateway_requests_in_flight", .gauge, "Requests being served.", report.inFlight,
            &writer)
        single(
            "gateway_client_connections", .gauge, "Connections of clients that are open.",
            report.connections, &writer)
        single(
            "gateway_received_bytes", .counter, "Bytes that clients have sent, without TLS's own.",
            report.receivedBytes, &writer)
        single(
            "gateway_sent_bytes", .counter, "Bytes that were sent to clients, without TLS's own.",
            report.sentBytes, &writer)
        single("gateway_streams", .counter, "Streams begun.", report.streams, &writer)
        single(
            "gateway_cancellations", .counter, "Requests whose client left.", report.cancelled,
            &writer)
        single(
            "gateway_heartbeats", .counter, "Signs of life written into silent streams.",
            report.heartbeats, &writer)
        single(
            "gateway_stream_errors", .counter, "Streams that ended in an error event.",
            report.streamErrors, &writer)
        single(
            "gateway_log_lines_dropped", .counter, "Log lines that nobody took.",
            report.droppedLogLines, &writer)
        writer.family(
            "gateway_overhead_seconds", .histogram,
            "The gateway's own share of requests that went to a provider.")
        writer.sample([], metrics.overhead)
    }

    // MARK: Tools

    private static func tools(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        writer.family(
            "gateway_tool_repairs", .counter, "What was set right in tool calls, by kind.")
        for (kind, count) in report.repairs { writer.sample([("kind", kind)], count) }
        single(
            "gateway_builtin_rounds", .counter,
            "Requests to providers in answers for which the gateway ran a function itself.",
            report.builtInRounds, &writer)
        writer.family(
            "gateway_builtin_calls", .counter, "Calls that the gateway ran itself, by function.")
        for (function, count) in report.builtInCalls {
            writer.sample([("function", function)], count)
        }
    }

    // MARK: Models

    private static func labels(_ series: MetricsSums.Series) -> [PrometheusWriter.Label] {
        [("provider", series.provider), ("model", series.model)]
    }

    private static func counter(
        _ name: StaticString, _ help: StaticString, _ metrics: MetricsSums,
        _ writer: inout PrometheusWriter, _ value: (RequestCounts) -> Int
    ) {
        writer.family(name, .counter, help)
        for series in metrics.series { writer.sample(labels(series), value(series.counts)) }
    }

    private static func histogram(
        _ name: StaticString, _ help: StaticString, _ metrics: MetricsSums,
        _ writer: inout PrometheusWriter, _ value: (RequestCounts) -> Histogram
    ) {
        writer.family(name, .histogram, help)
        for series in metrics.series { writer.sample(labels(series), value(series.counts)) }
    }

    private static func models(_ metrics: MetricsSums, _ writer: inout PrometheusWriter) {
        writer.family(
            "gateway_model_requests", .counter,
            "Requests that reached a provider, by the model's name there and how they ended.")
        for series in metrics.series {
            let counts = series.counts
            for (outcome, count) in [
                ("ok", counts.succeeded), ("error", counts.failed), ("cancelled", counts.cancelled),
            ] {
                writer.sample(labels(series) + [("outcome", outcome)], count)
            }
        }
        writer.family(
            "gateway_request_duration_seconds", .histogram,
            "From a request's first byte to its end.")
        for series in metrics.series {
            writer.sample(labels(series), series.counts.duration, exemplar: series.exemplar)
        }
        histogram(
            "gateway_upstream_duration_seconds", "From handing a request on to its end.", metrics,
            &writer
        ) { $0.upstream }
        histogram(
            "gateway_time_to_first_token_seconds",
            "From a whole request to the first event of its stream.", metrics, &writer
        ) { $0.firstEvent }
        histogram(
            "gateway_time_per_output_token_seconds",
            "Between two tokens of a stream, one mean a stream.", metrics, &writer
        ) { $0.perToken }
        counter(
            "gateway_input_tokens", "Tokens read, as providers report them.", metrics, &writer
        ) { $0.inputTokens }
        counter(
            "gateway_output_tokens", "Tokens written, as providers report them.", metrics, &writer
        ) { $0.outputTokens }
        counter(
            "gateway_cached_tokens", "Those read from a provider's cache.", metrics, &writer
        ) { $0.cachedTokens }
        counter(
            "gateway_cache_write_tokens", "Those written to a provider's cache.", metrics, &writer
        ) { $0.cacheWriteTokens }
        counter(
            "gateway_reasoning_tokens", "Those written for reasoning.", metrics, &writer
        ) { $0.reasoningTokens }
        writer.family(
            "gateway_cost_dollars", .counter, "What requests came to by the price table, in USD.")
        for series in metrics.series {
            writer.sample(labels(series), billionths: series.counts.cost)
        }
        counter(
            "gateway_unpriced_requests", "Requests with usage, but without a price.", metrics,
            &writer
        ) { $0.unpriced }
        counter("gateway_retries", "Attempts beyond the first.", metrics, &writer) { $0.retries }
        counter(
            "gateway_dropped_parameters", "Parameters that a provider could not be told.", metrics,
            &writer
        ) { $0.droppedParameters }
    }

    // MARK: Providers

    package static let breakerStates = ["closed", "open", "half_open"]

    /// One number of each of `all`, by its provider.
    private static func each<Element>(
        _ all: [Element], _ provider: (Element) -> String, _ name: StaticString,
        _ kind: PrometheusWriter.Kind, _ help: StaticString, _ writer: inout PrometheusWriter,
        _ value: (Element) -> Int?
    ) {
        writer.family(name, kind, help)
        for one in all {
            if let number = value(one) { writer.sample([("provider", provider(one))], number) }
        }
    }

    private static func providers(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        each(
            report.providers, \.name, "gateway_fallbacks", .counter,
            "Requests that a provider failed and another target was asked for, over all workers.",
            &writer
        ) { $0.departures }
        let guarded = report.providers.filter { $0.breaker != nil }
        guard !guarded.isEmpty else { return }
        writer.family(
            "gateway_breaker_state", .gauge,
            "1 at the state that a provider's breaker is in, the same for all workers.")
        for provider in guarded {
            for state in breakerStates {
                writer.sample(
                    [("provider", provider.name), ("state", state)],
                    provider.breaker == state ? 1 : 0)
            }
        }
        each(
            guarded, \.name, "gateway_breaker_openings", .counter,
            "How often a provider's breaker has opened, over all workers.", &writer
        ) { $0.openings }
        each(
            guarded, \.name, "gateway_breaker_refusals", .counter,
            "Requests that an open breaker kept away, over all workers.", &writer
        ) { $0.refusals }
    }

    private static func pools(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        writer.family(
            "gateway_pool_connections", .gauge, "Connections to a provider, by state.")
        for pool in report.pools {
            for (state, count) in [
                ("connecting", pool.counters.connecting), ("leased", pool.counters.leased),
                ("idle", pool.counters.idle),
            ] {
                writer.sample([("provider", pool.provider), ("state", state)], count)
            }
        }
        each(
            report.pools, \.provider, "gateway_pool_waiting_requests", .gauge,
            "Requests that wait for a connection.", &writer
        ) { $0.counters.waiting }
        each(
            report.pools, \.provider, "gateway_pool_connections_created", .counter,
            "Connections ever begun.", &writer
        ) { $0.counters.created }
        each(
            report.pools, \.provider, "gateway_pool_connections_reused", .counter,
            "Requests that got a connection which had served before.", &writer
        ) { $0.counters.reused }
        writer.family(
            "gateway_pool_handshakes", .counter,
            "TLS handshakes of connections: full, or resumed from an earlier session.")
        for pool in report.pools {
            let provider: PrometheusWriter.Label = ("provider", pool.provider)
            writer.sample([provider, ("kind", "full")], pool.counters.handshakes)
            writer.sample([provider, ("kind", "resumed")], pool.counters.resumptions)
        }
    }

    private static func tokens(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        guard !report.tokens.isEmpty else { return }
        writer.family(
            "gateway_token_state", .gauge,
            "Workers by the state that a provider's access token is in there.")
        for token in report.tokens {
            for (state, count) in zip(TokenFigures.State.allCases, token.workers) {
                writer.sample(
                    [("provider", token.provider), ("state", "\(state.name)")], count)
            }
        }
        each(
            report.tokens, \.provider, "gateway_token_expires_in_seconds", .gauge,
            "Until the first of the workers' access tokens ends; without any there is no sample.",
            &writer
        ) { $0.expiresIn }
        each(
            report.tokens, \.provider, "gateway_token_generations", .counter,
            "Access tokens that workers have had.", &writer
        ) { $0.generations }
        writer.family(
            "gateway_token_leases", .counter,
            "Requests that wanted an access token, by whether one was at hand.")
        for token in report.tokens {
            let provider: PrometheusWriter.Label = ("provider", token.provider)
            writer.sample([provider, ("result", "hit")], token.hits)
            writer.sample([provider, ("result", "miss")], token.leases - token.hits)
        }
    }

    private static func budgets(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        guard !report.budgets.isEmpty else { return }
        writer.family(
            "gateway_key_budget_dollars", .gauge, "What a key may spend in its period.")
        for budget in report.budgets {
            writer.sample(
                [("key", budget.key), ("period", budget.period)], billionths: budget.limit)
        }
        writer.family(
            "gateway_key_spent_dollars", .gauge,
            "What a key has spent in its period, over all workers.")
        for budget in report.budgets {
            writer.sample(
                [("key", budget.key), ("period", budget.period)], billionths: budget.spent)
        }
    }

    private static func exports(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        guard !report.exports.isEmpty else { return }
        writer.family(
            "gateway_export_records", .counter,
            "Records of requests by exporter: sent, refused by the collector, or dropped.")
        for export in report.exports {
            let name: PrometheusWriter.Label = ("exporter", export.name)
            writer.sample([name, ("result", "sent")], export.figures.sent)
            writer.sample([name, ("result", "refused")], export.figures.refused)
            writer.sample([name, ("result", "dropped")], export.figures.dropped)
        }
        writer.family("gateway_export_waiting_records", .gauge, "Records that wait to be sent.")
        for export in report.exports {
            writer.sample([("exporter", export.name)], export.figures.waiting)
        }
    }

    /// One number of each worker.
    private static func each(
        _ workers: [GatewayReport.Worker], _ name: StaticString, _ kind: PrometheusWriter.Kind,
        _ help: StaticString, _ writer: inout PrometheusWriter,
        _ write: (GatewayReport.Worker, [PrometheusWriter.Label], inout PrometheusWriter) -> Void
    ) {
        writer.family(name, kind, help)
        for worker in workers { write(worker, [("worker", "\(worker.place)")], &writer) }
    }

    private static func process(_ report: GatewayReport, _ writer: inout PrometheusWriter) {
        single(
            "gateway_workers", .gauge, "Worker processes that are there.",
            report.workers.reduce(0) { $0 + $1.count }, &writer)
        // One that is gone has used processor time, and holds nothing.
        let there = report.workers.filter { $0.count > 0 }
        each(
            there, "gateway_loop_lag_seconds", .gauge,
            "How late the event loop's clock was at the last look, once a second.", &writer
        ) { $2.sample($1, billionths: $0.lag.lastMicroseconds * 1000) }
        each(there, "gateway_loop_lag_max_seconds", .gauge, "The most of the last minute.", &writer)
        {
            $2.sample($1, billionths: $0.lag.maxMicroseconds * 1000)
        }
        each(
            there, "gateway_memory_anonymous_bytes", .gauge,
            "Memory of the worker's own, files left out.", &writer
        ) { $2.sample($1, $0.process.anonymousBytes) }
        each(there, "process_resident_memory_bytes", .gauge, "Resident memory.", &writer) {
            $2.sample($1, $0.process.residentBytes)
        }
        each(
            report.workers, "process_cpu_seconds", .counter, "User and system time.", &writer
        ) { $2.sample($1, billionths: $0.process.cpuMicroseconds * 1000) }
        single(
            "process_start_time_seconds", .gauge, "When the whole was started, since 1970.",
            report.startSeconds, &writer)
    }
}
