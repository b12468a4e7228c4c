// RouteTable.swift — which provider serves a model name, and what the model is called there.
// Pure value, built from the configuration; asked once a request.
//
// First match: an exact name of the table; its longest pattern; `provider/model`; the X-Provider
// header; the patterns that are built in, over the providers that exist; the only provider.
// Whichever way a provider was chosen, its aliases then turn the client's name into its own.

import GatewayModel
import ReactorCore

/// Where a request goes.
package struct Route: Equatable, Sendable {
    /// Index of the provider.
    package var provider: Int
    /// The model's name there; nil when it is the client's own.
    package var upstreamModel: String?
    /// How many bytes of the client's name are a `provider/` prefix to be taken off.
    package var prefixCount = 0
    package var settings = ModelSettings()
    package var timeouts = TimeoutOverrides()
    /// The place of its group in the table, where there is more than this one way: then the above is
    /// the group's first target, and `RouteTable.plan` tells the way.
    package var group: Int?

    package init(
        provider: Int, upstreamModel: String?, prefixCount: Int = 0,
        settings: ModelSettings = ModelSettings(), timeouts: TimeoutOverrides = TimeoutOverrides()
    ) {
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.prefixCount = prefixCount
        self.settings = settings
        self.timeouts = timeouts
    }
}

/// A line of the model table.
package struct ModelRule: Equatable, Sendable {
    /// An exact name, or one with a single `*`.
    package var pattern: String
    package var route: Route
    /// What there is beside that route; nil: nothing.
    package var group: TargetGroup?

    package init(pattern: String, route: Route, group: TargetGroup? = nil) {
        self.pattern = pattern
        self.route = route
        self.group = group
    }
}

/// A pattern with at most one `*`, ready to be matched against bytes.
struct NamePattern {
    let head: [UInt8]
    let tail: [UInt8]
    let hasStar: Bool

    init(_ text: String) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "*"), maxSplits: 1, omittingEmptySubsequences: false)
        head = Array(parts[0])
        hasStar = parts.count == 2
        tail = hasStar ? Array(parts[1]) : []
    }

    func matches(_ name: ByteSlice) -> Bool {
        guard hasStar ? name.count >= head.count + tail.count : name.count == head.count else {
            return false
        }
        return head.withUnsafeBytes { ByteSlice($0) == name.prefix(head.count) }
            && tail.withUnsafeBytes { ByteSlice($0) == name.dropFirst(name.count - tail.count) }
    }
}

