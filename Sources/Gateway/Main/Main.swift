// Main.swift — the command line: verbs and their flags. Each verb has a file of its own.

import ArgumentParser

@main
struct Gateway: ParsableCommand {
    /// The version that `--version`, logs and requests to providers tell.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "One OpenAI-compatible base URL in front of many model providers.",
        version: version,
        subcommands: [
            Serve.self, Check.self, Start.self, Stop.self, Restart.self, Status.self, Test.self,
            Models.self, Chat.self, Bench.self, Token.self, Keys.self, Simulate.self,
            Version.self,
        ],
        defaultSubcommand: Serve.self)
}

/// `gateway version`
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { Output.line("gateway \(Gateway.version)") }
}
