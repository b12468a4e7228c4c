// Service.swift — one worker's loop: listener, exchanges, log. Runs under a supervisor, or alone.

import CUV
import GatewayAdmin
import GatewayCodec
import GatewayConfig
import GatewayExchange
import Glibc
import Reactor
import ReactorCore

/// Where a service listens.
enum ServiceListener {
    /// On an address of its own.
    case address
    /// On a socket that the supervisor has bound.
    case inherited(Int32)
}

/// A running gateway: one loop, one listener.
final class Service {
    /// How long idle clients of a worker that is replaced may bring one more request.
    private static let idleGrace: Duration = .seconds(5)

    private let loop: EventLoop
    private var configuration: Configuration
    private let resolver: Resolver
    private let worker: Worker
    private let admin: AdminEndpoints
    /// Where records of requests are sent.
    private var exporters: Exporters
    /// Those of earlier configurations, until what they hold has gone.
    private var retiredExporters: [ObjectIdentifier: Exporters] = [:]
    private let server: HTTPServer
    private let descriptors: Int
    private let options: ConfigurationOptions
    private var watchers: [SignalWatcher] = []
    private var trimmer: MemoryTrimmer?
    private var delay: LoopTimer?
    /// The line to the supervisor, if there is one.
    private var link: WorkerLink?
    /// Where there is no supervisor to have it.
    private var budgets: BudgetKeeper?

    init(
        loop: EventLoop, configuration: Configuration, options: ConfigurationOptions, log: LogSink,
        descriptors: Int, shared: SharedState
    ) throws(SnapshotFailure) {
        self.loop = loop
        self.configuration = configuration
        self.options = options
        self.descriptors = descriptors
        resolver = Resolver(loop)
        let builder = Self.builder(configuration, resolver, log)
        let worker = Worker(
            loop: loop, snapshot: try builder.build(), log: log,
            logFormat: configuration.observability.log.format, shared: shared)
        self.worker = worker
        log.level = configuration.observability.log.level
        log.format = configuration.observability.log.format
        admin = AdminEndpoints(worker: worker, version: Gateway.version)
        worker.admin = admin
        exporters = try Self.exporters(configuration, resolver, worker, admin)
        admin.exporters = exporters
        worker.send(tracesTo: exporters)
        var settings = HTTPServerSettings(makeHandler: { worker.takeExchange() })
        settings.tls = try builder.serverTLS()
        settings.limits = configuration.server.limits
        // Every client may need a connection to an upstream, and the process some for itself.
        settings.limits.connectionCountMax = min(
            settings.limits.connectionCountMax, max(descriptors - 64, 16))
        // What the server answers by itself, in the OpenAI dialect, with a line in the log.
        settings.refusalBody = { worker.refuse($0, fields: &$1, body: &$2) }
        server = HTTPServer(loop, settings: settings)
        admin.clients = server
    }

    private static func builder(
        _ configuration: Configuration, _ resolver: Resolver, _ log: LogSink
    ) -> SnapshotBuilder {
        SnapshotBuilder(
            configuration, resolver: resolver, version: Gateway.version,
            environment: ConfigurationOptions.environment(),
            sharesLists: configuration.workerCount(cores: Int(uv_available_parallelism())) > 1,
            onTokenEvent: { provider, event in ProviderLog.append(event, of: provider, to: log) },
            onListFailure: { provider, failure in
                ProviderLog.append(failure, of: provider, to: log)
            })
    }

    private static func exporters(
        _ configuration: Configuration, _ resolver: Resolver, _ worker: Worker,
        _ admin: AdminEndpoints
    ) throws(SnapshotFailure) -> Exporters {
        let targets = try ExportBuilder(
            configuration, resolver: resolver, version: Gateway.version,
            instance: "\(configuration.server.host):\(configuration.server.port)"
        ).build(tellsMetrics: worker.shared.isFirstPlace)
        return Exporters(
            worker: worker, targets: targets,
            report: { [unowned(unsafe) admin] in admin.report() },
            tell: { [unowned(unsafe) worker] name, event in
                ExportLog.append(event, of: name, to: worker.log, now: worker.loop.wallClock)
            })
    }

    /// Listens. Without a supervisor it says so in the log and minds every signal itself.
    func start(on listener: ServiceListener) throws {
        admin.start()
        watch(SIGUSR1) { $0.reopenLog() }
        trimmer = MemoryTrimmer(loop) { [unowned(unsafe) server] in server.closedCount }
        switch listener {
        case .inherited(let descriptor):
            try server.listen(inherited: descriptor)
            let link = WorkerLink(loop, delegate: self)
            self.link = link
            // A terminal signals the whole group: the supervisor decides, once, for all.
            for number in [SIGINT, SIGHUP, SIGUSR2] { signal(number, SIG_IGN) }
            watch(SIGTERM) { $0.leaveUnasked() }
            link.ready()
        case .address:
            guard let address = configuration.server.address else {
                throw SnapshotFailure(description: "server.host must be a numeric address")
            }
            let bound = try server.listen(on: address)
            let budgets = BudgetKeeper(loop, worker.shared.limits) { [unowned(unsafe) self] event in
                BudgetLog.append(event, to: worker.log, now: loop.wallClock)
            }
            self.budgets = budgets
            budgets.take(configuration.auth.keptBudgets, directory: configuration.stateDirectory)
            for number in [SIGTERM, SIGINT] { watch(number) { $0.stop() } }
            watch(SIGHUP) { $0.reload() }
            note("listening") { [configuration, descriptors] json in
                json.field("url", text: configuration.server.url(at: bound))
                json.field("port", bound.port)
                json.field("version", text: Gateway.version)
                json.field("descriptors", descriptors)
            }
        }
    }