/// The routes of one configuration.
package final class RouteTable {
    private let exact: NameIndex
    private let exactRoutes: [Route]
    private let patterns: [(pattern: NamePattern, route: Route)]
    private let providers: NameIndex
    private let builtIn: [(pattern: NamePattern, provider: Int)]
    private let onlyProvider: Int?
    /// By provider; empty where nobody has any.
    private let aliases: [ModelAliases?]
    private let groups: [TargetGroup]
    /// Requests that each group has had.
    private var turns: [Int]

    /// - Parameters:
    ///   - providerNames: by index.
    ///   - builtInPatterns: of the kinds of providers that exist, first match first; empty where
    ///     the table stands alone (`models_only`).
    ///   - tableOnly: nothing but the table routes.
    ///   - aliases: by the provider's index.
    package init(
        rules: [ModelRule], providerNames: [String],
        builtInPatterns: [(pattern: String, provider: Int)], tableOnly: Bool,
        aliases: [Int: ModelAliases] = [:]
    ) {
        var groups: [TargetGroup] = []
        let rules = rules.map { rule in
            var rule = rule
            guard let group = rule.group else { return rule }
            rule.route.group = groups.count
            groups.append(group)
            return rule
        }
        self.groups = groups
        turns = groups.map { _ in 0 }
        let names = rules.filter { !$0.pattern.utf8.contains(UInt8(ascii: "*")) }
        exact = NameIndex(names.map(\.pattern))
        exactRoutes = names.map(\.route)
        patterns = rules.filter { $0.pattern.utf8.contains(UInt8(ascii: "*")) }
            .sorted { $0.pattern.utf8.count > $1.pattern.utf8.count }
            .map { (NamePattern($0.pattern), $0.route) }
        providers = NameIndex(tableOnly ? [] : providerNames)
        builtIn = tableOnly ? [] : builtInPatterns.map { (NamePattern($0.pattern), $0.provider) }
        onlyProvider = !tableOnly && providerNames.count == 1 ? 0 : nil
        self.aliases = aliases.isEmpty ? [] : providerNames.indices.map { aliases[$0] }
    }

    /// The route of `model`; nil when nothing serves it (404 `model_not_found`).
    package func route(model: ByteSlice, providerHeader: ByteSlice?) -> Route? {
        guard var route = match(model: model, providerHeader: providerHeader) else { return nil }
        if route.upstreamModel == nil {
            route.upstreamModel = alias(of: model.dropFirst(route.prefixCount), at: route.provider)
        }
        return route
    }

    private func alias(of model: ByteSlice, at provider: Int) -> String? {
        aliases.isEmpty ? nil : aliases[provider]?[model]
    }

    private func match(model: ByteSlice, providerHeader: ByteSlice?) -> Route? {
        if let index = exact[model] { return exactRoutes[index] }
        for (pattern, route) in patterns where pattern.matches(model) { return route }
        if let slash = model.firstIndex(of: 0x2F), slash > 0, slash + 1 < model.count,
            let provider = providers[model.prefix(slash)]
        {
            return Route(provider: provider, upstreamModel: nil, prefixCount: slash + 1)
        }
        if let name = providerHeader {
            return providers[name].map { Route(provider: $0, upstreamModel: nil) }
        }
        for (pattern, provider) in builtIn where pattern.matches(model) {
            return Route(provider: provider, upstreamModel: nil)
        }
        return onlyProvider.map { Route(provider: $0, upstreamModel: nil) }
    }

    // MARK: More than one way

    /// The providers that a model's own targets are at; empty where nothing serves it.
    package func providers(of model: String) -> [Int] {
        model.withByteSlice { route(model: $0, providerHeader: nil) }.map { route in
            route.group.map { groups[$0].targets.map(\.provider) } ?? [route.provider]
        } ?? []
    }

    /// Whom a request may be sent to, one after the other: the targets of its model, then those of
    /// the models that stand in for it. Their own stand-ins are not asked.
    ///
    /// - Parameters:
    ///   - model: the client's name, which has led to `route`.
    ///   - draw: random numbers in 0..<1.
    ///   - load: the requests that a provider has now.
    package func plan(
        _ route: Route, model: ByteSlice, draw: () -> Double, load: (_ provider: Int) -> Int
    ) -> RoutePlan {
        var candidates: [RoutePlan.Candidate] = []
        append(route, model, draw, load, to: &candidates)
        for name in route.group.map({ groups[$0].fallbacks }) ?? [] {
            name.withByteSlice { name in
                guard let other = self.route(model: name, providerHeader: nil) else { return }
                append(other, name, draw, load, to: &candidates)
            }
        }
        return RoutePlan(candidates)
    }

    private func append(
        _ route: Route, _ model: ByteSlice, _ draw: () -> Double, _ load: (Int) -> Int,
        to candidates: inout [RoutePlan.Candidate]
    ) {
        let name = model.dropFirst(route.prefixCount)
        guard let number = route.group else {
            return Self.append(
                RoutePlan.Candidate(
                    provider: route.provider, upstreamModel: route.upstreamModel ?? name.string,
                    settings: route.settings, timeouts: route.timeouts), to: &candidates)
        }
        let group = groups[number]
        turns[number] &+= 1
        let turn = (turns[number] - 1) & .max
        for place in group.order(turn: turn, draw: draw, load: load) {
            let target = group.targets[place]
            let upstreamModel =
                target.upstreamModel ?? alias(of: name, at: target.provider) ?? name.string
            Self.append(
                RoutePlan.Candidate(
                    provider: target.provider, upstreamModel: upstreamModel,
                    settings: route.settings, timeouts: route.timeouts, retries: group.retries),
                to: &candidates)
        }
    }

    /// What has failed is not asked for a second time under another name.
    private static func append(
        _ candidate: RoutePlan.Candidate, to candidates: inout [RoutePlan.Candidate]
    ) {
        let isKnown = candidates.contains {
            $0.provider == candidate.provider && $0.upstreamModel == candidate.upstreamModel
        }
        if !isKnown { candidates.append(candidate) }
    }
}
