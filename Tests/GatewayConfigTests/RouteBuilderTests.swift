// RouteBuilderTests.swift — where a model's name goes, over the providers that are configured, and
// which names are listed.

import GatewayConfig
import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct RouteBuilderTests {
    private static let settings: [String: String] = [
        "vertex": ", project: p",
        "salesforce": ", instance_url: 'https://a', consumer_key: k, consumer_secret: s",
        "sambanova-web": ", email: e, password: p",
    ]

    /// A builder over providers, each named by `name:type` or by its type.
    private func builder(_ providers: [String], _ more: String = "") throws -> RouteBuilder {
        var text = "providers:\n"
        for provider in providers {
            let parts = provider.split(separator: ":").map(String.init)
            let type = parts[parts.count - 1]
            text += "  \(parts[0]): {type: \(type)\(Self.settings[type] ?? "")}\n"
        }
        return RouteBuilder(try load(text + more).configuration)
    }

    private func route(
        _ builder: RouteBuilder, _ providers: [String], _ model: String, header: String? = nil
    ) -> String? {
        let table = builder.table()
        return model.withByteSlice { name -> String? in
            let found =
                header.map { header in
                    header.withByteSlice { table.route(model: name, providerHeader: $0) }
                } ?? table.route(model: name, providerHeader: nil)
            guard let found else { return nil }
            let there = found.upstreamModel ?? name.dropFirst(found.prefixCount).string
            let provider = providers[found.provider].split(separator: ":")[0]
            return "\(provider):\(there)"
        }
    }

    private func expectRoutes(
        over providers: [String], _ more: String = "", are cases: [(String, String?)]
    ) throws {
        let builder = try builder(providers, more)
        for (model, target) in cases {
            let found = route(builder, providers, model)
            #expect(found == target, "\(model) over \(providers)")
        }
    }

    // MARK: Built-in patterns

    private static let everyone = [
        "openai", "anthropic", "gemini", "vertex", "salesforce", "sambanova", "sambanova-web",
        "sim:simulator",
    ]

    @Test func everyFamilyGoesToItsMaker() throws {
        try expectRoutes(
            over: Self.everyone,
            are: cases(to: [
                "openai": [
                    "gpt-4o", "o3", "o1-mini", "chatgpt-4o-latest", "text-embedding-3-small",
                    "gpt-4", "gpt-3.5-turbo",
                ],
                "anthropic": ["claude-sonnet-4-5", "claude-3-haiku", "claude-4-sonnet"],
                "gemini": ["gemini-2.5-flash", "gemini-pro", "gemini-flash"],
                "salesforce": [
                    "sfdc_ai__DefaultGPT4Omni", "sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet",
                    "sfdc_ai__DefaultBedrockAnthropicClaude37Sonnet",
                    "sfdc_ai__DefaultVertexAIGemini25Flash001",
                ],
                "sambanova": [
                    "Meta-Llama-3.3-70B-Instruct", "Llama-4-Maverick", "DeepSeek-R1", "Qwen3-32B",
                    "E5-Mistral-7B-Instruct", "gpt-oss-120b",
                ],
                "sim": ["sim", "sim-429"],
            ]))
        try expectRoutes(
            over: Self.everyone,
            are: [("mistral-large", nil), ("llama3", nil), ("ox", nil), ("claude", nil)])
    }

    private func cases(to targets: [String: [String]]) -> [(String, String?)] {
        targets.flatMap { provider, models in models.map { ($0, "\(provider):\($0)") } }
    }

    @Test func theSecondTypeStandsIn() throws {
        try expectRoutes(
            over: ["vertex", "sim:simulator"], are: [("gemini-2.5-pro", "vertex:gemini-2.5-pro")])
        try expectRoutes(
            over: ["sambanova-web", "sim:simulator"],
            are: [("DeepSeek-R1", "sambanova-web:DeepSeek-R1"), ("gemini-pro", nil)])
        // OpenAI's own servers do not know the open models, but another server of its dialect may.
        try expectRoutes(
            over: ["openai", "sim:simulator"], are: [("gpt-oss-120b", "openai:gpt-oss-120b")])
    }

    @Test func theProviderCalledLikeItsTypeComesFirst() throws {
        for type in ["openai", "anthropic", "gemini", "sambanova"] {
            let model = ["openai": "gpt-4o", "anthropic": "claude-x", "gemini": "gemini-x"][type]
            let name = model ?? "DeepSeek-R1"
            try expectRoutes(over: ["a:\(type)", type], are: [(name, "\(type):\(name)")])
            try expectRoutes(over: ["a:\(type)", "b:\(type)"], are: [(name, "a:\(name)")])
        }
    }

    // MARK: Salesforce's short names

    private static let aliases: [(String, String)] = [
        ("claude-3-haiku", "sfdc_ai__DefaultBedrockAnthropicClaude3Haiku"),
        ("claude-3-sonnet", "sfdc_ai__DefaultBedrockAnthropicClaude37Sonnet"),
        ("claude-3-opus", "sfdc_ai__DefaultBedrockAnthropicClaude45Opus"),
        ("claude-4-sonnet", "sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet"),
        ("gpt-4", "sfdc_ai__DefaultGPT4Omni"), ("gpt-4-turbo", "sfdc_ai__DefaultGPT4Omni"),
        ("gpt-4-mini", "sfdc_ai__DefaultOpenAIGPT4OmniMini"),
        ("gpt-3.5-turbo", "sfdc_ai__DefaultOpenAIGPT4OmniMini"),
        ("gemini-pro", "sfdc_ai__DefaultVertexAIGemini25Flash001"),
        ("gemini-pro-vision", "sfdc_ai__DefaultVertexAIGemini25Flash001"),
        ("gemini-flash", "sfdc_ai__DefaultVertexAIGemini25Flash001"),
    ]

    @Test(arguments: [["salesforce"], ["sim:simulator", "crm:salesforce"]])
    func shortNamesGoToSalesforceWhereTheirMakerIsMissing(providers: [String]) throws {
        let name = providers.last.map { String($0.split(separator: ":")[0]) } ?? ""
        try expectRoutes(over: providers, are: Self.aliases.map { ($0.0, "\(name):\($0.1)") })
    }

    @Test func aMakerTakesItsNamesBack() throws {
        try expectRoutes(
            over: ["salesforce", "anthropic", "vertex"],
            are: [
                ("claude-3-haiku", "anthropic:claude-3-haiku"),
                ("gemini-pro", "vertex:gemini-pro"),
                ("gpt-4", "salesforce:sfdc_ai__DefaultGPT4Omni"), ("gpt-4o", nil),
                // Asked for by name, Salesforce still knows them.
                (
                    "salesforce/claude-3-haiku",
                    "salesforce:sfdc_ai__DefaultBedrockAnthropicClaude3Haiku"
                ),
            ])
        let builder = try builder(["salesforce", "anthropic"])
        #expect(
            route(builder, ["salesforce", "anthropic"], "claude-4-sonnet", header: "salesforce")
                == "salesforce:sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet")
    }

    @Test func theTableMayUseShortNames() throws {
        try expectRoutes(
            over: ["salesforce", "openai"],
            """
            models:
              gpt-4: {provider: salesforce}
              best: {provider: salesforce, model: claude-4-sonnet}
              own: {provider: salesforce, model: my__Model}
              fast: {provider: openai, model: gpt-4}
            """,
            are: [
                ("gpt-4", "salesforce:sfdc_ai__DefaultGPT4Omni"),
                ("best", "salesforce:sfdc_ai__DefaultBedrockAnthropicClaude4Sonnet"),
                ("own", "salesforce:my__Model"), ("fast", "openai:gpt-4"),
                ("gpt-4-turbo", "openai:gpt-4-turbo"),
            ])
    }

    @Test func theTableAloneKnowsNoFamilies() throws {
        try expectRoutes(
            over: ["salesforce"], "models: {gpt-4: {provider: salesforce}}\nmodels_only: true",
            are: [("gpt-4", "salesforce:sfdc_ai__DefaultGPT4Omni"), ("claude-3-haiku", nil)])
    }

    // MARK: Lists and settings

    @Test func shortNamesAreListedWithTheirMakers() throws {
        let alone = try builder(["salesforce"]).models()
        #expect(alone.map(\.model.id) == Self.aliases.map(\.0))
        for model in alone.map(\.model) {
            let owner = ["c": "anthropic", "g": "openai"][model.id.prefix(1)]
            #expect(model.owner == (model.id.hasPrefix("gemini") ? "google" : owner))
        }
        let beside = try builder(
            ["salesforce", "anthropic", "gemini", "sim:simulator"],
            """
            models:
              best: {provider: salesforce, model: claude-4-sonnet}
              raw: {provider: salesforce, model: sfdc_ai__DefaultBedrockAnthropicClaude45Haiku}
              claude-3-haiku: {provider: salesforce}
              own: {provider: salesforce, model: my__Model}
              fast: {provider: anthropic, model: claude-haiku-4-5}
              "any*": {provider: anthropic}
            """)
        #expect(
            beside.models().map { "\($0.model.id):\($0.model.owner ?? "")" } == [
                "best:anthropic", "raw:anthropic", "claude-3-haiku:anthropic", "own:salesforce",
                "fast:anthropic", "gpt-4:openai", "gpt-4-turbo:openai", "gpt-4-mini:openai",
                "gpt-3.5-turbo:openai", "sim:sim",
            ])
        let google = try builder(["salesforce", "vertex"]).models()
        #expect(google.map(\.model.owner).contains("openai"))
        #expect(!google.map(\.model.owner).contains("google"))
        let only = try builder(
            ["salesforce"], "models: {a: {provider: salesforce}}\nmodels_only: true")
        #expect(only.models().map(\.model.id) == ["a"])
    }

    @Test func aRouteCarriesTheSettingsOfItsLine() throws {
        let builder = try builder(
            ["salesforce"],
            "models: {a: {provider: salesforce, surface: llm-gateway, stream_tools: native}}")
        let table = builder.table()
        let found = "a".withByteSlice { table.route(model: $0, providerHeader: nil) }
        #expect(found?.settings.surface == .llmGateway)
        #expect(found?.settings.streamTools == .native)
        let other = "b".withByteSlice { table.route(model: $0, providerHeader: nil) }
        #expect(other?.settings == ModelSettings())
    }

    /// The table's own words come first, then the sources in their order.
    @Test func clocksOfAModelGoWithItsRoutes() throws {
        let builder = try builder(
            ["openai", "sim:simulator"],
            """
            models:
              slow: {provider: openai, timeouts: {head: 9m}}
              both: {targets: [{provider: openai}, {provider: sim}], fallbacks: [slow, gpt-4o],
                timeouts: {idle: 7s}}
              plain: {provider: openai}
            """)
        let table = builder.table()
        func timeouts(_ name: String) -> [TimeoutOverrides] {
            name.withByteSlice { model in
                table.route(model: model, providerHeader: nil).map { route in
                    table.plan(route, model: model, draw: { 0 }, load: { _ in 0 }).candidates
                        .map(\.timeouts)
                } ?? []
            }
        }
        var slow = TimeoutOverrides()
        slow.head = .seconds(540)
        var both = TimeoutOverrides()
        both.idle = .seconds(7)
        #expect(timeouts("slow") == [slow])
        #expect(timeouts("both") == [both, both, slow, TimeoutOverrides()])
        #expect(timeouts("plain") == [TimeoutOverrides()])
        let route = "slow".withByteSlice { table.route(model: $0, providerHeader: nil) }
        #expect(route?.timeouts == slow)
    }

    @Test func capabilitiesAreLaidOverEachOther() throws {
        let configuration = try load(
            "models: {a: {provider: sim, capabilities: {vision: false}}}",
            ["MODEL_CAPABILITIES_JSON": #"{"a": {"vision": true, "tools": "text"}}"#]
        ).configuration
        let registry = RouteBuilder(configuration).capabilities()
        let found = "a".withByteSlice { registry.capabilities(of: $0) }
        #expect(found.sees == false)
        #expect(found.tools == .text)
        let claude = "claude-x".withByteSlice { registry.capabilities(of: $0) }
        #expect(claude.backendType == .anthropicBedrock)
    }
}
