// EarlierSwitchesTests.swift — variables of earlier gateways: on they change nothing, off they warn.

import Testing

@testable import GatewayConfig

@Suite struct EarlierSwitchesTests {
    private func load(_ environment: [String: String]) throws -> LoadedConfiguration {
        var sources = ConfigurationSources()
        sources.environment = environment
        return try sources.load()
    }

    @Test(arguments: EarlierSwitches.all.map(\.variable))
    func onTheyChangeNothing(variable: String) throws {
        let plain = try load([:])
        for value in ["1", "true", ""] {
            let loaded = try load([variable: value])
            #expect(loaded.warnings == [])
            #expect("\(loaded.configuration)" == "\(plain.configuration)")
        }
    }

    @Test(arguments: EarlierSwitches.all.map(\.variable))
    func offTheyWarnAndChangeNothing(variable: String) throws {
        let plain = try load([:])
        for value in ["0", "FALSE", "off"] {
            let loaded = try load([variable: value])
            #expect("\(loaded.configuration)" == "\(plain.configuration)")
            #expect(loaded.warnings.count == 1)
            #expect(
                loaded.warnings.first?.description.contains("\(variable) cannot be switched off")
                    == true)
        }
    }
}
