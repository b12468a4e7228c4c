// ModelCatalogMerge.swift — the one list of models: the configured names, then what providers list,
// each under a name by which it is reached.
// Pure. Imported by Exchange. Invariant: a name that is listed routes to the provider that listed it.

import GatewayModel
import ReactorCore

package enum ModelCatalogMerge {
    /// A name of the configuration.
    package struct Configured {
        package var model: CatalogModel
        /// Where the name leads, and what it is called there; nil where it leads to several.
        package var provider: Int?
        package var upstreamModel: String?

        package init(model: CatalogModel, provider: Int? = nil, upstreamModel: String? = nil) {
            self.model = model
            self.provider = provider
            self.upstreamModel = upstreamModel
        }
    }

    /// - Parameters:
    ///   - providerNames: by index.
    ///   - lists: what each provider listed, by index.
    package static func merged(
        configured: [Configured], providerNames: [String], lists: [[CatalogModel]?],
        routes: RouteTable
    ) -> [CatalogModel] {
        var merged: [CatalogModel] = []
        var seen: Set<String> = []
        let indexes = configured.isEmpty ? [] : lists.map(byID)
        for entry in configured where seen.insert(entry.model.id).inserted {
            var model = entry.model
            if let provider = entry.provider, provider < indexes.count,
                let told = indexes[provider][entry.upstreamModel ?? model.id]
            {
                model.complete(with: told)
            }
            merged.append(named(model, owner: nil))
        }
        for (provider, list) in lists.enumerated() {
            guard let list, provider < providerNames.count else { continue }
            let name = providerNames[provider]
            for var model in list {
                guard let id = reachable(model.id, at: provider, name, routes),
                    seen.insert(id).inserted
                else { continue }
                model.id = id
                merged.append(named(model, owner: name))
            }
        }
        return merged
    }

    private static func byID(_ list: [CatalogModel]?) -> [String: CatalogModel] {
        Dictionary((list ?? []).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The name by which a provider's model is asked for: its own, else behind `provider/`; nil
    /// where neither leads there.
    private static func reachable(
        _ id: String, at provider: Int, _ name: String, _ routes: RouteTable
    ) -> String? {
        let plain = id.withByteSlice { routes.route(model: $0, providerHeader: nil) }
        if let plain, plain.provider == provider, plain.prefixCount == 0,
            plain.upstreamModel == nil || plain.upstreamModel == id
        {
            return id
        }
        let prefixed = "\(name)/\(id)"
        let route = prefixed.withByteSlice { routes.route(model: $0, providerHeader: nil) }
        guard let route, route.provider == provider, route.prefixCount == name.utf8.count + 1,
            route.upstreamModel == nil || route.upstreamModel == id
        else { return nil }
        return prefixed
    }

    /// Claude is Anthropic's, whoever serves it (seed row S2).
    private static func named(_ model: CatalogModel, owner: String?) -> CatalogModel {
        var model = model
        let bare = model.id.utf8.lastIndex(of: UInt8(ascii: "/")).map {
            model.id[model.id.utf8.index(after: $0)...]
        }
        if (bare ?? model.id[...]).hasPrefix("claude") {
            model.owner = "anthropic"
        } else if model.owner?.isEmpty ?? true {
            model.owner = owner
        }
        return model
    }
}

extension CatalogModel {
    /// Takes what the configuration did not say from what the provider tells.
    fileprivate mutating func complete(with told: CatalogModel) {
        owner = owner ?? told.owner
        displayName = displayName ?? told.displayName
        createdSeconds = createdSeconds ?? told.createdSeconds
        contextTokens = contextTokens ?? told.contextTokens
        outputTokensMax = outputTokensMax ?? told.outputTokensMax
    }
}
