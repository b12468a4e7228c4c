// ConfigurationSchema+Observability.swift — the keys of `observability`.

import GatewayCodec
import GatewayExchange
import GatewayModel
import GatewayTelemetry
import ReactorCore

extension ConfigurationSchema {
    static var observability: Section<ObservabilityConfiguration> {
        Section(
            ObservabilityConfiguration(),
            [
                Field("log", \.log, .section(log), "The log on standard output."),
                Field(
                    "metrics", \.countsRequests, .boolean,
                    "Whether it is counted what requests come to, by door, provider and model, with "
                        + "times and costs. Without it `/metrics` tells what a worker counts anyway."
                ),
                Field(
                    "prometheus_aliases", \.prometheusAliases,
                    .choice(PrometheusAliases.allCases),
                    "Tells metrics at `/metrics` under the names of another gateway too, for "
                        + "dashboards that know those."),
                Field(
                    "debug_token", \.debugToken, .boolean,
                    "Whether `GET /debug/token` tells the state of access tokens, never the tokens."
                ),
                Field(
                    "prices", \.prices, prices,
                    "What models cost, before the built-in table (docs/metrics.md)."),
                Field(
                    "langfuse", \.langfuse, .section(langfuse),
                    "A trace and a generation at Langfuse for every request; on where both keys "
                        + "are given (docs/operations.md)."),
                Field(
                    "otlp", \.otlp, .section(otlp),
                    "Traces and metrics by OpenTelemetry's protocol, OTLP/HTTP with JSON; on where "
                        + "there is an endpoint."),
            ])
    }

    private static var log: Section<LogConfiguration> {
        Section(
            LogConfiguration(),
            [
                Field(
                    "format", \.format, .choice([.json, .text]), variable: "LOG_FORMAT",
                    "How lines look."),
                Field(
                    "level", \.level, .choice(LogLevel.allCases),
                    variable: "LOG_LEVEL",
                    "The least important lines to write. A request's own line is `error` where its answer is "
                        + "5xx or breaks, `warning` for other errors, else `info`."),
                Field(
                    "requests", \.logsRequests, .boolean,
                    "Whether every request has a line of its own."),
                Field(
                    "bodies", \.logsBodies, .boolean,
                    "Whether prompts and answers are written out, the first 64 KiB of each, without "
                        + "the data of pictures and the gateway's own credentials."),
                Field(
                    "extraction", \.tellsExtraction, .boolean, variable: "SF_RESPONSE_DEBUG",
                    "Whether it is told of answers of Salesforce what they are made of: names and "
                        + "sizes, never what they say."),
            ])
    }

    /// The proxy in front of a collector.
    private static func proxy<Root>(_ path: WritableKeyPath<Root, ProxyChoice>) -> Field<Root> {
        Field(
            "proxy", path, proxy,
            "The proxy in front of it, as a provider's: a URL, `none`, or `auto` for what the "
                + "environment says.")
    }

    // MARK: Langfuse

    private static var interval: ValueKind<Duration> {
        .duration(.milliseconds(10) ... .seconds(300))
    }
    private static var queue: ValueKind<Int> { .size(65_536...1_073_741_824) }

