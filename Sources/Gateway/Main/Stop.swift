// Stop.swift — `gateway stop`: an end to what serves in the background.

import ArgumentParser
import GatewayCommands
import GatewayConfig

/// `gateway stop`
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop what serves in the background; running requests may end.")

    @OptionGroup var files: BackgroundFiles
    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Cut running requests.")
    var now = false

    @Option(
        name: .long,
        help: "How long to wait. Default: shutdown_grace, drain_delay and ten seconds.")
    var timeout: TimeArgument?

    func run() throws {
        let background = try Background(options, files)
        let limit = timeout?.duration ?? background.stopTime
        let didRun = try background.stop(atOnce: now, within: limit)
        Output.line(didRun ? "gateway has stopped" : "gateway is not running")
    }
}
