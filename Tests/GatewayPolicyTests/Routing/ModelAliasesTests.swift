import GatewayPolicy
import ReactorCore
import Testing

@Suite struct ModelAliasesTests {
    @Test func findsTheProvidersName() {
        let aliases = ModelAliases([("a", "one"), ("b", "two")])
        func name(_ alias: String) -> String? { alias.withByteSlice { aliases[$0] } }
        #expect(name("a") == "one")
        #expect(name("b") == "two")
        #expect(name("one") == nil)
        #expect(name("") == nil)
        #expect("a".withByteSlice { ModelAliases([])[$0] } == nil)
    }
}
