// ObservabilityConfiguration.swift — what is written down about the traffic, and to whom it is told, as
// values with their defaults.

import GatewayModel
import GatewayTelemetry
import ReactorCore

/// What is written down about the traffic.
package struct ObservabilityConfiguration: Equatable, Sendable {
    package var log = LogConfiguration()
    /// Whether what requests come to is counted.
    package var countsRequests = true
    /// Names of metrics that are told beside our own.
    package var prometheusAliases = PrometheusAliases.none
    /// Whether `/debug/token` exists.
    package var debugToken = false
    /// Prices that go before the built-in ones, in the file's order.
    package var prices: [PriceRow] = []
    package var langfuse = LangfuseConfiguration()
    package var otlp = OTLPConfiguration()

    package init() {}
}

/// The log on standard output.
package struct LogConfiguration: Equatable, Sendable {
    package var format = LogFormat.json
    package var level = LogLevel.info
    /// Whether every request has a line.
    package var logsRequests = true
    /// Whether prompts and answers are written out.
    package var logsBodies = false
    /// Whether it is told what answers of Salesforce are made of.
    package var tellsExtraction = false

    package init() {}
}

/// How bodies are packed that are sent to a collector.
package enum ExportCompression: String, CaseIterable, Sendable {
    case none
    case gzip
}

/// A trace and a generation at Langfuse for every request.
package struct LangfuseConfiguration: Equatable, Sendable {
    /// It is on where both keys are there.
    package var publicKey: Secret?
    package var secretKey: Secret?
    package var baseURL = BaseURL(host: "cloud.langfuse.com")
    package var caFile: String?
    package var proxy = ProxyChoice.environment
    package var compression = ExportCompression.none
    package var transport = LangfuseEncoder.Transport.otlp
    /// Nil: by the variable `ENVIRONMENT`.
    package var environment: String?
    package var flushInterval: Duration = .seconds(1)
    package var queueBytes = 8 * 1024 * 1024
    package var sampleRate = 1.0
    /// Whether prompts and answers are told.
    package var capturesContent = true

    package init() {}

    package var isOn: Bool { publicKey != nil && secretKey != nil }
}

/// Traces and metrics by OpenTelemetry's protocol.
package struct OTLPConfiguration: Equatable, Sendable {
    /// Nil: off.
    package var endpoint: BaseURL?
    package var headers: [HeaderConfiguration] = []
    package var caFile: String?
    package var proxy = ProxyChoice.environment
    package var compression = ExportCompression.none
    package var serviceName = "gateway"
    package var tellsTraces = true
    package var tellsMetrics = true
    package var metricsInterval: Duration = .seconds(60)
    package var flushInterval: Duration = .seconds(1)
    package var queueBytes = 8 * 1024 * 1024
    package var sampleRate = 1.0
    package var capturesContent = false

    package init() {}

    package var isOn: Bool { endpoint != nil }
}
