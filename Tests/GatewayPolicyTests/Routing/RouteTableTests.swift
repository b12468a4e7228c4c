// RouteTableTests.swift — the order in which a model's name is matched, step by step.

import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct RouteTableTests {
    private func table(
        _ rules: [(String, Int, String?)] = [], providers: [String] = ["one", "two", "three"],
        builtIn: [(String, Int)] = [], tableOnly: Bool = false
    ) -> RouteTable {
        RouteTable(
            rules: rules.map {
                ModelRule(pattern: $0.0, route: Route(provider: $0.1, upstreamModel: $0.2))
            },
            providerNames: providers,
            builtInPatterns: builtIn.map { (pattern: $0.0, provider: $0.1) }, tableOnly: tableOnly)
    }

    private func route(_ table: RouteTable, _ model: String, header: String? = nil) -> Route? {
        model.withByteSlice { model in
            guard let header else { return table.route(model: model, providerHeader: nil) }
            return header.withByteSlice { table.route(model: model, providerHeader: $0) }
        }
    }

    @Test func exactNamesComeBeforePatterns() {
        let table = table([("fast*", 0, nil), ("*", 1, nil), ("fast", 2, "large")])
        #expect(route(table, "fast") == Route(provider: 2, upstreamModel: "large"))
        #expect(route(table, "faster") == Route(provider: 0, upstreamModel: nil))
        #expect(route(table, "slow") == Route(provider: 1, upstreamModel: nil))
    }

    @Test(arguments: [
        [("a*", 0), ("ab*", 1), ("abc*", 2)], [("abc*", 2), ("ab*", 1), ("a*", 0)],
        [("ab*", 1), ("abc*", 2), ("a*", 0)],
    ])
    func theLongestPatternWinsInAnyOrder(rules: [(String, Int)]) {
        let table = table(rules.map { ($0.0, $0.1, nil) })
        #expect(route(table, "abcd")?.provider == 2)
        #expect(route(table, "abc")?.provider == 2)
        #expect(route(table, "abd")?.provider == 1)
        #expect(route(table, "a")?.provider == 0)
        #expect(route(table, "b") == nil)
    }

    @Test func aStarStandsForAnythingInTheMiddleAndNothing() {
        let table = table([("pre*post", 1, nil)])
        #expect(route(table, "prepost")?.provider == 1)
        #expect(route(table, "pre-and-post")?.provider == 1)
        #expect(route(table, "pre-post-post")?.provider == 1)
        #expect(route(table, "prepos") == nil)
        #expect(route(table, "pre") == nil)
        #expect(route(table, "xprepost") == nil)
        #expect(route(table, "prepostx") == nil)
    }

    @Test func headAndTailOfAPatternDoNotOverlap() {
        let table = table([("aba*ba", 1, nil)])
        #expect(route(table, "aba") == nil)
        #expect(route(table, "abaa") == nil)
        #expect(route(table, "ababa")?.provider == 1)
    }

    @Test func namesAreBytesAndCaseMatters() {
        let table = table([("Größe", 1, nil)])
        #expect(route(table, "Größe")?.provider == 1)
        #expect(route(table, "größe") == nil)
        #expect(route(table, "Gro\u{308}ße") == nil)
    }

    @Test func aPrefixNamesTheProvider() {
        let table = table()
        #expect(route(table, "two/m") == Route(provider: 1, upstreamModel: nil, prefixCount: 4))
        #expect(route(table, "two/m/n") == Route(provider: 1, upstreamModel: nil, prefixCount: 4))
        #expect(route(table, "four/m") == nil)
        #expect(route(table, "two/") == nil)
        #expect(route(table, "/m") == nil)
        #expect(route(table, "/") == nil)
        #expect(route(table, "two") == nil)
        #expect(route(table, "Two/m") == nil)
    }

    @Test func theTableComesBeforeThePrefix() {
        let table = table([("two/m", 0, "x"), ("two/p*", 2, nil)])
        #expect(route(table, "two/m") == Route(provider: 0, upstreamModel: "x"))
        #expect(route(table, "two/pq") == Route(provider: 2, upstreamModel: nil))
        #expect(route(table, "two/q") == Route(provider: 1, upstreamModel: nil, prefixCount: 4))
    }

    @Test func theHeaderComesAfterThePrefixAndBeforeWhatIsBuiltIn() {
        let table = table([("exact", 0, nil)], builtIn: [("gpt-*", 0)])
        #expect(route(table, "gpt-4", header: "three") == Route(provider: 2, upstreamModel: nil))
        #expect(route(table, "gpt-4")?.provider == 0)
        #expect(route(table, "two/m", header: "three")?.provider == 1)
        #expect(route(table, "exact", header: "three")?.provider == 0)
        #expect(route(table, "four/m", header: "three") == Route(provider: 2, upstreamModel: nil))
    }

    /// Who asks for a provider that does not exist is not to be sent to another one.
    @Test func anUnknownHeaderServesNothing() {
        #expect(route(table(builtIn: [("*", 0)]), "gpt-4", header: "four") == nil)
        #expect(route(table(providers: ["one"]), "gpt-4", header: "four") == nil)
    }

    @Test func theFirstBuiltInPatternWins() {
        let table = table(builtIn: [("a*", 1), ("abc*", 2)])
        #expect(route(table, "abcd")?.provider == 1)
    }

    @Test func theOnlyProviderServesTheRest() {
        #expect(
            route(table(providers: ["one"]), "anything") == Route(provider: 0, upstreamModel: nil))
        #expect(route(table(providers: ["one"], builtIn: [("x*", 0)]), "anything")?.provider == 0)
        #expect(route(table(providers: ["one", "two"]), "anything") == nil)
        #expect(route(table(providers: []), "anything") == nil)
    }

    @Test func theTableAloneRoutesWhereThatIsSaid() {
        let table = table(
            [("m", 0, nil), ("p*", 0, nil)], providers: ["one"], builtIn: [("gpt-*", 0)],
            tableOnly: true)
        #expect(route(table, "m")?.provider == 0)
        #expect(route(table, "pq")?.provider == 0)
        #expect(route(table, "one/m") == nil)
        #expect(route(table, "x", header: "one") == nil)
        #expect(route(table, "gpt-4") == nil)
        #expect(route(table, "x") == nil)
    }

    // MARK: Aliases

    /// Whichever way the provider was chosen, the client's name becomes the provider's.
    @Test func aProvidersAliasesBecomeItsNames() {
        let table = RouteTable(
            rules: [
                ModelRule(pattern: "ruled", route: Route(provider: 1, upstreamModel: nil)),
                ModelRule(pattern: "named", route: Route(provider: 1, upstreamModel: "kept")),
            ],
            providerNames: ["one", "two"], builtInPatterns: [("short*", 1), ("other", 0)],
            tableOnly: false,
            aliases: [
                1: ModelAliases([("ruled", "r"), ("named", "n"), ("short", "s"), ("other", "o")])
            ])
        #expect(route(table, "ruled") == Route(provider: 1, upstreamModel: "r"))
        #expect(route(table, "named") == Route(provider: 1, upstreamModel: "kept"))
        #expect(route(table, "short") == Route(provider: 1, upstreamModel: "s"))
        #expect(route(table, "shorter") == Route(provider: 1, upstreamModel: nil))
        #expect(
            route(table, "two/short") == Route(provider: 1, upstreamModel: "s", prefixCount: 4))
        #expect(
            route(table, "two/long") == Route(provider: 1, upstreamModel: nil, prefixCount: 4))
        #expect(route(table, "other") == Route(provider: 0, upstreamModel: nil))
        #expect(route(table, "other", header: "two") == Route(provider: 1, upstreamModel: "o"))
        #expect(
            route(table, "one/short") == Route(provider: 0, upstreamModel: nil, prefixCount: 4))
    }

    @Test func theOnlyProvidersAliasesCount() {
        let table = RouteTable(
            rules: [], providerNames: ["one"], builtInPatterns: [], tableOnly: false,
            aliases: [0: ModelAliases([("a", "b")])])
        #expect(route(table, "a") == Route(provider: 0, upstreamModel: "b"))
        #expect(route(table, "b") == Route(provider: 0, upstreamModel: nil))
    }

    @Test func aRuleCarriesItsSettings() {
        var settings = ModelSettings()
        settings.surface = .llmGateway
        settings.streamTools = .downgrade
        settings.unsupportedParameters = .error
        let table = RouteTable(
            rules: [
                ModelRule(
                    pattern: "a*", route: Route(provider: 0, upstreamModel: nil, settings: settings)
                )
            ],
            providerNames: ["one"], builtInPatterns: [], tableOnly: false)
        #expect(route(table, "ab")?.settings == settings)
        #expect(route(table, "b")?.settings == ModelSettings())
    }

    // MARK: More than one way

    private func plan(
        _ table: RouteTable, _ model: String, draws: [Double] = [], loads: [Int] = [0, 0, 0]
    ) throws -> [String] {
        var draws = draws[...]
        let route = try #require(self.route(table, model))
        let plan = model.withByteSlice {
            table.plan(
                route, model: $0, draw: { draws.popFirst() ?? 0 }, load: { loads[$0] })
        }
        return plan.candidates.map { "\($0.provider):\($0.upstreamModel)" }
    }

    private func table(groups: [(String, TargetGroup)]) -> RouteTable {
        RouteTable(
            rules: groups.map { name, group in
                ModelRule(
                    pattern: name,
                    route: Route(
                        provider: group.targets[0].provider,
                        upstreamModel: group.targets[0].upstreamModel),
                    group: group)
            } + [ModelRule(pattern: "plain", route: Route(provider: 2, upstreamModel: "p"))],
            providerNames: ["one", "two", "three"], builtInPatterns: [("gpt-*", 1)],
            tableOnly: false, aliases: [1: ModelAliases([("short", "long")])])
    }

    @Test func aRouteWithoutAGroupIsAPlanOfOne() throws {
        let table = table(groups: [])
        #expect(route(table, "plain")?.group == nil)
        #expect(try plan(table, "plain") == ["2:p"])
        #expect(try plan(table, "two/m") == ["1:m"])
    }

    @Test func targetsThenThoseOfTheFallbacks() throws {
        let table = table(groups: [
            (
                "fast",
                TargetGroup(
                    targets: [
                        Target(provider: 0, upstreamModel: "a"),
                        Target(provider: 1, upstreamModel: nil),
                    ],
                    fallbacks: ["backup", "plain", "two/deep/name", "gpt-4", "nowhere"])
            ),
            (
                "backup",
                TargetGroup(
                    targets: [
                        Target(provider: 2, upstreamModel: "b"),
                        Target(provider: 0, upstreamModel: "a"),
                    ], fallbacks: ["fast"])
            ),
        ])
        #expect(route(table, "fast")?.group == 0)
        // What was asked is not asked again, and the backup's own fallbacks are not asked.
        #expect(
            try plan(table, "fast") == ["0:a", "1:fast", "2:b", "2:p", "1:deep/name", "1:gpt-4"])
        #expect(table.providers(of: "fast") == [0, 1])
        #expect(table.providers(of: "gpt-4") == [1])
        #expect(table.providers(of: "nowhere") == [])
    }

    @Test func aPatternsTargetsGetTheClientsNameAndItsAliases() throws {
        let group = TargetGroup(targets: [
            Target(provider: 0, upstreamModel: nil), Target(provider: 1, upstreamModel: nil),
        ])
        #expect(try plan(table(groups: [("sh*", group)]), "short") == ["0:short", "1:long"])
    }

    @Test func eachRequestTakesItsTurn() throws {
        let group = TargetGroup(
            targets: (0..<3).map { Target(provider: $0, upstreamModel: "m") },
            strategy: .roundRobin)
        let table = table(groups: [("g", group)])
        let firsts = try (0..<5).map { _ in try plan(table, "g")[0] }
        #expect(firsts == ["0:m", "1:m", "2:m", "0:m", "1:m"])
        // What is only looked up takes none.
        _ = route(table, "g")
        #expect(try plan(table, "g")[0] == "2:m")
    }
}
