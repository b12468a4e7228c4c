import GatewayProviders
import ReactorCore
import Testing

@Suite struct GeminiCapabilitiesTests {
    private func capabilities(_ model: String, vertex: Bool = false) -> GeminiCapabilities {
        let host: GeminiProvider.Host =
            vertex ? .vertex(project: "p", location: "global") : .developer
        return model.withByteSlice { GeminiProvider(host: host).capabilities(of: $0) }
    }

    @Test(
        arguments: [
            ("gemini-1.5-pro", .none), ("gemini-2.0-flash-001", .none),
            ("gemini-2.5-pro", .budget(min: 128, max: 32_768)),
            ("models/gemini-2.5-flash", .budget(min: 1, max: 24_576)),
            ("gemini-2.5-flash-lite", .budget(min: 512, max: 24_576)),
            ("gemini-2.5-flash-image", .none),
            ("gemini-3-pro-preview", .level([.low, .high])),
            ("gemini-3.1-pro-preview", .level([.low, .medium, .high])),
            ("gemini-3-flash", .level([.minimal, .low, .medium, .high])),
            ("gemini-10-flash", .level([.minimal, .low, .medium, .high])),
            ("gemini-flash-latest", .budget(min: 128, max: 24_576)),
        ] as [(String, GeminiCapabilities.Thinking)])
    func knowsHowToThink(_ model: String, _ thinking: GeminiCapabilities.Thinking) {
        #expect(capabilities(model).thinking == thinking)
    }

    @Test func knowsGenerations() {
        #expect(!capabilities("gemini-2.0-flash").takesJSONSchema)
        #expect(capabilities("gemini-2.5-flash").takesJSONSchema)
        #expect(!capabilities("gemini-2.5-flash").requiresSignatures)
        #expect(capabilities("gemini-3-flash").requiresSignatures)
        #expect(!capabilities("gemini-2.5-pro").canSwitchThinkingOff)
        #expect(capabilities("gemini-2.5-flash").canSwitchThinkingOff)
        #expect(capabilities("gemini-2.0-flash").takesSeveralCandidates)
        #expect(capabilities("gemini-2.5-flash").takesSeveralCandidates)
        #expect(!capabilities("gemini-3-flash").takesSeveralCandidates)
        #expect(!capabilities("gemini-flash-latest").takesSeveralCandidates)
        #expect(!capabilities("gemini-2.5-flash", vertex: true).takesCallIDs)
        #expect(capabilities("gemini-3-flash", vertex: true).takesCallIDs)
        #expect(!capabilities("gemini-2.5-flash").takesURLs)
        #expect(capabilities("gemini-2.5-flash", vertex: true).takesURLs)
    }

    @Test func letsTheOperatorKnowBetter() {
        var override = GeminiCapabilities.Override("gemini-3-*")
        override.requiresSignatures = false
        override.thinking = GeminiCapabilities.Thinking.none
        let provider = GeminiProvider(overrides: [override])
        #expect(!provider.capabilities(of: ByteSlice("gemini-3-flash")).requiresSignatures)
        #expect(provider.capabilities(of: ByteSlice("gemini-3-flash")).thinking == .none)
        #expect(provider.capabilities(of: ByteSlice("gemini-3.5-flash")).requiresSignatures)
    }
}
