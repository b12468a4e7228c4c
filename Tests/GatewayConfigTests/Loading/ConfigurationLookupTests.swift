import GatewayConfig
import Testing

@Suite struct ConfigurationLookupTests {
    private func path(
        flag: String? = nil, variable: String? = nil, existing: Set<String>
    ) -> String? {
        ConfigurationLookup.path(
            flag: flag, variable: variable,
            directories: ConfigurationLookup.directories(programDirectory: "/opt/gateway"),
            exists: existing.contains)
    }

    @Test func aNamedFileIsUsedAsGiven() {
        #expect(path(flag: "a", variable: "b", existing: ["gateway.yaml"]) == "a")
        #expect(path(variable: "b", existing: ["gateway.yaml"]) == "b")
        #expect(path(variable: "", existing: ["gateway.yaml"]) == "gateway.yaml")
    }

    @Test func searchesDirectoriesFirstThenNames() {
        let order = [
            "gateway.yaml", "gateway.json", "config.json", "../gateway.yaml", "../gateway.json",
            "../config.json", "/opt/gateway/gateway.yaml", "/opt/gateway/gateway.json",
            "/opt/gateway/config.json",
        ]
        for index in order.indices {
            #expect(path(existing: Set(order[index...])) == order[index])
        }
        #expect(path(existing: []) == nil)
    }
}
