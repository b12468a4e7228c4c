import Testing

@testable import GatewayPolicy

@Suite struct ModelCapabilitiesTests {
    @Test func aBackendBringsItsFlags() {
        let openAI = ModelCapabilities(.openAINative)
        #expect(openAI.isOpenAICompatible && openAI.passesToolsThrough)
        #expect(!openAI.isAnthropicBedrock && !openAI.isVertexGemini)
        #expect(!openAI.requiresNormalization)
        let claude = ModelCapabilities(.anthropicBedrock)
        #expect(claude.isAnthropicBedrock && claude.requiresNormalization)
        #expect(!claude.isOpenAICompatible && !claude.isVertexGemini && !claude.passesToolsThrough)
        let gemini = ModelCapabilities(.vertexGemini)
        #expect(gemini.isVertexGemini && gemini.requiresNormalization)
        #expect(!gemini.isOpenAICompatible && !gemini.isAnthropicBedrock)
        for capabilities in [openAI, claude, gemini] {
            #expect(capabilities.tools == nil && capabilities.streams == nil)
            #expect(capabilities.sees == nil)
        }
    }

    @Test func whatIsSaidGoesOverWhatHolds() {
        var capabilities = ModelCapabilities(.anthropicBedrock)
        var overrides = CapabilityOverrides()
        overrides.isOpenAICompatible = false
        overrides.passesToolsThrough = true
        overrides.requiresNormalization = false
        overrides.tools = .text
        overrides.streams = false
        overrides.sees = true
        capabilities.apply(overrides)
        #expect(capabilities.backendType == .anthropicBedrock && capabilities.isAnthropicBedrock)
        #expect(capabilities.passesToolsThrough && !capabilities.requiresNormalization)
        #expect(capabilities.tools == .text && capabilities.streams == false)
        #expect(capabilities.sees == true)

        // The same backend again changes nothing; another takes its flags, and no more, along.
        capabilities.apply(CapabilityOverrides(.anthropicBedrock))
        #expect(capabilities.passesToolsThrough)
        capabilities.apply(CapabilityOverrides(.vertexGemini))
        #expect(capabilities.isVertexGemini && !capabilities.isAnthropicBedrock)
        #expect(!capabilities.passesToolsThrough && capabilities.requiresNormalization)
        #expect(capabilities.tools == .text && capabilities.streams == false)
    }

    @Test func aFlagAloneNamesTheBackend() {
        func backend(_ set: (inout CapabilityOverrides) -> Void) -> BackendType {
            var overrides = CapabilityOverrides()
            set(&overrides)
            var capabilities = ModelCapabilities(.openAINative)
            capabilities.apply(overrides)
            return capabilities.backendType
        }
        #expect(backend { $0.isAnthropicBedrock = true } == .anthropicBedrock)
        #expect(backend { $0.isVertexGemini = true } == .vertexGemini)
        #expect(backend { $0.isVertexGemini = false } == .openAINative)
        #expect(
            backend { ($0.isVertexGemini, $0.backendType) = (true, .openAINative) }
                == .openAINative)
        var overrides = CapabilityOverrides()
        (overrides.isOpenAICompatible, overrides.isAnthropicBedrock) = (true, true)
        var capabilities = ModelCapabilities(.vertexGemini)
        capabilities.apply(overrides)
        #expect(capabilities.backendType == .anthropicBedrock && capabilities.isOpenAICompatible)
        #expect(!capabilities.isVertexGemini)
    }
}
