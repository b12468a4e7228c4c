// Start.swift — `gateway start` and `gateway restart`: serving in the background.

import ArgumentParser
import GatewayCommands
import GatewayConfig

/// `gateway start`
struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve in the background, with a PID file and a log file.")

    @OptionGroup var files: BackgroundFiles
    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: "How long it may take until it listens.")
    var timeout = TimeArgument(.seconds(30))

    func run() throws {
        let background = try Background(options, files)
        Self.tell(try background.start(within: timeout.duration), background)
    }

    static func tell(_ record: PIDRecord, _ background: Background) {
        Output.line(
            "gateway is running: process \(record.process), \(record.url ?? "?"), log "
                + background.paths.logFile)
    }
}

/// `gateway restart`
struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop what serves in the background, if anything does, and start it anew.",
        discussion: """
            Connections are refused in between. SIGHUP and SIGUSR2 reload the configuration and \
            upgrade the program without that.
            """)

    @OptionGroup var files: BackgroundFiles
    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: "How long it may take until it listens.")
    var timeout = TimeArgument(.seconds(30))

    func run() throws {
        let background = try Background(options, files)
        _ = try background.stop(atOnce: false, within: background.stopTime)
        Start.tell(try background.start(within: timeout.duration), background)
    }
}
