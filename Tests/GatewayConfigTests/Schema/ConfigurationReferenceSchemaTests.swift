import GatewayCodec
import GatewayConfig
import ReactorCore
import Testing

@Suite struct ConfigurationReferenceSchemaTests {
    /// The committed file is what the schema says. UPDATE_GOLDEN=1 rewrites it.
    @Test func isUpToDate() throws {
        try expectUpToDate("docs/configuration.schema.json", ConfigurationReferenceSchema.text())
    }

    @Test func isJSONAndKnowsTheKeys() throws {
        try ConfigurationReferenceSchema.text().withByteSlice { bytes in
            let tree = try JSONArena(bytesMax: 8 << 20).read(bytes)
            let root = tree.root
            #expect(root["type"]?.string?.string == "object")
            #expect(root["additionalProperties"]?.bool == false)
            let server = root["properties"]?["server"]
            #expect(server?["properties"]?["port"]?["anyOf"]?.count == 2)
            #expect(server?["properties"]?["port"]?["default"]?.string?.string == "8000")
            let providers = root["properties"]?["providers"]?["additionalProperties"]
            #expect((providers?["oneOf"]?.count ?? 0) >= 8)
        }
    }
}
