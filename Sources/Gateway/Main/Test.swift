// Test.swift — `gateway test`: a short benchmark of the gateway that runs, as a check that it works.

import ArgumentParser
import GatewayCommands
import GatewayConfig
import ReactorCore

/// `gateway test`
struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the running gateway a few questions and measure the answers.",
        discussion: "Exits with 1 if one fails. `gateway bench` does this at length.")

    @Option(name: .shortAndLong, help: "The model. Default: the first that is listed.")
    var model: String?

    @Option(name: [.customShort("n"), .long], help: "Requests, unary and streamed.")
    var requests = 20

    @OptionGroup var server: ServerOptions
    @OptionGroup var files: BackgroundFiles
    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        var address = try server.address(options)
        if server.url == nil {
            let background = try Background(options, files)
            if case .running(let record) = try background.state(), record.url != nil {
                let key = address.key
                address = background.address(record)
                address.key = key
            }
        }
        guard let name = try model ?? Models.names(at: address).first else {
            throw ValidationError("no model is listed: name one with --model")
        }
        var plan = BenchPlan(model: name)
        plan.concurrency = 4
        plan.requestCount = requests
        plan.maxTokens = 16
        Output.line("\(address.url), model \(name)")
        let reports = try BenchConsole.run(plan, BenchMode.allCases, on: address)
        for report in reports { Output.text(report.text()) }
        let isGood = reports.allSatisfy { $0.tally.failed == 0 && $0.tally.succeeded > 0 }
        Output.line(
            Terminal.styled(isGood ? "it works" : "it does not work", isGood ? .green : .red, on: 1)
        )
        if !isGood { throw ExitCode(ExitStatus.failure) }
    }
}
