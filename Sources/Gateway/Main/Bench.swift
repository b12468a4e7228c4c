// Bench.swift — `gateway bench`: load against any OpenAI-compatible server.

import ArgumentParser
import GatewayCodec
import GatewayCommands
import GatewayConfig
import Glibc
import Reactor
import ReactorCore

/// `gateway bench`
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put load on an OpenAI-compatible server and measure it.",
        discussion: """
            Requests per second, tokens per second, and percentiles of the time to the first \
            token, between tokens, and in total. Exits with 1 if a request failed.
            """)

    enum Mode: String, CaseIterable, ExpressibleByArgument {
        case unary, stream, both

        var modes: [BenchMode] {
            switch self {
            case .unary: [.unary]
            case .stream: [.stream]
            case .both: [.unary, .stream]
            }
        }
    }

    @Option(name: .shortAndLong, help: "The model. Default: the first that the server lists.")
    var model: String?

    @Option(name: .long, help: "Answers in one piece, streamed, or one run of each.")
    var mode = Mode.both

    @Option(name: .shortAndLong, help: "Requests at once.")
    var concurrency = 8

    @Option(name: [.customShort("n"), .long], help: "Requests in each run. Default: 100.")
    var requests: Int?

    @Option(
        name: .shortAndLong,
        help: "Begin no more requests after so long, such as 30s; without --requests, only this.")
    var duration: TimeArgument?

    @Option(name: .long, help: "What is asked.")
    var prompt = "Write a sentence about the sea."

    @Option(name: .long, help: "Bound of each answer's tokens.")
    var maxTokens = 64

    @Option(name: .long, help: "For one request.")
    var timeout = TimeArgument(.seconds(120))

    @Flag(name: .long, help: "Print JSON in place of text.")
    var json = false

    @OptionGroup var server: ServerOptions
    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let address = try server.address(options)
        var name = model ?? ""
        if model == nil {
            guard let first = try Models.names(at: address).first else {
                throw ValidationError("the server lists no model: name one with --model")
            }
            name = first
        }
        var plan = BenchPlan(model: name)
        plan.prompt = prompt
        plan.maxTokens = maxTokens
        plan.concurrency = concurrency
        plan.requestCount = requests ?? (duration == nil ? 100 : nil)
        plan.duration = duration?.duration
        plan.timeout = timeout.duration
        let reports = try BenchConsole.run(plan, mode.modes, on: address)
        if json {
            Output.json { BenchConsole.write(reports, plan, address, &$0) }
        } else {
            for report in reports { Output.text(report.text()) }
        }
        if reports.contains(where: { $0.tally.failed > 0 || $0.tally.succeeded == 0 }) {
            throw ExitCode(ExitStatus.failure)
        }
    }
}

/// Runs plans and shows how far they are; for `bench` and `test`.
enum BenchConsole {
    private static let progressInterval: Duration = .milliseconds(200)

    /// One run after the other. Ctrl-C ends them early, with what there is by then.
    static func run(
        _ plan: BenchPlan, _ modes: [BenchMode], on address: APIAddress
    ) throws -> [BenchReport] {
        do throws(Refusal) { try plan.check() } catch { throw ValidationError(error.reason) }
        _ = DescriptorLimit.raise()
        return try ServerOptions.withClient(address, connectionCount: plan.clientCount) { client in
            var reports: [BenchReport] = []
            var isInterrupted = false
            for mode in modes where !isInterrupted {
                let run = BenchRun(client, plan, mode)
                let watcher = SignalWatcher(client.loop, number: SIGINT) {
                    isInterrupted = true
                    run.stop()
                }
                perform(run, on: client.loop)
                watcher.close()
                reports.append(report(of: run))
            }
            return reports
        }
    }

    private static func perform(_ run: BenchRun, on loop: EventLoop) {
        var timer: LoopTimer?
        if Terminal.isOne(2) {
            timer = LoopTimer(loop) { [unowned run] in
                progress(run)
                timer?.set(loop.now + progressInterval)
            }
            timer?.set(loop.now + progressInterval)
        }
        run.start { loop.stop() }
        loop.run()
        timer?.cancel()
        timer = nil
        if Terminal.isOne(2) { Output.errorText("\r\u{1B}[K") }
    }

    private static func progress(_ run: BenchRun) {
        let tally = run.tally
        let of = run.plan.requestCount.map { "/\($0)" } ?? ""
        let speed = run.seconds > 0 ? Double(tally.finished) / run.seconds : 0
        var line =
            "\(run.mode.rawValue): \(tally.finished)\(of) done, \(run.inFlight) in flight, "
            + "\(DecimalText.text(speed))/s, \(tally.failed) failed"
        if let median = tally.total.percentile(0.5) {
            line += ", median \(DecimalText.text(Double(median) / 1e6)) ms"
        }
        Output.errorText("\r\u{1B}[K" + line)
    }

    private static func report(of run: BenchRun) -> BenchReport {
        BenchReport(
            mode: run.mode, concurrency: run.plan.clientCount,
            seconds: Double(run.elapsed.nanoseconds) / 1e9, tally: run.tally)
    }

    static func write(
        _ reports: [BenchReport], _ plan: BenchPlan, _ address: APIAddress,
        _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.field("url", text: address.url.description)
        json.field("model", text: plan.model)
        json.field("max_tokens", plan.maxTokens)
        json.beginArray("runs")
        for report in reports { report.write(&json) }
        json.endArray()
        json.endObject()
    }
}
