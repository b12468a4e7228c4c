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

    /// A bare name is looked for where files are, and stays as it is where there is none.
    @Test func aBareNameIsLookedFor() {
        for existing in ["config.json", "../config.json", "/opt/gateway/config.json"] {
            #expect(path(flag: "config.json", existing: [existing]) == existing)
            #expect(path(variable: "config.json", existing: [existing]) == existing)
        }
        #expect(path(flag: "config.json", existing: []) == "config.json")
        #expect(path(flag: "x/y.json", existing: ["../x/y.json"]) == "../x/y.json")
        for name in ["./config.json", "../config.json", "/etc/config.json"] {
            #expect(path(flag: name, existing: ["config.json", "../../config.json"]) == name)
        }
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
