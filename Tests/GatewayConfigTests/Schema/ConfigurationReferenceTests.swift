import GatewayConfig
import Testing

@Suite struct ConfigurationReferenceTests {
    /// The committed reference is what the schema says. UPDATE_GOLDEN=1 rewrites it.
    @Test func isUpToDate() throws {
        try expectUpToDate("docs/configuration.md", ConfigurationReference.markdown())
    }
}
