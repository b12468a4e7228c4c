// SupervisorService.swift — what the supervisor does that is this program's own: it finds the
// configuration good before any worker sees it, lays out what they share, and keeps the log.

import ArgumentParser
import CUV
import GatewayAdmin
import GatewayCodec
import GatewayCommands
import GatewayConfig
import GatewayExchange
import Glibc
import Reactor
import ReactorCore

/// The process that starts the workers. It serves nobody itself.
final class SupervisorService {
    /// The code to leave with, once the loop has ended.
    private(set) var exitCode: Int32 = 0
    /// Told when it listens; nil where nobody asked for one.
    var pidFile: PIDFile?

    private let loop: EventLoop
    private let options: ConfigurationOptions
    private let log: LogSink
    private let descriptors: Int
    private var server = ServerConfiguration()
    private var workerCount = 1
    private var supervisor: Supervisor?
    private var shared: SharedState?
    private var budgets: BudgetKeeper?
    private var watch = FileWatch()
    private var watchTimer: LoopTimer?
    private static let watchInterval: Duration = .milliseconds(500)

    init(loop: EventLoop, options: ConfigurationOptions, log: LogSink, descriptors: Int) {
        self.loop = loop
        self.options = options
        self.log = log
        self.descriptors = descriptors
    }

    /// Validates, binds and starts the workers.
    func start() throws {
        let (configuration, payload) = try load()
        server = configuration.server
        guard let address = server.address else {
            throw SnapshotFailure(description: "server.host must be a numeric address")
        }
        workerCount = configuration.workerCount(cores: Int(uv_available_parallelism()))
        let segment = try SharedSegment(
            layout: SharedState.layout,
            wordCount: SharedState.wordCount(workerCount: workerCount))
        let shared = SharedState(segment, workerCount: workerCount, number: 0)
        shared.startSeconds = loop.secondsSince1970
        self.shared = shared
        var settings = SupervisorSettings(
            workerCount: workerCount, address: address, arguments: CommandLine.arguments,
            variable: Serve.workerVariable, segment: segment, payload: payload)
        settings.passedSignals = [SIGUSR1]
        log.level = configuration.observability.log.level
        log.format = configuration.observability.log.format
        log.tellChildren()
        settings.limits.grace = server.shutdownGrace + server.drainDelay
        let observability = configuration.observability
        if observability.langfuse.isOn || observability.otlp.isOn {
            settings.limits.grace += Exporters.finishTime
        }
        let supervisor = try Supervisor(loop, settings: settings, delegate: self)
        self.supervisor = supervisor
        // Before any worker lets a request in.
        let budgets = BudgetKeeper(loop, shared.limits) { [unowned(unsafe) self] event in
            BudgetLog.append(event, to: log, now: loop.wallClock)
        }
        self.budgets = budgets
        budgets.take(configuration.auth.keptBudgets, directory: configuration.stateDirectory)
        supervisor.start()
        if configuration.watchesFiles { startWatch() }
    }

    // MARK: Watching

    private func startWatch() {
        watchTimer = LoopTimer(loop) { [unowned(unsafe) self] in look() }
        look()
    }

    /// What would be loaded now, against what was: so a file that is new, gone or found elsewhere is
    /// a change too.
    private func look() {
        watchTimer?.set(loop.now + Self.watchInterval)
        let bundle = (try? options.gather()).map { ConfigurationBundle($0, named: []) }
        let digest = bundle.map { bundle in
            bundle.bytes.withUnsafeBytes { SHA256Digest(of: ByteSlice($0)) }
        }
        // As if somebody had sent it.
        if watch.looked(digest) { kill(getpid(), SIGHUP) }
    }

    /// What a start needs, or exits with what is wrong.
    private func load() throws -> (Configuration, [UInt8]) {
        do {
            let (loaded, bundle) = try ConfigurationBundle.load(try options.gather())
            for warning in loaded.warnings { Output.error("warning: \(warning)") }
            try Self.check(loaded.configuration)
            return (loaded.configuration, bundle.bytes)
        } catch let failure as SnapshotFailure {
            Output.error("gateway: \(failure)")
            throw ExitCode(1)
        } catch {
            Output.error(String(describing: error))
            throw ExitCode(78)
        }
    }

    /// Builds what a worker would build, and lets go of it.
    private static func check(_ configuration: Configuration) throws(SnapshotFailure) {
        let loop = EventLoop()
        let builder = SnapshotBuilder(
            configuration, resolver: Resolver(loop), version: Gateway.version)
        _ = try builder.serverTLS()
        try builder.build().close()
        let exports = ExportBuilder(
            configuration, resolver: Resolver(loop), version: Gateway.version, instance: "")
        for target in try exports.build() { target.origin.close() }
    }

