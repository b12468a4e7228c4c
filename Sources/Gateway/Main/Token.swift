// Token.swift — `gateway token`: the access tokens of providers that are entered with one, never the
// token itself.

import ArgumentParser
import GatewayCodec
import GatewayCommands
import GatewayConfig
import GatewayExchange
import Reactor
import ReactorCore

/// `gateway token`
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the state of providers' access tokens, or obtain new ones.",
        discussion: """
            Reads the files that a running gateway shares; with --refresh, logs in anew and writes \
            them. No token is ever shown.
            """)

    @Argument(help: "Providers; all that need a token if left out.")
    var providers: [String] = []

    @Flag(name: .long, help: "Obtain a new token, whatever the state of the old one.")
    var refresh = false

    @Option(name: .long, help: "With --refresh: how long that may take.")
    var timeout = TimeArgument(.seconds(60))

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.load()
        let reports = try BuiltSnapshot.with(configuration) { snapshot, loop in
            try report(try sources(of: snapshot), on: loop)
        }
        if json {
            Output.json { json in
                json.beginArray()
                for report in reports { report.write(&json) }
                json.endArray()
            }
        } else if reports.isEmpty {
            Output.line("no provider needs a token")
        } else {
            for report in reports { Output.line(report.text) }
        }
        if refresh, reports.contains(where: { $0.failure != nil }) {
            throw ExitCode(ExitStatus.failure)
        }
    }

    private func sources(of snapshot: Snapshot) throws -> [TokenSource] {
        let all = snapshot.upstreams.compactMap(\.tokens)
        for name in providers where !all.contains(where: { $0.name == name }) {
            let known = all.map(\.name).joined(separator: ", ")
            throw ValidationError(
                "'\(name)' needs no token or is not configured"
                    + (known.isEmpty ? "" : "; there are: \(known)"))
        }
        return providers.isEmpty ? all : all.filter { providers.contains($0.name) }
    }

    private func report(_ sources: [TokenSource], on loop: EventLoop) throws -> [TokenReport] {
        guard refresh else {
            return sources.map {
                TokenReport(provider: $0.name, token: $0.stored(), now: loop.secondsSince1970)
            }
        }
        return TokenRefresh.run(sources, on: loop, within: timeout.duration)
    }
}
