// Background.swift — what start, stop, restart, status and test share: finding the process, telling it
// to leave, waiting for it.

import ArgumentParser
import GatewayCommands
import GatewayConfig
import GatewayExchange
import Glibc
import Reactor
import ReactorCore

/// The gateway that runs in the background of this configuration.
struct Background {
    /// How often files and processes are looked at while something is awaited.
    private static let pollMicroseconds: UInt32 = 20_000

    let configuration: Configuration
    let options: ConfigurationOptions
    let paths: ServicePaths

    init(_ options: ConfigurationOptions, _ files: BackgroundFiles) throws {
        self.options = options
        configuration = try options.load()
        var paths = ServicePaths(configuration)
        if let file = files.pidFile { paths.pidFile = file }
        if let file = files.logFile { paths.logFile = file }
        self.paths = paths
    }

    /// Who runs, if somebody does.
    func state() throws -> PIDFile.State {
        do throws(PIDFileFailure) { return try PIDFile.look(paths.pidFile) } catch {
            throw Self.failed("\(error)")
        }
    }

    static func failed(_ message: String) -> ExitCode {
        Output.error("gateway: \(message)")
        return ExitCode(ExitStatus.failure)
    }

    // MARK: Starting

    /// Starts it and waits until it listens. Returns its record.
    func start(within limit: Duration) throws -> PIDRecord {
        if case .running(let record) = try state() {
            throw Self.failed("it runs already (process \(record.process))")
        }
        do throws(StateDirectoryFailure) { try paths.prepare() } catch {
            throw Self.failed(
                "\(error); service.pid_file and service.log_file say where the files lie")
        }
        let log = open(paths.logFile, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard log >= 0 else {
            throw Self.failed(
                "\(paths.logFile) cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(log) }
        let process: DetachedProcess
        do throws(SystemFailure) {
            process = try DetachedProcess(arguments: serveArguments(), output: log)
        } catch { throw Self.failed("\(error)") }
        return try awaitListening(process, within: limit)
    }

    /// The command line of the process in the background.
    private func serveArguments() -> [String] {
        // An upgrade runs what this name means then, wherever the process stands by that time.
        var name = CommandLine.arguments.first ?? "gateway"
        if name.contains("/"), !name.hasPrefix("/"), let folder = Self.currentDirectory() {
            name = "\(folder)/\(name)"
        }
        var arguments = [name, "serve", "--pid-file", paths.pidFile]
        if let config = options.config { arguments += ["--config", config] }
        if let host = options.host { arguments += ["--host", host] }
        if let port = options.port { arguments += ["--port", "\(port)"] }
        return arguments
    }

    private static func currentDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getcwd(&buffer, buffer.count) != nil else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func awaitListening(
        _ process: DetachedProcess, within limit: Duration
    ) throws -> PIDRecord {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while clock.now < deadline {
            if let code = process.exitCode() {
                throw Self.failed("it ended with code \(code); \(paths.logFile) says why")
            }
            if case .running(let record) = try state(), record.process == process.id,
                record.url != nil
            {
                return record
            }
            usleep(Self.pollMicroseconds)
        }
        kill(process.id, SIGTERM)
        throw Self.failed(
            "it does not listen after \(DurationText.text(limit)); \(paths.logFile) says why")
    }

    // MARK: Stopping

    /// How long a stop may take by the configuration, and some for the rest.
    var stopTime: Duration {
        configuration.server.shutdownGrace + configuration.server.drainDelay + .seconds(10)
    }

    /// Tells it to leave and waits until it has. False if nothing runs.
    func stop(atOnce: Bool, within limit: Duration) throws -> Bool {
        guard case .running(let record) = try state() else { return false }
        guard record.process > 0 else { throw Self.failed("it is just being started") }
        // The second signal does not wait for requests.
        for _ in 0..<(atOnce ? 2 : 1) {
            guard kill(record.process, SIGTERM) == 0 else {
                throw Self.failed(
                    "process \(record.process): \(String(cString: strerror(errno)))")
            }
            if atOnce { usleep(Self.pollMicroseconds * 5) }
        }
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while clock.now < deadline {
            guard case .running(let now) = try state(), now.process == record.process else {
                return true
            }
            usleep(Self.pollMicroseconds)
        }
        throw Self.failed(
            "process \(record.process) is still there after \(DurationText.text(limit))")
    }

    // MARK: Looking

    func status() throws -> ServiceStatus {
        switch try state() {
        case .none: return ServiceStatus(process: .notRunning, pidFile: paths.pidFile)
        case .stale(let record):
            var status = ServiceStatus(process: .dead, pidFile: paths.pidFile)
            status.id = record?.process
            return status
        case .running(let record):
            var status = ServiceStatus(process: .running, pidFile: paths.pidFile)
            if record.process > 0 {
                status.id = record.process
                status.uptimeSeconds = ProcessTable.uptime(of: record.process)
                status.workers = ProcessTable.children(of: record.process)
            }
            status.url = record.url
            if record.url != nil { try addHealth(&status, address(record)) }
            return status
        }
    }

    /// The state of whatever listens where the configuration says.
    func probe() throws -> ServiceStatus {
        var status = ServiceStatus(process: .running, pidFile: paths.pidFile)
        let address = APIAddress.own(configuration)
        status.url = address.root.url.description
        try addHealth(&status, address)
        return status
    }

    private func addHealth(_ status: inout ServiceStatus, _ address: APIAddress) throws {
        let outcome = try ServerOptions.withClient(address.root) {
            APIGet.run("/health", on: $0, within: .seconds(5))
        }
        switch outcome {
        case .answered(let code, let body): status.add(health: body, status: code)
        case .failed(let reason): status.health = reason
        }
    }

    /// Where it listens: the configuration may have changed, or have left the port open.
    func address(_ record: PIDRecord) -> APIAddress {
        var address = APIAddress.own(configuration)
        if let text = record.url, let listening = try? BaseURLText.parse(text) {
            address.url.usesTLS = listening.usesTLS
            address.url.port = listening.port
        }
        return address
    }
}

/// Flags for the files of a gateway in the background.
struct BackgroundFiles: ParsableArguments {
    @Option(name: .long, help: "PID file. Default: service.pid_file.")
    var pidFile: String?

    @Option(name: .long, help: "Log file. Default: service.log_file.")
    var logFile: String?
}
