import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct CapabilityRegistryTests {
    private func find(
        _ model: String, upstream: String? = nil, _ layers: [[CapabilityEntry]] = []
    ) -> ModelCapabilities {
        let registry = CapabilityRegistry(layers: layers)
        return model.withByteSlice { model in
            guard let upstream else { return registry.capabilities(of: model) }
            return upstream.withByteSlice { registry.capabilities(of: model, upstream: $0) }
        }
    }

    private func entry(
        _ pattern: String, _ set: (inout CapabilityOverrides) -> Void
    ) -> CapabilityEntry {
        var overrides = CapabilityOverrides()
        set(&overrides)
        return CapabilityEntry(pattern, overrides)
    }

    /// The look-ups that were promised.
    @Test func theKnownModels() {
        let omni = find("sfdc_ai__DefaultGPT4Omni")
        #expect(omni.isOpenAICompatible && omni.passesToolsThrough)
        #expect(omni.backendType == .openAINative)
        #expect(find("claude-3-sonnet").backendType == .anthropicBedrock)
        #expect(find("gemini-pro").backendType == .vertexGemini)
    }

    @Test(arguments: [
        ("claude-99-opus", BackendType.anthropicBedrock), ("gemini-9-flash", .vertexGemini),
        ("gpt-9", .openAINative), ("nobody-knows", .openAINative), ("claude", .openAINative),
        ("sfdc_ai__DefaultBedrockAnthropicClaude9", .anthropicBedrock),
        ("sfdc_ai__DefaultVertexAIGemini9", .vertexGemini),
        ("sfdc_ai__DefaultBedrockAmazonNovaLite", .openAINative),
    ])
    func unknownModelsGoByTheirNames(model: String, backend: BackendType) {
        #expect(find(model).backendType == backend)
    }

    @Test func higherSourcesWinFlagByFlag() {
        let high = [entry("claude-3-sonnet") { $0.sees = false }]
        let middle = [entry("claude-*") { ($0.sees, $0.streams) = (true, false) }]
        let low = [
            entry("claude-3-sonnet") {
                ($0.sees, $0.streams, $0.tools) = (true, true, .text)
                $0.backendType = .openAINative
            }
        ]
        let found = find("claude-3-sonnet", [high, middle, [], low])
        #expect(found.sees == false)
        #expect(found.streams == false)
        #expect(found.tools == .text)
        #expect(found.backendType == .openAINative)
        #expect(find("claude-3-opus", [high, middle, low]).tools == nil)
        #expect(find("claude-3-opus", [high, middle, low]).streams == false)
    }

    @Test func operatorsTellAModelsPace() {
        let high = [entry("fast") { $0.outputTokensMax = 100 }]
        let low = [entry("f*") { ($0.outputTokensMax, $0.reasons) = (5, true) }]
        #expect(find("fast", [high, low]).pace == ModelPace(outputTokensMax: 100, reasons: true))
        #expect(find("other", [high, low]).pace == ModelPace())
        // Another backend leaves it.
        let other = [entry("fast") { $0.backendType = .vertexGemini }]
        #expect(find("fast", [other, high]).pace.outputTokensMax == 100)
    }

    @Test func withinASourceTheExactNameGoesOverTheLongestPattern() {
        let layer = [
            entry("a*") { ($0.sees, $0.streams, $0.tools) = (true, true, .text) },
            entry("abc") { $0.tools = .native },
            entry("ab*") { $0.streams = false },
        ]
        let found = find("abc", [layer])
        #expect(found.tools == .native && found.streams == false && found.sees == nil)
        #expect(find("ab", [layer]).tools == nil)
        #expect(find("ax", [layer]).tools == .text)
    }

    /// The model that answers decides what is built in, and the operator may mean either name.
    @Test func anAliasHasTheCapabilitiesOfWhatItStandsFor() {
        #expect(find("fast", upstream: "gemini-2.5-flash").backendType == .vertexGemini)
        #expect(find("gpt-4o", upstream: "claude-haiku").backendType == .anthropicBedrock)
        #expect(find("claude-x", upstream: "house-model").backendType == .anthropicBedrock)
        let layer = [
            entry("fast") { $0.sees = false },
            entry("gemini-*") { ($0.sees, $0.streams) = (true, false) },
        ]
        let found = find("fast", upstream: "gemini-2.5-flash", [layer])
        #expect(found.sees == false && found.streams == false)
    }
}
