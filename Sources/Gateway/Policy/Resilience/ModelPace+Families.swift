// ModelPace+Families.swift — how much the families of models write at most, and which of them think
// first, by the names that they have wherever they are served.
// Pure. Imported by Exchange. Facts: the makers' own model pages, 2026. Only what differs from
// `TimeoutPolicy.defaultTokensMax` changes a clock, and above 18,000 tokens nothing does.

import GatewayModel

extension ModelPace {
    /// What a model's name tells; nothing where nobody knows the name.
    package init(familyOf model: String) {
        // Behind the maker's name, where a name is written as `maker/model`.
        let name = model.split(separator: "/").last.map { $0.lowercased() } ?? ""
        self = Self.families.first { name.hasPrefix($0.stem) }?.pace ?? ModelPace()
    }

    private struct Family {
        let stem: String
        let pace: ModelPace

        init(_ stem: String, _ tokens: Int?, reasons: Bool = false) {
            self.stem = stem
            pace = ModelPace(outputTokensMax: tokens, reasons: reasons)
        }
    }

    /// By the beginning of a name in lower case, the longest first.
    private static let families = known.sorted { $0.stem.utf8.count > $1.stem.utf8.count }

    private static let known = [
        Family("gpt-3.5", 4096), Family("gpt-4", 8192), Family("gpt-4-turbo", 4096),
        Family("gpt-4o", 16_384), Family("chatgpt-4o", 16_384), Family("gpt-4.1", 32_768),
        Family("gpt-5", 128_000, reasons: true), Family("gpt-5-chat", 16_384),
        Family("gpt-oss", 131_072, reasons: true),
        Family("o1", 100_000, reasons: true), Family("o3", 100_000, reasons: true),
        Family("o4", 100_000, reasons: true),
        Family("claude-3-opus", 4096), Family("claude-3-haiku", 4096),
        Family("claude-3-sonnet", 4096), Family("claude-3-5", 8192), Family("claude", 64_000),
        Family("gemini-1", 8192), Family("gemini-2.0", 8192),
        Family("gemini-2.5", 65_536, reasons: true),
        Family("gemini-2.5-flash-lite", 65_536), Family("gemini-3", 65_536, reasons: true),
        Family("deepseek-r", nil, reasons: true),
        Family("deepseek-reasoner", 64_000, reasons: true),
        Family("qwen3", nil, reasons: true), Family("qwq", nil, reasons: true),
        Family("magistral", nil, reasons: true), Family("grok-4", nil, reasons: true),
        // Salesforce's own names.
        Family("sfdc_ai__defaultgpt4omni", 16_384),
        Family("sfdc_ai__defaultopenaigpt4omni", 16_384),
        Family("sfdc_ai__defaultgpt5", 128_000, reasons: true),
        Family("sfdc_ai__defaultopenaigpt5", 128_000, reasons: true),
        Family("sfdc_ai__defaulto3", 100_000, reasons: true),
        Family("sfdc_ai__defaulto4", 100_000, reasons: true),
        Family("sfdc_ai__defaultopenaio", 100_000, reasons: true),
        Family("sfdc_ai__defaultbedrockanthropicclaude3haiku", 4096),
        Family("sfdc_ai__defaultvertexaigemini", 65_536, reasons: true),
    ]
}
