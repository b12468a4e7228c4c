// What the tests of this folder share: loading from text, and the repository's own files.

import GatewayConfig

/// Where this package lies.
let repository: String = {
    var components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    components.removeLast(3)
    return components.joined(separator: "/")
}()

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
}
