// ExportTarget.swift — where records of requests go, and in which form: made of the configuration, used
// by Admin's exporters.

import GatewayExchange
import GatewayModel
import GatewayTelemetry
import Reactor
import ReactorCore

/// One collector as one exporter sees it.
package struct ExportTarget {
    package enum Form: Sendable {
        /// Spans of OpenTelemetry.
        case spans
        /// Langfuse's generations, as spans or as events of its older API.
        case generations(LangfuseEncoder, LangfuseEncoder.Transport)
        /// Metrics of OpenTelemetry, each so often.
        case metrics(every: Duration)
    }

    /// `langfuse`, `otlp` or `otlp_metrics`: in logs and metrics.
    package var name: String
    package var form: Form
    package var origin: HTTPOrigin
    /// The head up to the length of the body: request line and fields. Holds credentials.
    package var head: Secret
    package var frame: ExportFrame
    /// Whether bodies are sent as gzip; the head says so.
    package var isCompressed = false
    package var limits: ExportLimits
    /// What to become where the older API does not exist any more.
    package var fallback: Way?

    /// How records are written and sent.
    package struct Way {
        package var form: Form
        package var head: Secret
        package var frame: ExportFrame
        package var isCompressed: Bool
    }

    /// Becomes what stands for it; false where nothing does.
    package mutating func fallBack() -> Bool {
        guard let way = fallback else { return false }
        form = way.form
        head = way.head
        frame = way.frame
        isCompressed = way.isCompressed
        fallback = nil
        return true
    }
}

