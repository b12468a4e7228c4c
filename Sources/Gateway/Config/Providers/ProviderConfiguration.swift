// ProviderConfiguration.swift — what an operator can decide about a provider, as values with their
// defaults: one case for each type, whose settings are in the files beside this one.

import ReactorCore

/// What a provider speaks, by the word that the file uses.
package enum ProviderType: String, CaseIterable, Sendable {
    case openAI = "openai"
    case anthropic
    case gemini
    case vertex
    case salesforce
    case sambaNova = "sambanova"
    case sambaNovaWeb = "sambanova-web"
    case simulator
}

/// One named provider.
package struct ProviderConfiguration: Sendable {
    /// What it speaks, with the settings that go with it.
    package enum Kind: Sendable {
        case openAI(OpenAIConfiguration)
        case anthropic(AnthropicConfiguration)
        case gemini(GeminiConfiguration)
        case vertex(VertexConfiguration)
        case salesforce(SalesforceConfiguration)
        case sambaNova(SambaNovaConfiguration)
        case sambaNovaWeb(SambaNovaWebConfiguration)
        case simulator(SimulatorConfiguration)
    }

    /// Unique; appears in `provider/model`, headers and logs.
    package var name: String
    package var kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

extension ProviderConfiguration.Kind {
    package var type: ProviderType {
        switch self {
        case .openAI: .openAI
        case .anthropic: .anthropic
        case .gemini: .gemini
        case .vertex: .vertex
        case .salesforce: .salesforce
        case .sambaNova: .sambaNova
        case .sambaNovaWeb: .sambaNovaWeb
        case .simulator: .simulator
        }
    }

    /// How it is connected to; nil where no network lies between.
    package var upstream: UpstreamConfiguration? {
        switch self {
        case .openAI(let settings): settings.upstream
        case .anthropic(let settings): settings.upstream
        case .gemini(let settings): settings.upstream
        case .vertex(let settings): settings.upstream
        case .salesforce(let settings): settings.upstream
        case .sambaNova(let settings): settings.upstream
        case .sambaNovaWeb(let settings): settings.upstream
        case .simulator: nil
        }
    }

    var resilience: ResilienceConfiguration {
        if case .simulator(let settings) = self { return settings.resilience }
        return upstream?.resilience ?? ResilienceConfiguration()
    }

    /// The addresses that it may be sent to, each with the key that says so; the one for models
    /// comes first.
    var addresses: [(key: String, url: BaseURL)] {
        let all: [(key: String, url: BaseURL?)] =
            switch self {
            case .openAI(let settings): [("base_url", settings.baseURL)]
            case .anthropic(let settings): [("base_url", settings.baseURL)]
            case .gemini(let settings): [("base_url", settings.baseURL)]
            case .vertex(let settings):
                [("base_url", settings.effectiveBaseURL), ("token_url", settings.tokenURL)]
            case .salesforce(let settings):
                [
                    ("instance_url", settings.instanceURL), ("api_url", settings.apiURL),
                    ("token_url", settings.tokenURL),
                ]
            case .sambaNova(let settings): [("base_url", settings.baseURL)]
            case .sambaNovaWeb(let settings):
                [
                    ("completion_url", settings.completionURL), ("models_url", settings.modelsURL),
                    ("config_url", settings.configURL),
                ]
            case .simulator: []
            }
        return all.compactMap { entry in entry.url.map { (entry.key, $0) } }
    }

    /// How it is told who we are, in a word or two; nil where it is not.
    var credential: String? {
        switch self {
        case .openAI(let settings): settings.apiKey == nil ? nil : "set"
        case .anthropic(let settings): settings.apiKey == nil ? nil : "set"
        case .gemini(let settings): settings.apiKey == nil ? nil : "set"
        case .vertex(let settings):
            settings.credentialsFile == nil ? "application default" : "credentials file"
        case .salesforce(let settings):
            switch settings.grant {
            case .clientCredentials: "client credentials"
            case .jwtBearer: "JWT bearer"
            }
        case .sambaNova(let settings): settings.apiKey == nil ? nil : "set"
        case .sambaNovaWeb: "e-mail and password"
        case .simulator: nil
        }
    }
}
