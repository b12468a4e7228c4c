import GatewayConfig
import Glibc
import Testing

@Suite struct ConfigurationReferenceTests {
    /// The committed reference is what the schema says. UPDATE_GOLDEN=1 rewrites it.
    @Test func isUpToDate() throws {
        let path = repository + "/docs/configuration.md"
        let text = ConfigurationReference.markdown()
        if getenv("UPDATE_GOLDEN") != nil {
            let file = try #require(fopen(path, "w"))
            fputs(text, file)
            fclose(file)
        }
        let committed = String(decoding: try ConfigurationFile.read(path), as: UTF8.self)
        #expect(committed == text, "run the tests with UPDATE_GOLDEN=1 and look at the difference")
    }
}
