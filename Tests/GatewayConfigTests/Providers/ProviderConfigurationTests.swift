// ProviderConfigurationTests.swift — every key of every type reaches its setting, and each default
// is what was promised.

import GatewayModel
import Testing

@testable import GatewayConfig

@Suite struct ProviderConfigurationTests {
    private static let network = """
        headers: {X-A: b}, ca_file: /ca.pem, tls_verify: false, pool: {max: 7},
        timeouts: {connect: 3s}
        """

    private func kind(_ text: String) throws -> ProviderConfiguration.Kind {
        try load("providers: {p: {\(text)}}").configuration.providers[0].kind
    }

    private func text(_ secret: Secret?) -> String? { secret?.withBytes(\.string) }

    /// What is common to all is set by the same keys; the rest keeps its defaults.
    private func expectNetwork(_ kind: ProviderConfiguration.Kind, idle: Int = 256) {
        let upstream = kind.upstream
        #expect(upstream?.headers.map(\.name) == ["X-A"])
        #expect(upstream?.caFile == "/ca.pem")
        #expect(upstream?.verifiesTLS == false)
        #expect(upstream?.pool.openMax == 7)
        #expect(upstream?.pool.idleMax == idle)
        #expect(upstream?.timeouts.connect == .seconds(3))
    }

