// MetricsAliases.swift — the same numbers under the names of LiteLLM and Bifrost, as far as we have
// what they mean, for dashboards that know those. Pure.

/// Names of others.
enum MetricsAliases {
    private static func counter(
        _ name: StaticString, _ metrics: MetricsSums, _ writer: inout PrometheusWriter,
        _ labels: (MetricsSums.Series) -> [PrometheusWriter.Label], _ value: (RequestCounts) -> Int
    ) {
        writer.family(name, .counter, "An alias; see docs/metrics.md.")
        for series in metrics.series { writer.sample(labels(series), value(series.counts)) }
    }

    private static func histogram(
        _ name: StaticString, _ metrics: MetricsSums, _ writer: inout PrometheusWriter,
        _ labels: (MetricsSums.Series) -> [PrometheusWriter.Label],
        _ value: (RequestCounts) -> Histogram
    ) {
        writer.family(name, .histogram, "An alias; see docs/metrics.md.")
        for series in metrics.series { writer.sample(labels(series), value(series.counts)) }
    }

    private static func cost(
        _ name: StaticString, _ metrics: MetricsSums, _ writer: inout PrometheusWriter,
        _ labels: (MetricsSums.Series) -> [PrometheusWriter.Label]
    ) {
        writer.family(name, .counter, "An alias; see docs/metrics.md.")
        for series in metrics.series {
            writer.sample(labels(series), billionths: series.counts.cost)
        }
    }

    static func writeLiteLLM(
        _ report: GatewayReport, _ metrics: MetricsSums, to writer: inout PrometheusWriter
    ) {
        func requested(_ series: MetricsSums.Series) -> [PrometheusWriter.Label] {
            [("requested_model", series.model), ("api_provider", series.provider)]
        }
        func model(_ series: MetricsSums.Series) -> [PrometheusWriter.Label] {
            [("model", series.model), ("api_provider", series.provider)]
        }
        func deployment(_ series: MetricsSums.Series) -> [PrometheusWriter.Label] {
            [("litellm_model_name", series.model), ("api_provider", series.provider)]
        }
        counter("litellm_proxy_total_requests_metric", metrics, &writer, requested) { $0.total }
        counter("litellm_proxy_failed_requests_metric", metrics, &writer, requested) { $0.failed }
        histogram("litellm_request_total_latency_metric", metrics, &writer, model) { $0.duration }
        histogram("litellm_llm_api_latency_metric", metrics, &writer, model) { $0.upstream }
        histogram("litellm_llm_api_time_to_first_token_metric", metrics, &writer, model) {
            $0.firstEvent
        }
        histogram("litellm_deployment_latency_per_output_token", metrics, &writer, deployment) {
            $0.perToken
        }
        writer.family(
            "litellm_overhead_latency_metric", .histogram, "An alias; see docs/metrics.md.")
        writer.sample([], metrics.overhead)
        counter("litellm_input_tokens_metric", metrics, &writer, model) { $0.inputTokens }
        counter("litellm_output_tokens_metric", metrics, &writer, model) { $0.outputTokens }
        counter("litellm_total_tokens_metric", metrics, &writer, model) {
            $0.inputTokens.addingReportingOverflow($0.outputTokens).partialValue
        }
        cost("litellm_spend_metric", metrics, &writer, model)
        writer.family("litellm_in_flight_requests", .gauge, "An alias; see docs/metrics.md.")
        writer.sample([], report.inFlight)
        guard !report.budgets.isEmpty else { return }
        writer.family(
            "litellm_remaining_api_key_budget_metric", .gauge, "An alias; see docs/metrics.md.")
        for budget in report.budgets {
            writer.sample(
                [("api_key_alias", budget.key)], billionths: max(budget.limit - budget.spent, 0))
        }
    }

    static func writeBifrost(
        _ report: GatewayReport, _ metrics: MetricsSums, to writer: inout PrometheusWriter
    ) {
        func labels(_ series: MetricsSums.Series) -> [PrometheusWriter.Label] {
            [("provider", series.provider), ("model", series.model)]
        }
        counter("bifrost_upstream_requests", metrics, &writer, labels) { $0.total }
        counter("bifrost_success_requests", metrics, &writer, labels) { $0.succeeded }
        counter("bifrost_error_requests", metrics, &writer, labels) { $0.failed }
        histogram("bifrost_upstream_latency_seconds", metrics, &writer, labels) { $0.upstream }
        histogram("bifrost_stream_first_token_latency_seconds", metrics, &writer, labels) {
            $0.firstEvent
        }
        histogram("bifrost_stream_inter_token_latency_seconds", metrics, &writer, labels) {
            $0.perToken
        }
        writer.family(
            "bifrost_overhead_latency_microseconds", .histogram, "An alias; see docs/metrics.md.")
        writer.sample([], metrics.overhead, inMicroseconds: true)
        counter("bifrost_input_tokens", metrics, &writer, labels) { $0.inputTokens }
        counter("bifrost_output_tokens", metrics, &writer, labels) { $0.outputTokens }
        counter("bifrost_cache_read_input_tokens", metrics, &writer, labels) { $0.cachedTokens }
        cost("bifrost_cost", metrics, &writer, labels)
        writer.family("bifrost_active_requests", .gauge, "An alias; see docs/metrics.md.")
        writer.sample([], report.inFlight)
    }
}
