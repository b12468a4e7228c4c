// ConfigurationCheck.swift — what must hold of a configuration file for any bytes.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayConfig

/// A check of the loader; it answers what is wrong, or nil.
package enum ConfigurationCheck {
    /// A file is loaded, or its mistakes are told with their places; twice the same.
    package static func run(_ bytes: [UInt8]) -> String? {
        let first = words(bytes)
        if first.isEmpty { return "refused without a word" }
        return words(bytes) == first ? nil : "not the same twice"
    }

    private static func words(_ bytes: [UInt8]) -> [String] {
        var sources = ConfigurationSources()
        sources.file = ConfigurationDocument(name: "gateway.yaml", bytes: bytes)
        do throws(ConfigurationFailure) {
            let loaded = try sources.load()
            return ["loaded"] + loaded.warnings.map { "\($0)" }
        } catch {
            return error.problems.map(\.description)
        }
    }
}