/// Makes the targets of one configuration.
package struct ExportBuilder {
    private let configuration: ObservabilityConfiguration
    private let proxies: EnvironmentProxies
    private let environment: String
    private let resolver: Resolver
    private let version: String
    private let instance: String

    /// - Parameter instance: a name that no other worker has.
    package init(
        _ configuration: Configuration, resolver: Resolver, version: String, instance: String
    ) {
        self.configuration = configuration.observability
        proxies = configuration.proxies
        environment = configuration.environmentName
        self.resolver = resolver
        self.version = version
        self.instance = instance
    }

    /// What has to be kept of requests; nil where nobody asks.
    package static func policy(_ configuration: ObservabilityConfiguration) -> TracePolicy? {
        var policy = TracePolicy()
        if configuration.langfuse.isOn {
            let langfuse = configuration.langfuse
            // Every request is a trace there, whatever the client records elsewhere.
            policy.generations = TraceSampling(share: langfuse.sampleRate, followsClient: false)
            policy.keepsContent = langfuse.capturesContent
        }
        if configuration.otlp.isOn, configuration.otlp.tellsTraces {
            policy.spans = TraceSampling(share: configuration.otlp.sampleRate)
            policy.keepsMessages = configuration.otlp.capturesContent
        }
        policy.logsBodies = configuration.log.logsBodies
        return policy.isOn ? policy : nil
    }

    /// Reads what files are named.
    /// - Parameter tellsMetrics: whether this worker tells the numbers of all: one does.
    package func build(tellsMetrics: Bool = true) throws(SnapshotFailure) -> [ExportTarget] {
        var targets: [ExportTarget] = []
        if configuration.langfuse.isOn { targets.append(try langfuse()) }
        guard configuration.otlp.isOn else { return targets }
        if configuration.otlp.tellsTraces { targets.append(try spans()) }
        if tellsMetrics, configuration.otlp.tellsMetrics { targets.append(try metrics()) }
        return targets
    }

    // MARK: Langfuse

    private func langfuse() throws(SnapshotFailure) -> ExportTarget {
        let settings = configuration.langfuse
        guard let publicKey = settings.publicKey, let secretKey = settings.secretKey else {
            preconditionFailure("no keys")
        }
        let name = LangfuseEncoder.environment(settings.environment ?? environment)
        let encoder = LangfuseEncoder(environment: name, release: version)
        var resource = OTLPResource()
        resource.version = version
        resource.environment = name
        var credential = ByteBuffer()
        publicKey.withBytes { credential.append($0) }
        credential.append(ASCII.colon)
        secretKey.withBytes { credential.append($0) }
        var fields = ByteBuffer()
        fields.append("authorization: Basic " as StaticString)
        Base64.standard.encode(credential.slice, into: &fields)
        fields.append("\r\nx-langfuse-sdk-name: gateway\r\nx-langfuse-sdk-version: \(version)\r\n")
        fields.append("x-langfuse-public-key: ")
        publicKey.withBytes { fields.append($0) }
        fields.append("\r\n" as StaticString)
        let common = fields.array
        // Without the version what is sent shows up minutes later.
        let spans = ExportTarget.Way(
            form: .generations(encoder, .otlp),
            head: head(
                settings.baseURL, "/api/public/otel/v1/traces",
                common + Array("x-langfuse-ingestion-version: 4\r\n".utf8), settings.compression),
            frame: .spans(resource), isCompressed: settings.compression == .gzip)
        var target = ExportTarget(
            name: "langfuse", form: spans.form,
            origin: try origin(settings.baseURL, settings.caFile, settings.proxy, "langfuse"),
            head: spans.head, frame: spans.frame, isCompressed: spans.isCompressed,
            limits: limits(settings.flushInterval, settings.queueBytes))
        if settings.transport == .ingestion {
            target.form = .generations(encoder, .ingestion)
            // Nothing says that the older API reads gzip.
            target.head = head(settings.baseURL, "/api/public/ingestion", common, .none)
            target.frame = .events
            target.isCompressed = false
            target.fallback = spans
        }
        return target
    }

    // MARK: OpenTelemetry

    private var resource: OTLPResource {
        var resource = OTLPResource()
        resource.serviceName = configuration.otlp.serviceName
        resource.version = version
        resource.instance = instance
        resource.environment = environment
        return resource
    }

    private func spans() throws(SnapshotFailure) -> ExportTarget {
        let settings = configuration.otlp
        guard let url = settings.endpoint else { preconditionFailure("no endpoint") }
        return ExportTarget(
            name: "otlp", form: .spans,
            origin: try origin(url, settings.caFile, settings.proxy, "otlp"),
            head: head(url, "/v1/traces", fields(of: settings), settings.compression),
            frame: .spans(resource), isCompressed: settings.compression == .gzip,
            limits: limits(settings.flushInterval, settings.queueBytes))
    }

    private func metrics() throws(SnapshotFailure) -> ExportTarget {
        let settings = configuration.otlp
        guard let url = settings.endpoint else { preconditionFailure("no endpoint") }
        var limits = ExportLimits()
        // What comes later says all that came before: one is enough.
        limits.batchCountMax = 1
        limits.queueBytesMax = 0
        return ExportTarget(
            name: "otlp_metrics", form: .metrics(every: settings.metricsInterval),
            origin: try origin(url, settings.caFile, settings.proxy, "otlp"),
            head: head(url, "/v1/metrics", fields(of: settings), settings.compression),
            frame: .metrics(resource), isCompressed: settings.compression == .gzip,
            limits: limits)
    }

    private func fields(of settings: OTLPConfiguration) -> [UInt8] {
        var fields = ByteBuffer()
        for header in settings.headers {
            fields.append(header.name)
            fields.append(": " as StaticString)
            header.value.withBytes { fields.append($0) }
            fields.append("\r\n" as StaticString)
        }
        return fields.array
    }

    // MARK: Pieces

    private func limits(_ interval: Duration, _ queueBytes: Int) -> ExportLimits {
        var limits = ExportLimits()
        limits.interval = interval
        limits.queueBytesMax = queueBytes
        limits.batchBytesMax = min(limits.batchBytesMax, queueBytes)
        return limits
    }

    private func head(
        _ url: BaseURL, _ path: String, _ fields: [UInt8], _ compression: ExportCompression
    ) -> Secret {
        var head = ByteBuffer()
        head.append("POST \(url.pathPrefix)\(path) HTTP/1.1\r\nhost: \(url.authority)\r\n")
        head.append("user-agent: gateway/\(version)\r\ncontent-type: application/json\r\n")
        head.append("accept: application/json\r\naccept-encoding: identity\r\n" as StaticString)
        fields.withUnsafeBytes { head.append(ByteSlice($0)) }
        if compression == .gzip { head.append("content-encoding: gzip\r\n" as StaticString) }
        head.append("content-length: " as StaticString)
        return Secret(head.slice)
    }

    private func origin(
        _ url: BaseURL, _ caFile: String?, _ proxy: ProxyChoice, _ section: String
    ) throws(SnapshotFailure) -> HTTPOrigin {
        var pool = PoolLimits()
        // One batch is on its way at a time; the second connection is for the retry of a call.
        pool.openMax = 2
        pool.idleMax = 1
        pool.waitingMax = 2
        do throws(TLSSettingsFailure) {
            var settings = TLSClientSettings()
            settings.caFile = caFile
            return HTTPOrigin(
                resolver: resolver, host: url.host, port: url.port,
                tls: url.usesTLS ? try TLSContext(client: settings) : nil, limits: pool,
                connectTime: .seconds(10),
                proxy: proxy.proxy(
                    host: url.host, port: url.port, usesTLS: url.usesTLS, environment: proxies))
        } catch {
            throw SnapshotFailure(description: "observability.\(section): \(error)")
        }
    }
}
