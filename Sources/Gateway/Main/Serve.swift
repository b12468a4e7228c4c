// Serve.swift — `gateway serve`: wires the floors together and runs the loop.

import ArgumentParser
import CUV
import GatewayAdmin
import GatewayConfig
import GatewayDoors
import GatewayExchange
import GatewayModel
import GatewayTelemetry
import Glibc
import Reactor
import ReactorCore

/// `gateway serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve clients.",
        discussion: "Without any configuration the built-in simulator answers.")

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.load()
        let descriptors = DescriptorLimit.raise()
        let loop = EventLoop()
        let log = LogSink(loop, descriptor: 1)
        let builder = SnapshotBuilder(
            configuration, resolver: Resolver(loop), version: Gateway.version,
            environment: ConfigurationOptions.environment(),
            onTokenEvent: { provider, event in TokenLog.append(event, of: provider, to: log) })
        let service: Service
        do {
            service = Service(
                loop: loop, configuration: configuration, snapshot: try builder.build(), log: log,
                tls: try builder.serverTLS(), descriptors: descriptors)
            try service.start()
        } catch {
            Output.error("gateway: \(error)")
            throw ExitCode(1)
        }
        withExtendedLifetime(service) { loop.run() }
    }
}

/// A running gateway: one loop, one listener.
final class Service {
    private let loop: EventLoop
    private let configuration: Configuration
    private let worker: Worker
    private let admin: AdminEndpoints
    private let server: HTTPServer
    private let descriptors: Int
    private var watchers: [SignalWatcher] = []
    private var trimmer: MemoryTrimmer?
    private var isStopping = false

    init(
        loop: EventLoop, configuration: Configuration, snapshot: Snapshot, log: LogSink,
        tls: TLSContext?, descriptors: Int
    ) {
        self.loop = loop
        self.configuration = configuration
        self.descriptors = descriptors
        let worker = Worker(
            loop: loop, snapshot: snapshot, log: log,
            logFormat: configuration.observability.log.format)
        self.worker = worker
        admin = AdminEndpoints(worker: worker, version: Gateway.version)
        worker.admin = admin
        var settings = HTTPServerSettings(makeHandler: { Exchange(worker: worker) })
        settings.tls = tls
        settings.limits = configuration.server.limits
        // Every client may need a connection to an upstream, and the process some for itself.
        settings.limits.connectionCountMax = min(
            settings.limits.connectionCountMax, max(descriptors - 64, 16))
        settings.refusalBody = { Self.writeRefusal($0, worker: worker, &$1, &$2) }
        server = HTTPServer(loop, settings: settings)
    }

    func start() throws {
        guard
            let address = SocketAddress(
                host: configuration.server.host, port: configuration.server.port)
        else { throw SnapshotFailure(description: "server.host must be a numeric address") }
        let bound = try server.listen(on: address)
        admin.start()
        trimmer = MemoryTrimmer(loop) { [unowned(unsafe) server] in server.closedCount }
        for number in [SIGTERM, SIGINT] {
            watchers.append(SignalWatcher(loop, number: number) { [unowned self] in stop() })
        }
        let scheme = configuration.server.tls == nil ? "http" : "https"
        worker.log.append { line in
            line.writeJSON { json in
                json.beginObject()
                json.field("level", text: "info")
                json.field("event", text: "listening")
                json.field("url", text: "\(scheme)://\(bound)")
                json.field("port", bound.port)
                json.field("version", text: Gateway.version)
                json.field("descriptors", descriptors)
                json.endObject()
            }
            line.append(ASCII.lf)
        }
        worker.log.flush()
    }

    /// Lets running requests end, then ends the loop. A second signal does not wait.
    private func stop() {
        let grace: Duration = isStopping ? .zero : configuration.server.shutdownGrace
        isStopping = true
        worker.isDraining = true
        server.drain(grace: grace) { [unowned self] in
            worker.stopDetached()
            trimmer?.close()
            admin.close()
            worker.snapshot.close()
            worker.log.close()
            watchers.forEach { $0.close() }
            watchers = []
        }
    }

    /// What the server answers by itself, in the OpenAI dialect, with a line in the log.
    private static func writeRefusal(
        _ refusal: HTTPServerRefusal, worker: Worker, _ fields: inout ByteBuffer,
        _ body: inout ByteBuffer
    ) {
        worker.refuse(refusal, fields: &fields, body: &body)
    }
}

/// The number of files that the process may open.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one and returns it.
    static func raise() -> Int {
        var limit = rlimit()
        guard cuv_get_descriptor_limit(&limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        _ = cuv_set_descriptor_limit(&limit)
        _ = cuv_get_descriptor_limit(&limit)
        return Int(clamping: limit.rlim_cur)
    }
}
