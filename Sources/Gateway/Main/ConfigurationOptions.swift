// ConfigurationOptions.swift — the flags that say where the configuration comes from, shared by the
// verbs that load one.

import ArgumentParser
import GatewayConfig
import Glibc

/// Where the configuration comes from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Configuration file. Default: GATEWAY_CONFIG, else the first gateway.yaml found.")
    var config: String?

    @Option(name: .long, help: "Address to listen on.")
    var host: String?

    @Option(name: .long, help: "Port to listen on; 0 takes a free one.")
    var port: Int?

    /// Loads everything, or prints what is wrong and exits with 78 (EX_CONFIG).
    func load() throws -> Configuration {
        do {
            let loaded = try gather().load()
            for warning in loaded.warnings { Output.error("warning: \(warning)") }
            return loaded.configuration
        } catch {
            Output.error(String(describing: error))
            throw ExitCode(78)
        }
    }

    /// Reads the files around the environment and the flags.
    func gather() throws(FileFailure) -> ConfigurationSources {
        try ConfigurationSources.gather(
            configFlag: config, environment: Self.environment(), commandLine: settings,
            programDirectory: Self.programDirectory())
    }

    /// What the flags say.
    var settings: [CommandLineSetting] {
        var settings: [CommandLineSetting] = []
        if let host {
            settings.append(CommandLineSetting(path: "server.host", text: host, flag: "--host"))
        }
        if let port {
            settings.append(
                CommandLineSetting(path: "server.port", text: String(port), flag: "--port"))
        }
        return settings
    }

    static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }

    private static func programDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
    }
}
