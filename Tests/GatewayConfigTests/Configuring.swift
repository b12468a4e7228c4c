// What the tests of this folder share: loading from text, and the repository's own files.

import GatewayConfig
import Glibc
import Testing

/// Where this package lies.
let repository: String = {
    var components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    components.removeLast(3)
    return components.joined(separator: "/")
}()

/// Holds a committed document to what is generated now. UPDATE_GOLDEN=1 rewrites it.
func expectUpToDate(_ document: String, _ text: String) throws {
    let path = repository + "/" + document
    if getenv("UPDATE_GOLDEN") != nil {
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }
    let committed = String(decoding: try ConfigurationFile.read(path), as: UTF8.self)
    #expect(committed == text, "run the tests with UPDATE_GOLDEN=1 and look at the difference")
}

/// Loads `text` as `gateway.yaml` under the given variables.
func load(
    _ text: String, _ environment: [String: String] = [:], _ commandLine: [CommandLineSetting] = []
) throws(ConfigurationFailure) -> LoadedConfiguration {
    var sources = ConfigurationSources()
    sources.file = ConfigurationDocument(name: "gateway.yaml", bytes: Array(text.utf8))
    sources.environment = environment
    sources.commandLine = commandLine
    return try sources.load()
}

/// Loads `environment` alone, with every type of provider taken to be served, beside a `config.json`
/// of an earlier gateway.
func loadServingAll(
    _ environment: [String: String], config json: String? = nil
) throws(ConfigurationFailure) -> LoadedConfiguration {
    var sources = ConfigurationSources()
    sources.environment = environment
    sources.searchedDirectories = [".", "..", "/opt/gateway"]
    sources.salesforceFile = json.map {
        ConfigurationDocument(name: "../config.json", bytes: Array($0.utf8))
    }
    return try sources.load()
}

/// What `body` finds wrong, line by line; empty if nothing is.
func problems(
    in body: () throws(ConfigurationFailure) -> LoadedConfiguration
) -> [String] {
    do throws(ConfigurationFailure) {
        _ = try body()
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// What is wrong with `text`, line by line; empty if nothing is.
func problems(
    _ text: String, _ environment: [String: String] = [:], _ commandLine: [CommandLineSetting] = []
) -> [String] {
    do throws(ConfigurationFailure) {
        _ = try load(text, environment, commandLine)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// The example at the top of the repository, and what it needs to load.
enum Example {
    static let environment = ["LOCAL_API_KEY": "local-key", "OPENAI_API_KEY": "upstream-key"]

    static func text() throws -> String {
        let bytes = try ConfigurationFile.read(repository + "/gateway.example.yaml")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// With the providers that are shown as comments switched on. Sentences, which end with a full
    /// stop, stay comments.
    static func withAllProviders() throws -> String {
        try text().split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.hasPrefix("  # "), !line.hasSuffix("."), line.contains(": ") else {
                return String(line)
            }
            return line.hasPrefix("  # tls") ? String(line) : "  " + line.dropFirst(4)
        }.joined(separator: "\n")
    }
}
