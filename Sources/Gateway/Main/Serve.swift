// Serve.swift — `gateway serve`: a supervisor and its workers, or one process for debuggers.

import ArgumentParser
import CUV
import GatewayCommands
import GatewayConfig
import GatewayExchange
import Glibc
import Reactor
import ReactorCore

/// `gateway serve`
struct Serve: ParsableCommand {
    /// The variable that makes this process a worker.
    static let workerVariable = "GATEWAY_WORKER"

    static let configuration = CommandConfiguration(
        abstract: "Serve clients.",
        discussion: "Without any configuration the built-in simulator answers.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(
        name: .long, inversion: .prefixedNo,
        help: "Serve from worker processes; without, from this one: for debuggers.")
    var supervisor = true

    @Option(
        name: .long,
        help: "Write the process id there, and the URL once it listens; held as long as it runs.")
    var pidFile: String?

    func run() throws {
        do {
            if let assignment = WorkerAssignment.take(variable: Self.workerVariable) {
                try work(assignment)
            } else if supervisor {
                try supervise()
            } else {
                try serveAlone()
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            Output.error("gateway: \(error)")
            throw ExitCode(1)
        }
    }

    /// As one of the supervisor's workers.
    private func work(_ assignment: WorkerAssignment) throws {
        // For ps and pgrep: the program was started under the name of a descriptor.
        _ = cuv_set_process_name("gateway")
        guard let payload = assignment.readPayload() else { return }
        let bundle = try payload.withUnsafeBytes { try ConfigurationBundle(ByteSlice($0)) }
        let configuration = try bundle.sources(
            environment: ConfigurationOptions.environment(), commandLine: options.settings
        ).load().configuration
        let segment = try SharedSegment(
            inherited: assignment.segmentDescriptor, layout: SharedState.layout)
        let shared = SharedState(
            segment, workerCount: assignment.workerCount, number: assignment.id.number)
        try serve(configuration, shared, on: .inherited(assignment.socketDescriptor))
    }

    private func serveAlone() throws {
        try serve(try options.load(), SharedState(), on: .address)
    }

    private func serve(
        _ configuration: Configuration, _ shared: SharedState, on listener: ServiceListener
    ) throws {
        let descriptors = DescriptorLimit.raise()
        let loop = EventLoop()
        let service = try Service(
            loop: loop, configuration: configuration, options: options,
            log: LogSink(loop, descriptor: 1), descriptors: descriptors, shared: shared)
        try service.start(on: listener)
        withExtendedLifetime(service) { loop.run() }
    }

    private func supervise() throws {
        let loop = EventLoop()
        let service = SupervisorService(
            loop: loop, options: options, log: LogSink(loop, descriptor: 1),
            descriptors: DescriptorLimit.raise())
        service.pidFile = try pidFile.map { (path) throws(PIDFileFailure) in
            try PIDFile(taking: path)
        }
        defer { service.pidFile?.remove() }
        try service.start()
        loop.run()
        if service.exitCode != 0 { throw ExitCode(service.exitCode) }
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