    @Test func anthropic() throws {
        let set = try kind(
            """
            type: anthropic, base_url: "http://127.0.0.1:1/x/", api_key: k, version: "2024-01-01",
            betas: [a-1, b-2], \(Self.network)
            """)
        expectNetwork(set)
        guard case .anthropic(let settings) = set,
            case .anthropic(let bare) = try kind("type: anthropic")
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.baseURL.description == "http://127.0.0.1:1/x")
        #expect(text(settings.apiKey) == "k")
        #expect(settings.version == "2024-01-01")
        #expect(settings.betas == ["a-1", "b-2"])
        #expect(bare.baseURL.description == "https://api.anthropic.com")
        #expect(bare.apiKey == nil && bare.betas.isEmpty)
        #expect(bare.version == "2023-06-01")
    }

    @Test func gemini() throws {
        let set = try kind(
            """
            type: gemini, base_url: "http://127.0.0.1:1", api_key: k, api_version: v1,
            \(Self.network)
            """)
        expectNetwork(set)
        guard case .gemini(let settings) = set, case .gemini(let bare) = try kind("type: gemini")
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.baseURL.description == "http://127.0.0.1:1")
        #expect(text(settings.apiKey) == "k")
        #expect(settings.apiVersion == "v1")
        #expect(bare.baseURL.description == "https://generativelanguage.googleapis.com")
        #expect(bare.apiKey == nil && bare.apiVersion == "v1beta")
    }

    @Test func vertex() throws {
        let set = try kind(
            """
            type: vertex, project: p-1, location: europe-west4, credentials_file: /sa.json,
            base_url: "http://127.0.0.1:1", token_url: "http://127.0.0.1:2/token", \(Self.network)
            """)
        expectNetwork(set)
        guard case .vertex(let settings) = set,
            case .vertex(let bare) = try kind("type: vertex, project: p")
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.project == "p-1")
        #expect(settings.location == "europe-west4")
        #expect(settings.credentialsFile == "/sa.json")
        #expect(settings.effectiveBaseURL.description == "http://127.0.0.1:1")
        #expect(settings.tokenURL?.description == "http://127.0.0.1:2/token")
        #expect(bare.location == "us-central1")
        #expect(bare.credentialsFile == nil && bare.tokenURL == nil && bare.baseURL == nil)
        #expect(
            problems("providers: {p: {type: vertex}}")
                == ["gateway.yaml:1:16: providers.p: the key 'project' is missing"])
    }

    @Test func salesforce() throws {
        let set = try kind(
            """
            type: salesforce, instance_url: "https://acme.my.salesforce.com/", consumer_key: ck,
            consumer_secret: cs, username: u@acme.example, private_key_file: /key.pem,
            api_version: v65.0, surface: llm-gateway, api_url: "http://127.0.0.1:1",
            token_url: "http://127.0.0.1:2/t", audience: "https://test.salesforce.com",
            token_lifetime: 50m, max_tokens: 99, temperature: 0, localization: {
              default_locale: de_DE, expected_locales: [de_DE],
              input_locales: [{locale: en_GB, probability: 0.5}, {locale: fr}]
            }, \(Self.network)
            """)
        expectNetwork(set)
        guard case .salesforce(let settings) = set else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.instanceURL.description == "https://acme.my.salesforce.com")
        #expect(text(settings.consumerKey) == "ck")
        #expect(text(settings.consumerSecret) == "cs")
        #expect(settings.username == "u@acme.example")
        #expect(settings.privateKeyFile == "/key.pem")
        #expect(settings.apiVersion == "v65.0")
        #expect(settings.surface == .llmGateway)
        #expect(settings.apiURL?.description == "http://127.0.0.1:1")
        #expect(settings.tokenURL?.description == "http://127.0.0.1:2/t")
        #expect(settings.audience == "https://test.salesforce.com")
        #expect(settings.tokenLifetime == .seconds(3000))
        #expect(settings.maxTokens == 99)
        #expect(settings.temperature == 0)
        #expect(settings.localization?.defaultLocale == "de_DE")
        #expect(settings.localization?.expectedLocales == ["de_DE"])
        #expect(settings.localization?.inputLocales.map(\.locale) == ["en_GB", "fr"])
        #expect(settings.localization?.inputLocales.map(\.probability) == [0.5, 1])
    }

    @Test func salesforceByDefault() throws {
        let bare = try kind(
            "type: salesforce, instance_url: 'https://a', consumer_key: k, consumer_secret: s")
        guard case .salesforce(let bare) = bare else {
            Issue.record("wrong kind")
            return
        }
        #expect(bare.apiVersion == "v64.0")
        #expect(bare.surface == .models)
        #expect(bare.audience == "https://login.salesforce.com")
        #expect(bare.tokenLifetime == .seconds(1500))
        #expect(bare.maxTokens == 256)
        #expect(bare.temperature == 0.7)
        #expect(bare.localization == nil && bare.apiURL == nil && bare.tokenURL == nil)
    }

    @Test func sambaNova() throws {
        let set = try kind(
            "type: sambanova, base_url: 'http://127.0.0.1:1/v1', api_key: k, \(Self.network)")
        expectNetwork(set, idle: 50)
        guard case .sambaNova(let settings) = set,
            case .sambaNova(let bare) = try kind("type: sambanova")
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.baseURL.description == "http://127.0.0.1:1/v1")
        #expect(text(settings.apiKey) == "k")
        #expect(bare.baseURL.description == "https://api.sambanova.ai/v1")
        #expect(bare.apiKey == nil)
        #expect(bare.upstream.pool.idleMax == 50)
    }

    @Test func sambaNovaWeb() throws {
        let set = try kind(
            """
            type: sambanova-web, email: a@b.example, password: "p w é",
            completion_url: "http://127.0.0.1:1/c", models_url: "http://127.0.0.1:1/m",
            config_url: "http://127.0.0.1:1/k", fingerprint_prefix: x_, token_cache_time: 1h,
            \(Self.network)
            """)
        expectNetwork(set, idle: 50)
        guard case .sambaNovaWeb(let settings) = set,
            case .sambaNovaWeb(let bare) = try kind("type: sambanova-web, email: e, password: p")
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.email == "a@b.example")
        #expect(text(settings.password) == "p w é")
        #expect(settings.completionURL.description == "http://127.0.0.1:1/c")
        #expect(settings.modelsURL.description == "http://127.0.0.1:1/m")
        #expect(settings.configURL.description == "http://127.0.0.1:1/k")
        #expect(settings.fingerprintPrefix == "x_")
        #expect(settings.tokenCacheTime == .seconds(3600))
        #expect(bare.completionURL.description == "https://cloud.sambanova.ai/api/completion")
        #expect(bare.modelsURL.description == "https://api.sambanova.ai/v1/models")
        #expect(bare.configURL.description == "https://cloud.sambanova.ai/api/config")
        #expect(bare.fingerprintPrefix == "anon_")
        #expect(bare.tokenCacheTime == .seconds(604_800))
        #expect(
            problems("providers: {p: {type: sambanova-web}}") == [
                "gateway.yaml:1:16: providers.p: the key 'email' is missing",
                "gateway.yaml:1:16: providers.p: the key 'password' is missing",
            ])
    }

    /// All types, as the example shows them, are written as they are read and hide their secrets.
    @Test func theExampleShowsEveryType() throws {
        let secrets = [
            "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "SALESFORCE_CONSUMER_KEY",
            "SALESFORCE_CONSUMER_SECRET", "SAMBANOVA_API_KEY", "SAMBA_PASSWORD",
        ]
        var environment = Example.environment
        for name in secrets { environment[name] = "HIDDEN-\(name)" }
        let configuration = try load(try Example.withAllProviders(), environment).configuration
        #expect(Set(configuration.providers.map(\.kind.type)) == Set(ProviderType.allCases))
        let text = EffectiveConfiguration.text(configuration)
        #expect(!text.contains("HIDDEN"))
        for line in [
            "# anthropic      anthropic      https://api.anthropic.com",
            "# gemini         gemini         https://generativelanguage.googleapis.com",
            "# vertex         vertex         https://us-central1-aiplatform.googleapis.com",
            "# salesforce     salesforce     https://acme.my.salesforce.com",
            "# sambanova      sambanova      https://api.sambanova.ai/v1",
            "# sambanova-web  sambanova-web  https://cloud.sambanova.ai/api/completion",
        ] { #expect(text.contains(line), "\(line)") }
        for word in ["credentials file", "client credentials", "e-mail and password"] {
            #expect(text.contains("  \(word)\n"), "\(word)")
        }
        let readable = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.contains("sha256: \"***\"")
                ? "      sha256: \(String(repeating: "0", count: 64))" : String($0)
        }.joined(separator: "\n")
        #expect(EffectiveConfiguration.text(try load(readable).configuration) == text)
    }
}