    private static var langfuse: Section<LangfuseConfiguration> {
        Section(
            LangfuseConfiguration(),
            [
                Field(
                    "public_key", \.publicKey, .secret("a key"), variable: "LANGFUSE_PUBLIC_KEY",
                    "The project's public key, `pk-lf-...`."),
                Field(
                    "secret_key", \.secretKey, .secret("a key"), variable: "LANGFUSE_SECRET_KEY",
                    "The project's secret key, `sk-lf-...`."),
                Field(
                    "base_url", \.baseURL, .baseURL, variable: "LANGFUSE_BASE_URL",
                    "Where Langfuse is; `LANGFUSE_HOST` says the same."),
                Field(
                    "ca_file", \.caFile, .path,
                    "PEM file with the only authorities to trust; the system's if left out."),
                proxy(\.proxy),
                Field(
                    "compression", \.compression, .choice(ExportCompression.allCases),
                    "How bodies are packed; those of the older API never are."),
                Field(
                    "transport", \.transport, .choice(LangfuseEncoder.Transport.allCases),
                    "`otlp` is what Langfuse recommends; `ingestion` its older API, which newer "
                        + "servers do not have: the gateway then changes to `otlp` by itself."),
                Field(
                    "environment", \.environment,
                    .text("a name of letters, digits, `-` and `_`"),
                    variable: "LANGFUSE_TRACING_ENVIRONMENT",
                    "The environment that is told; left out, it is the variable `ENVIRONMENT`, else "
                        + "`default`."),
                Field(
                    "content", \.capturesContent, .boolean,
                    "Whether prompts and answers are told, the first 64 KiB of each, without the "
                        + "data of pictures."),
                Field(
                    "sample_rate", \.sampleRate, .number(0...1), variable: "LANGFUSE_SAMPLE_RATE",
                    "The share of requests that are told."),
                Field(
                    "flush_interval", \.flushInterval, interval,
                    "How long a record waits for others before it is sent."),
                Field(
                    "queue", \.queueBytes, queue,
                    "What may wait to be sent, per worker; above it the oldest is dropped and "
                        + "counted."),
            ],
            check: { langfuse, node, reader in
                guard (langfuse.publicKey == nil) != (langfuse.secretKey == nil) else { return }
                let missing = langfuse.publicKey == nil ? "public_key" : "secret_key"
                reader.note("the key '\(missing)' is missing", at: node.mark)
            })
    }

    // MARK: OpenTelemetry

    private static var otlp: Section<OTLPConfiguration> {
        Section(
            OTLPConfiguration(),
            [
                Field(
                    "endpoint", \.endpoint, .baseURL, variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "A collector's base URL, such as `http://127.0.0.1:4318`; `/v1/traces` and "
                        + "`/v1/metrics` are put behind it."),
                Field(
                    "headers", \.headers, collectorHeaders,
                    variable: "OTEL_EXPORTER_OTLP_HEADERS",
                    "Header fields to send with every request; in the variable `name=value`, with "
                        + "commas between. Values are treated as secrets."),
                Field(
                    "ca_file", \.caFile, .path,
                    variable: "OTEL_EXPORTER_OTLP_CERTIFICATE",
                    "PEM file with the only authorities to trust; the system's if left out."),
                proxy(\.proxy),
                Field(
                    "compression", \.compression, .choice(ExportCompression.allCases),
                    variable: "OTEL_EXPORTER_OTLP_COMPRESSION",
                    "How bodies are packed. `gzip` makes a tenth of them, for processor time on the "
                        + "worker's one thread."),
                Field(
                    "service_name", \.serviceName, .text("a name"), variable: "OTEL_SERVICE_NAME",
                    "The resource's `service.name`."),
                Field("traces", \.tellsTraces, .boolean, "Whether requests are told as spans."),
                Field(
                    "metrics", \.tellsMetrics, .boolean,
                    "Whether the numbers of `/metrics` are told."),
                Field(
                    "metrics_interval", \.metricsInterval,
                    .duration(.milliseconds(100) ... .seconds(86_400)), "How often."),
                Field(
                    "content", \.capturesContent, .boolean,
                    variable: "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
                    "Whether prompts and answers are told, as `gen_ai.input.messages` and "
                        + "`gen_ai.output.messages`."),
                Field(
                    "sample_rate", \.sampleRate, .number(0...1),
                    "The share of traces that are told, of those that begin here. Where the client "
                        + "sends a `traceparent`, its flag decides."),
                Field(
                    "flush_interval", \.flushInterval, interval,
                    "How long a span waits for others before it is sent."),
                Field(
                    "queue", \.queueBytes, queue,
                    "What may wait to be sent, per worker; above it the oldest is dropped and "
                        + "counted."),
            ])
    }

    /// A table, or the text of OpenTelemetry's variable: `name=value,name=value`, percent-encoded.
    private static var collectorHeaders: ValueKind<[HeaderConfiguration]> {
        let table = headers
        return ValueKind(
            shape: table.shape,
            read: { node, reader in
                guard case .scalar(let text, _) = node.content, !node.isNull else {
                    return table.read(node, &reader)
                }
                do throws(Refusal) {
                    return try HeaderList.parse(text)
                } catch {
                    // Not what it says: it may be a credential.
                    reader.note("the value \(error.reason)", at: node.mark)
                    return nil
                }
            },
            write: table.write)
    }
}
