// RouteBuilder.swift — which provider serves a model's name, which names are listed, and what is known
// of each: tables made of a checked configuration. Pure; opens nothing. Imported by SnapshotBuilder.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders

/// Makes the tables that are about models.
package struct RouteBuilder {
    private let configuration: Configuration
    private let types: [ProviderType]

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        types = configuration.providers.map(\.kind.type)
    }

    /// The routes of the model table, then those that are built in.
    package func table() -> RouteTable {
        let names = configuration.providers.map(\.name)
        let rules = configuration.models.compactMap { model -> ModelRule? in
            guard let target = model.targets.first,
                let provider = names.firstIndex(of: target.provider)
            else { return nil }
            let route = Route(
                provider: provider, upstreamModel: upstreamModel(target), settings: model.settings,
                timeouts: model.timeouts)
            return ModelRule(pattern: model.name, route: route, group: group(model))
        }
        var aliases: [Int: ModelAliases] = [:]
        for (index, type) in types.enumerated() where type == .salesforce {
            aliases[index] = ModelAliases(SalesforceAlias.all.map { ($0.name, $0.upstreamModel) })
        }
        return RouteTable(
            rules: rules, providerNames: names, builtInPatterns: builtInPatterns(),
            tableOnly: configuration.modelsOnly, aliases: aliases)
    }

    /// What a line says beside its first target; nil: nothing.
    private func group(_ model: ModelConfiguration) -> TargetGroup? {
        guard model.hasAlternatives || model.retries != nil else { return nil }
        let targets = model.targets.compactMap { target in
            configuration.providers.firstIndex { $0.name == target.provider }.map {
                Target(
                    provider: $0, upstreamModel: upstreamModel(target), weight: target.weight)
            }
        }
        guard !targets.isEmpty else { return nil }
        return TargetGroup(
            targets: targets, strategy: model.strategy, fallbacks: model.fallbacks,
            retries: model.retries)
    }

    /// Indexes of the providers that some model names beside another target.
    package func alternatives() -> Set<Int> {
        let table = table()
        var found: Set<Int> = []
        for model in configuration.models where model.hasAlternatives {
            for target in model.targets {
                if let index = configuration.providers.firstIndex(where: {
                    $0.name == target.provider
                }) {
                    found.insert(index)
                }
            }
            for name in model.fallbacks { found.formUnion(table.providers(of: name)) }
        }
        return found
    }

    /// What is known of models: the table's own words, the operator's files, what is built in.
    package func capabilities() -> CapabilityRegistry {
        let own = configuration.models.map { CapabilityEntry($0.name, $0.capabilities) }
        return CapabilityRegistry(layers: [own] + configuration.capabilities.map(\.entries))
    }

    /// Whether of any model it is said that it takes tools as text only.
    package var saysTextTools: Bool {
        configuration.models.contains { $0.capabilities.tools == .text }
            || configuration.capabilities.contains { source in
                source.entries.contains { $0.overrides.tools == .text }
            }
    }

    /// Whether a stream with tools may be answered in one piece.
    package var mayDowngrade: Bool {
        saysTextTools || types.contains(.salesforce) || types.contains(.sambaNovaWeb)
            || configuration.models.contains { $0.settings.streamTools == .downgrade }
    }

    /// What the target's model is really called there; nil where the client's name decides.
    private func upstreamModel(_ target: ModelTarget) -> String? {
        guard let model = target.model, type(of: target) == .salesforce else {
            return target.model
        }
        return SalesforceAlias.all.first { $0.name == model }?.upstreamModel ?? model
    }

    private func type(of target: ModelTarget) -> ProviderType? {
        configuration.providers.firstIndex { $0.name == target.provider }.map { types[$0] }
    }

    // MARK: Built-in patterns

    /// Names by the types of providers that they go to, the first type that is configured.
    static let builtIn: [(patterns: [String], types: [ProviderType])] = [
        // Before `gpt-*`: OpenAI's service has no model of that name.
        (["gpt-oss*"], [.sambaNova, .sambaNovaWeb]),
        (
            ["gpt-*", "chatgpt-*", "text-embedding-*"] + (0...9).map { "o\($0)*" }, [.openAI]
        ),
        (["claude-*"], [.anthropic]),
        (["gemini-*"], [.gemini, .vertex]),
        ([SalesforceAlias.upstreamPattern], [.salesforce]),
        (
            ["Meta-Llama*", "Llama-*", "DeepSeek*", "Qwen*", "E5-*"],
            [.sambaNova, .sambaNovaWeb]
        ),
        (["sim*"], [.simulator]),
    ]

    /// The patterns that a provider's type serves where nothing else is said, the first match
    /// first; then Salesforce's short names, for models whose maker is not configured.
    package func builtInPatterns() -> [(pattern: String, provider: Int)] {
        var patterns: [(pattern: String, provider: Int)] = []
        for entry in Self.builtIn {
            guard let provider = provider(of: entry.types) else { continue }
            for pattern in entry.patterns { patterns.append((pattern, provider)) }
        }
        return patterns + salesforceAliases().map { ($0.alias.name, $0.provider) }
    }

    /// The provider called like its type, or the first of a type; the first type that has one.
    private func provider(of wanted: [ProviderType]) -> Int? {
        for type in wanted {
            let indexes = types.indices.filter { types[$0] == type }
            let named = indexes.first { configuration.providers[$0].name == type.rawValue }
            if let index = named ?? indexes.first { return index }
        }
        return nil
    }

    /// The short names that go to Salesforce because no provider of their own is configured.
    private func salesforceAliases() -> [(alias: SalesforceAlias, provider: Int)] {
        guard let salesforce = provider(of: [.salesforce]) else { return [] }
        let makers: [String: [ProviderType]] = [
            "openai": [.openAI], "anthropic": [.anthropic], "google": [.gemini, .vertex],
        ]
        return SalesforceAlias.all
            .filter { provider(of: makers[$0.owner] ?? []) == nil }
            .map { ($0, salesforce) }
    }

    // MARK: Listed models

    /// What `GET /v1/models` lists: the table's exact names, and what providers are known to have.
    package func models() -> [ModelCatalogMerge.Configured] {
        var listed: [ModelCatalogMerge.Configured] = []
        var names: Set<String> = []
        func list(_ name: String, _ owner: String, at provider: Int?, as upstreamModel: String?) {
            guard names.insert(name).inserted else { return }
            listed.append(
                ModelCatalogMerge.Configured(
                    model: CatalogModel(id: name, owner: owner), provider: provider,
                    upstreamModel: upstreamModel))
        }
        for model in configuration.models where !model.name.contains("*") {
            guard let target = model.targets.first else { continue }
            let provider = configuration.providers.firstIndex { $0.name == target.provider }
            list(
                model.name, owner(of: model.name, target) ?? target.provider,
                at: model.targets.count == 1 ? provider : nil, as: upstreamModel(target))
        }
        guard !configuration.modelsOnly else { return listed }
        for (alias, provider) in salesforceAliases() {
            list(alias.name, alias.owner, at: provider, as: alias.upstreamModel)
        }
        for (index, provider) in configuration.providers.enumerated() {
            guard case .simulator(let settings) = provider.kind else { continue }
            for name in settings.script.models { list(name, provider.name, at: index, as: nil) }
        }
        return listed
    }

    /// Who made a model that Salesforce serves; nil for other providers' models.
    private func owner(of name: String, _ target: ModelTarget) -> String? {
        guard type(of: target) == .salesforce else { return nil }
        let alias = SalesforceAlias.all.first { $0.name == target.model ?? name }
        return alias?.owner ?? SalesforceAlias.owner(ofUpstreamModel: target.model ?? name)
    }
}
