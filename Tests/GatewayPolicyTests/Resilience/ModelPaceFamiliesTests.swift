// ModelPaceFamiliesTests.swift — how much a model writes and whether it thinks first, by its name.

import GatewayModel
import GatewayPolicy
import Testing

@Suite struct ModelPaceFamiliesTests {
    @Test(
        arguments: [
            ("gpt-4", 8192, false), ("gpt-4-0613", 8192, false),
            ("gpt-4-turbo-2024-04-09", 4096, false),
            ("gpt-4o-mini", 16_384, false), ("gpt-4.1-nano", 32_768, false),
            ("gpt-5-mini", 128_000, true),
            ("gpt-5-chat-latest", 16_384, false), ("o3-mini", 100_000, true),
            ("openai/o4-mini", 100_000, true), ("claude-3-haiku-20240307", 4096, false),
            ("claude-sonnet-4-5", 64_000, false), ("gemini-2.0-flash", 8192, false),
            ("google/gemini-2.5-pro", 65_536, true), ("gemini-2.5-flash-lite", 65_536, false),
            ("sfdc_ai__DefaultGPT4Omni", 16_384, false),
            ("sfdc_ai__DefaultVertexAIGemini25Flash001", 65_536, true),
            ("sfdc_ai__DefaultOpenAIGPT35Turbo", nil, nil),
        ] as [(String, Int?, Bool?)])
    func aFamilyIsKnown(model: String, tokens: Int?, reasons: Bool?) {
        let pace = ModelPace(familyOf: model)
        #expect(pace.outputTokensMax == tokens)
        #expect(pace.reasons == reasons)
    }

    @Test func aThinkerOfUnknownLength() {
        for name in ["DeepSeek-R1", "deepseek-ai/DeepSeek-R1-0528", "Qwen3-32B", "QwQ-32B"] {
            #expect(ModelPace(familyOf: name) == ModelPace(reasons: true))
        }
    }

    @Test func nothingIsKnownOfOthers() {
        for name in ["house-model", "", "/", "my-gpt-4", "o", "Meta-Llama-3.3-70B-Instruct"] {
            #expect(ModelPace(familyOf: name) == ModelPace())
        }
    }
}
