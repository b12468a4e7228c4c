// Check.swift — `gateway check`: is the configuration good, what does it come to, and do the providers
// let us in?

import ArgumentParser
import GatewayCommands
import GatewayConfig
import GatewayExchange
import Reactor
import ReactorCore

/// `gateway check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the configuration and print what holds, secrets masked.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(
        name: .long,
        help:
            "Try every provider's credentials: obtain its token, ask for its models. Costs nothing."
    )
    var probe = false

    @Option(name: .long, help: "With --probe: how long that may take.")
    var timeout = TimeArgument(.seconds(60))

    @Flag(name: .long, help: "Print a JSON Schema of the configuration, for editors, and leave.")
    var schema = false

    func run() throws {
        if schema { return Output.text(ConfigurationReferenceSchema.text()) }
        let configuration = try options.load()
        let results = try BuiltSnapshot.with(configuration) { snapshot, loop in
            probe ? ProviderProbe.run(snapshot, on: loop, within: timeout.duration) : []
        }
        guard probe else { return Output.line(EffectiveConfiguration.text(configuration)) }
        let width = results.map(\.provider.count).max() ?? 0
        for result in results {
            let word = Terminal.styled(
                result.isGood ? "ok    " : "failed", result.isGood ? .green : .red, on: 1)
            let room = String(repeating: " ", count: width - result.provider.count)
            Output.line("\(word)  \(result.provider)\(room)  \(result.text)")
        }
        if results.contains(where: { !$0.isGood }) { throw ExitCode(ExitStatus.failure) }
    }
}

/// A configuration's tables, for verbs that use them as a server would.
enum BuiltSnapshot {
    /// Runs `body` with the tables on a loop of their own, and closes them behind it. What cannot be
    /// built is told, and exits with 78.
    static func with<Result>(
        _ configuration: Configuration, _ body: (Snapshot, EventLoop) throws -> Result
    ) throws -> Result {
        let loop = EventLoop()
        let builder = SnapshotBuilder(
            configuration, resolver: Resolver(loop), version: Gateway.version,
            environment: ConfigurationOptions.environment())
        let snapshot: Snapshot
        do throws(SnapshotFailure) {
            snapshot = try builder.build()
            _ = try builder.serverTLS()
        } catch {
            Output.error(error.description)
            throw ExitCode(ExitStatus.configuration)
        }
        defer {
            snapshot.close()
            // What is being closed is let go of within a turn; an earlier stop ends the first run.
            loop.run()
            loop.run()
            withExtendedLifetime(snapshot) {}
        }
        return try body(snapshot, loop)
    }
}