    private func note(
        _ event: String, level: String = "info", fields: (inout JSONWriter) -> Void = { _ in }
    ) {
        EventLine.append(event, level: level, to: log, now: loop.wallClock, fields: fields)
    }
}

extension SupervisorService: SupervisorDelegate {
    func supervisorReloads() -> [UInt8]? {
        do {
            let (loaded, bundle) = try ConfigurationBundle.load(try options.gather())
            try Self.check(loaded.configuration)
            let next = loaded.configuration.server
            budgets?.take(
                loaded.configuration.auth.keptBudgets,
                directory: loaded.configuration.stateDirectory)
            let needsRestart =
                next.host != server.host || next.port != server.port
                || next.workers != server.workers
            note("reload") { json in
                for warning in loaded.warnings { json.field("warning", text: "\(warning)") }
                if needsRestart {
                    json.field(
                        "note", text: "server.host, port and workers change with a restart only")
                }
            }
            return bundle.bytes
        } catch {
            note("reload_refused", level: "error") { json in
                json.field("message", text: "\(error)")
            }
            return nil
        }
    }

    func supervisorClears(_ id: WorkerID) { shared?.clear(number: id.number) }

    func supervisorPasses(_ signal: Int32) {
        if !log.reopen() { note("log_not_reopened", level: "error") }
    }

    func supervisorEnded(code: Int32) {
        exitCode = code
        watchTimer?.cancel()
        watchTimer = nil
        budgets?.close()
        note("stopped") { $0.field("code", Int(code)) }
        log.close()
    }

    func supervisorReports(_ event: SupervisorEvent) {
        switch event {
        case .spawned(let id, let process):
            note("worker_started") { Self.write(id, process, &$0) }
        case .failed(let failure):
            note("supervisor_failure", level: "error") {
                $0.field("message", text: failure.description)
            }
        case .reloaded(let id, let process, let isTaken):
            note(isTaken ? "worker_reloaded" : "worker_refused_reload") {
                Self.write(id, process, &$0)
            }
        case .note(let note, let process): report(note, process ?? 0)
        }
    }

    private static func write(_ id: WorkerID, _ process: Int32, _ json: inout JSONWriter) {
        json.field("worker", id.place)
        json.field("pid", Int(process))
    }

    private func report(_ event: SupervisorMachine.Note, _ process: Int32) {
        switch event {
        case .ready(let id): note("worker_ready") { Self.write(id, process, &$0) }
        case .allReady: listening()
        case .leaving(let id): note("worker_leaving") { Self.write(id, process, &$0) }
        case .left(let id): note("worker_left") { Self.write(id, process, &$0) }
        case .crashed(let id, let code):
            note("worker_crashed", level: "error") { json in
                Self.write(id, process, &json)
                json.field("code", Int(code))
                if code > 128 { json.field("signal", Int(code) - 128) }
            }
        case .givenUp(let place, let wait):
            note("worker_given_up", level: "error") { json in
                json.field("worker", place)
                json.field("reason", text: "it crashed too often; its socket is closed for a while")
                json.field("wait_ms", Int(wait.nanoseconds / 1_000_000))
            }
        case .killed(let id, let whileStarting):
            note("worker_killed", level: "error") { json in
                Self.write(id, process, &json)
                json.field(
                    "reason",
                    text: whileStarting ? "it did not become ready" : "it did not leave in time")
            }
        case .rollBegan: note("roll")
        case .rollEnded: note("rolled")
        case .rollFailed(let place):
            note("roll_failed", level: "error") { json in
                json.field("worker", place)
                json.field("reason", text: "its replacement did not come up; the old one stays")
            }
        case .stopping(let atOnce):
            note("stopping") { $0.field("at_once", atOnce) }
        }
    }

    private func listening() {
        guard let bound = supervisor?.address else { return }
        do throws(PIDFileFailure) { try pidFile?.listening(at: server.url(at: bound)) } catch {
            note("supervisor_failure", level: "error") { $0.field("message", text: "\(error)") }
        }
        note("listening") { [server, workerCount, descriptors] json in
            json.field("url", text: server.url(at: bound))
            json.field("port", bound.port)
            json.field("version", text: Gateway.version)
            json.field("workers", workerCount)
            json.field("descriptors", descriptors)
        }
    }
}
