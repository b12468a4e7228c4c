// Keys.swift — `gateway keys`: making, hashing and listing the keys of clients.

import ArgumentParser
import GatewayCommands
import GatewayConfig

/// `gateway keys`
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, hash and list the keys of clients.",
        subcommands: [New.self, Hash.self, List.self])

    /// `gateway keys new`
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key: print it, and what the configuration needs of it.",
            discussion: "The key is shown this once: the configuration has its hash alone.")

        @Argument(help: "The key's name, for logs.")
        var name = "client"

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        func run() {
            let key = NewKey.random()
            let hash = NewKey.hash(of: key)
            if json {
                return Output.json {
                    $0.beginObject()
                    $0.field("name", text: name)
                    $0.field("key", text: key)
                    $0.field("sha256", text: hash)
                    $0.endObject()
                }
            }
            Output.line(key)
            Output.error("\nauth:\n  keys:\n    - {name: \(name), sha256: \"\(hash)\"}")
        }
    }

    /// `gateway keys hash`
    struct Hash: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hash a key that is typed or piped in, for `sha256` in the configuration.")

        func run() throws {
            if Terminal.isOne(0) { Output.errorText("key: ") }
            let key = Terminal.readLine() ?? ""
            if let fault = NewKey.fault(in: key) {
                Output.error("gateway keys hash: \(fault)")
                throw ExitCode(ExitStatus.failure)
            }
            Output.line(NewKey.hash(of: key))
        }
    }

    /// `gateway keys list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the configuration's keys, without the keys.")

        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            let auth = try options.load().auth
            Output.line("mode: \(auth.effectiveMode.rawValue)")
            for key in auth.keys { Output.line(Self.line(key)) }
        }

        private static func line(_ key: KeyConfiguration) -> String {
            var parts = [key.name]
            if let digest = key.digest {
                parts.append("sha256 \(digest.description.prefix(12))...")
            }
            parts.append(
                key.models.isEmpty ? "all models" : key.models.joined(separator: ", "))
            if let limit = key.requestsPerMinute { parts.append("\(limit) requests/min") }
            if let limit = key.tokensPerMinute { parts.append("\(limit) tokens/min") }
            if let limit = key.concurrentMax { parts.append("\(limit) at once") }
            if key.isAdmin { parts.append("admin") }
            return "  " + parts.joined(separator: "; ")
        }
    }
}
