// EnvironmentProvider.swift — the providers that variables describe where no file names any. One
// table: what is read, what the reference says and what is missing all come from it.

/// A provider made of variables, named by its type.
struct EnvironmentProvider {
    /// A key of the provider and the variables that may hold its value, the first one winning.
    struct Setting {
        var key: String
        var variables: [String]
        /// Whether it is enough to mean the provider; else it only adds to one.
        var isEnough = true
        /// A bare number counts seconds, as it did in the gateway that had the variable.
        var countsSeconds = false
    }

    var type: ProviderType
    var settings: [Setting]
    /// Keys that must be there.
    var required: [String] = []
    /// Keys of which one group must be there whole.
    var alternatives: [[String]] = []

    private static let refreshInterval = Setting(
        key: "token_refresh_interval", variables: ["TOKEN_REFRESH_INTERVAL"], isEnough: false,
        countsSeconds: true)

    static let all = [
        EnvironmentProvider(
            type: .openAI,
            settings: [
                Setting(key: "api_key", variables: ["OPENAI_API_KEY"]),
                Setting(key: "base_url", variables: ["OPENAI_BASE_URL"]),
            ]),
        EnvironmentProvider(
            type: .anthropic,
            settings: [Setting(key: "api_key", variables: ["ANTHROPIC_API_KEY"])]),
        EnvironmentProvider(
            type: .gemini,
            settings: [Setting(key: "api_key", variables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"])]),
        EnvironmentProvider(
            type: .vertex,
            settings: [
                Setting(key: "project", variables: ["VERTEX_AI_PROJECT_ID"]),
                Setting(key: "location", variables: ["VERTEX_AI_LOCATION"], isEnough: false),
                refreshInterval,
            ]),
        EnvironmentProvider(
            type: .salesforce,
            settings: SalesforceFile.keys.map { key in
                Setting(
                    key: key, variables: [SalesforceFile.variable(of: key)],
                    isEnough: key != "api_version")
            } + [refreshInterval],
            required: ["instance_url", "consumer_key"],
            alternatives: [["consumer_secret"], ["username", "private_key_file"]]),
        EnvironmentProvider(
            type: .sambaNova,
            settings: [Setting(key: "api_key", variables: ["SAMBANOVA_API_KEY"])]),
        EnvironmentProvider(
            type: .sambaNovaWeb,
            settings: [
                Setting(key: "email", variables: ["SAMBA_EMAIL"]),
                Setting(key: "password", variables: ["SAMBA_PASSWORD"]),
                Setting(
                    key: "completion_url", variables: ["SAMBA_COMPLETION_URL"], isEnough: false),
                Setting(key: "models_url", variables: ["SAMBA_MODELS_URL"], isEnough: false),
                Setting(
                    key: "fingerprint_prefix", variables: ["FINGERPRINT_PREFIX"],
                    isEnough: false),
                Setting(
                    key: "token_cache_time", variables: ["TOKEN_CACHE_TIME"], isEnough: false,
                    countsSeconds: true), refreshInterval,
            ],
            required: ["email", "password"]),
    ]

    /// What variables are still needed beside the keys that are `present`, as part of a sentence;
    /// nil if none.
    func missingVariables(present: [String]) -> String? {
        func names(_ keys: [String]) -> String {
            keys.filter { !present.contains($0) }.map { key in
                settings.first { $0.key == key }?.variables.first ?? key
            }.joined(separator: " and ")
        }
        var parts = required.filter { !present.contains($0) }.map { names([$0]) }
        let isSatisfied = alternatives.contains { $0.allSatisfy(present.contains) }
        if !alternatives.isEmpty, !isSatisfied {
            parts.append(alternatives.map(names).joined(separator: " or "))
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