    private func watch(_ number: Int32, _ action: @escaping (Service) -> Void) {
        watchers.append(SignalWatcher(loop, number: number) { [unowned self] in action(self) })
    }

    private func note(
        _ event: String, level: String = "info", fields: (inout JSONWriter) -> Void = { _ in }
    ) {
        EventLine.append(
            event, level: level, to: worker.log, now: loop.wallClock, fields: fields)
    }

    /// Somebody has moved the log away.
    private func reopenLog() {
        guard !worker.log.reopen() else { return }
        note("log_not_reopened", level: "error")
    }

    // MARK: Leaving

    /// Lets running requests end, then ends the loop. A later call may only be more urgent.
    private func leave(_ manner: LeaveManner) {
        let grace = configuration.server.shutdownGrace
        let wait = configuration.server.drainDelay
        let isFirst = !worker.isDraining
        // Readiness says no from now on.
        worker.isDraining = true
        switch manner {
        case .replaced:
            if isFirst { drain(grace: grace, idleGrace: min(Self.idleGrace, grace)) }
        case .stopped:
            guard isFirst, wait > .zero else { return drain(grace: grace, idleGrace: .zero) }
            delay = LoopTimer(loop) { [unowned self] in drain(grace: grace, idleGrace: .zero) }
            delay?.set(loop.now + wait)
        case .atOnce: drain(grace: .zero, idleGrace: .zero)
        }
    }

    private func drain(grace: Duration, idleGrace: Duration) {
        delay?.cancel()
        server.drain(grace: grace, idleGrace: idleGrace) { [unowned self] in
            worker.stopDetached()
            trimmer?.close()
            admin.close()
            // A supervisor that has been told to end at once does not wait long.
            let time: Duration = grace > .zero ? Exporters.finishTime : .seconds(1)
            exporters.finish(within: time) { [unowned self] in close() }
        }
    }

    /// The last of it: nothing keeps the loop any more.
    private func close() {
        for exporters in retiredExporters.values { exporters.abandon() }
        admin.publish()
        worker.closeSnapshots()
        budgets?.close()
        worker.log.close()
        link?.close()
        link = nil
        watchers.forEach { $0.close() }
        watchers = []
    }

    /// Without a supervisor: a second signal does not wait.
    private func stop() { leave(worker.isDraining ? .atOnce : .stopped) }

    /// Somebody has signalled this worker alone: the supervisor gets another one.
    private func leaveUnasked() {
        guard !worker.isDraining else { return }
        link?.leaving()
        leave(.replaced)
    }

    // MARK: Reload

    /// Without a supervisor: reads the files anew.
    private func reload() {
        do {
            try take(try options.gather().load().configuration)
            note("reloaded")
        } catch {
            note("reload_refused", level: "error") { $0.field("message", text: "\(error)") }
        }
    }

    /// Serves new requests by another configuration.
    private func take(_ next: Configuration) throws(SnapshotFailure) {
        let builder = Self.builder(next, resolver, worker.log)
        let tls = try builder.serverTLS()
        let snapshot = try builder.build()
        let exporters = try Self.exporters(next, resolver, worker, admin)
        worker.replaceSnapshot(by: snapshot)
        replace(exporters: exporters)
        worker.logFormat = next.observability.log.format
        worker.log.format = next.observability.log.format
        worker.log.level = next.observability.log.level
        // A listener does not change between plain HTTP and TLS under its clients.
        if let tls, configuration.server.tls != nil { server.replace(tls: tls) }
        configuration = next
        budgets?.take(next.auth.keptBudgets, directory: next.stateDirectory)
    }

    /// The old ones send what they hold, and no more comes to them.
    private func replace(exporters next: Exporters) {
        let old = exporters
        let id = ObjectIdentifier(old)
        retiredExporters[id] = old
        exporters = next
        admin.exporters = next
        worker.send(tracesTo: next)
        old.finish(within: Exporters.finishTime) { [weak self] in
            self?.retiredExporters[id] = nil
        }
    }
}

extension Service: WorkerLinkDelegate {
    func workerShouldLeave(_ manner: LeaveManner) { leave(manner) }

    func workerShouldReload(_ payload: ByteSlice) -> Bool {
        do {
            let bundle = try ConfigurationBundle(payload)
            let sources = bundle.sources(
                environment: ConfigurationOptions.environment(), commandLine: options.settings)
            try take(try sources.load().configuration)
            return true
        } catch {
            note("reload_refused", level: "error") { $0.field("message", text: "\(error)") }
            return false
        }
    }

    func supervisorLost() {
        link = nil
        guard !worker.isDraining else { return }
        note("supervisor_lost", level: "error")
        leave(.stopped)
    }
}

extension ServerConfiguration {
    /// Where to listen; nil if `host` is a name.
    var address: SocketAddress? { SocketAddress(host: host, port: port) }

    func url(at bound: SocketAddress) -> String { "\(tls == nil ? "http" : "https")://\(bound)" }
}
