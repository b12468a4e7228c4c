// Check.swift — `gateway check`: is the configuration good, and what does it come to?

import ArgumentParser
import GatewayConfig
import Reactor

/// `gateway check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the configuration and print what holds, secrets masked.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Print a JSON Schema of the configuration, for editors, and leave.")
    var schema = false

    func run() throws {
        if schema { return Output.text(ConfigurationJSONSchema.text()) }
        let configuration = try options.load()
        let loop = EventLoop()
        let builder = SnapshotBuilder(
            configuration, resolver: Resolver(loop), version: Gateway.version)
        do throws(SnapshotFailure) {
            let snapshot = try builder.build()
            _ = try builder.serverTLS()
            snapshot.close()
        } catch {
            Output.error(error.description)
            throw ExitCode(ExitStatus.configuration)
        }
        Output.line(EffectiveConfiguration.text(configuration))
    }
}
