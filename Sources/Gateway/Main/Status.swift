// Status.swift — `gateway status`: is it there, since when, how is it?

import ArgumentParser
import GatewayCommands

/// `gateway status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell whether a gateway serves in the background, and how it is.",
        discussion: """
            Exits with 0 if it runs and is healthy, 1 if it is dead and left its PID file, 3 if it \
            does not run, 4 if it runs and is not healthy.
            """)

    @OptionGroup var files: BackgroundFiles
    @OptionGroup var options: ConfigurationOptions

    @Flag(
        name: .long,
        help:
            "Ask where the configuration says that it listens, without a PID file: for containers.")
    var probe = false

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() throws {
        let background = try Background(options, files)
        let status = try probe ? background.probe() : background.status()
        if json {
            Output.json { status.write(&$0) }
        } else {
            let style: Terminal.Style = status.isHealthy ? .green : .red
            let lines = status.text.split(separator: "\n", maxSplits: 1)
            Output.line(Terminal.styled(String(lines[0]), style, on: 1))
            if lines.count > 1 { Output.line(String(lines[1])) }
        }
        if status.exitCode != 0 { throw ExitCode(status.exitCode) }
    }
}
