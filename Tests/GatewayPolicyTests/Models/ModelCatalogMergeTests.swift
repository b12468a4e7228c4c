import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct ModelCatalogMergeTests {
    private typealias Configured = ModelCatalogMerge.Configured

    private let routes = RouteTable(
        rules: [
            ModelRule(pattern: "fast", route: Route(provider: 0, upstreamModel: "gpt-4o-mini")),
            ModelRule(pattern: "taken", route: Route(provider: 1, upstreamModel: nil)),
        ],
        providerNames: ["openai", "local", "claude"],
        builtInPatterns: [(pattern: "gpt-*", provider: 0), (pattern: "claude-*", provider: 2)],
        tableOnly: false)

    private func merged(
        _ configured: [Configured], _ lists: [[CatalogModel]?]
    ) -> [CatalogModel] {
        ModelCatalogMerge.merged(
            configured: configured, providerNames: ["openai", "local", "claude"], lists: lists,
            routes: routes)
    }

    @Test func listsEachModelByANameThatLeadsToIt() {
        let found = merged(
            [],
            [
                [CatalogModel(id: "gpt-4o"), CatalogModel(id: "taken"), CatalogModel(id: "fast")],
                [
                    CatalogModel(id: "qwen:7b"), CatalogModel(id: "gpt-4o"),
                    CatalogModel(id: "taken"),
                ],
                nil,
            ])
        #expect(
            found.map(\.id) == [
                "gpt-4o", "openai/taken", "openai/fast", "local/qwen:7b", "local/gpt-4o", "taken",
            ])
        for model in found {
            let route = model.id.withByteSlice { routes.route(model: $0, providerHeader: nil) }
            #expect(route?.provider == (model.owner == "openai" ? 0 : 1), "\(model.id)")
        }
    }

    @Test func hidesWhatCannotBeReached() {
        let routes = RouteTable(
            rules: [ModelRule(pattern: "a", route: Route(provider: 0, upstreamModel: nil))],
            providerNames: ["p"], builtInPatterns: [], tableOnly: true)
        let found = ModelCatalogMerge.merged(
            configured: [], providerNames: ["p"],
            lists: [[CatalogModel(id: "a"), CatalogModel(id: "b")]], routes: routes)
        #expect(found.map(\.id) == ["a"])
    }

    @Test func configuredNamesComeFirstAndLearnFromTheLists() {
        let told = CatalogModel(
            id: "gpt-4o-mini", owner: "system", displayName: "Mini", createdSeconds: 9,
            contextTokens: 128_000)
        let found = merged(
            [
                Configured(
                    model: CatalogModel(id: "fast", owner: "me"), provider: 0,
                    upstreamModel: "gpt-4o-mini"),
                Configured(model: CatalogModel(id: "gpt-4o-mini"), provider: 0),
                Configured(model: CatalogModel(id: "several", owner: "x")),
                Configured(model: CatalogModel(id: "several")),
            ], [[told], nil, nil])
        #expect(found.map(\.id) == ["fast", "gpt-4o-mini", "several"])
        #expect(found[0].owner == "me")
        #expect(found[0].displayName == "Mini")
        #expect(found[0].contextTokens == 128_000)
        #expect(found[1].owner == "system")
        #expect(found[1].createdSeconds == 9)
    }

    /// Seed row S2.
    @Test func claudeIsAnthropics() {
        let found = merged(
            [Configured(model: CatalogModel(id: "claude-3-haiku", owner: "salesforce"))],
            [nil, [CatalogModel(id: "claude-y", owner: "local")], [CatalogModel(id: "claude-x")]])
        #expect(found.map(\.id) == ["claude-3-haiku", "local/claude-y", "claude-x"])
        #expect(found.allSatisfy { $0.owner == "anthropic" })
    }
}
