import GatewayConfig
import Testing

@Suite struct ConfigurationTests {
    @Test func loadsTheExample() throws {
        let loaded = try load(try Example.text(), Example.environment)
        let configuration = loaded.configuration
        #expect(loaded.warnings == [])
        #expect(configuration.auth.keys.map(\.name) == ["team-a", "team-b"])
        #expect(configuration.auth.keys[0].key?.withBytes(\.string) == "local-key")
        #expect(configuration.auth.keys[1].sha256?.first == 0x2b)
        #expect(configuration.auth.effectiveMode == .keys)
        #expect(configuration.providers.map(\.name) == ["openai", "local", "sim"])
        #expect(configuration.models.map(\.name) == ["gpt-4o", "fast", "careful", "llama*"])
        #expect(configuration.models[1].targets == [.init(provider: "openai", model: "gpt-4o-mini")])
        #expect(configuration.models[2].targets == [.init(provider: "openai", model: "o3")])
    }
}
