import Testing

@testable import GatewayConfig

@Suite struct EffectiveConfigurationTests {
    private let texts = [
        "",
        """
        server: {host: "::1", workers: 3, tls: {certificate: "a b.pem", private_key: "$${x}.pem"}}
        models: {"a*": {provider: sim}, b: {targets: [{provider: sim, model: "x:y"}]}}
        observability: {log: {level: debug}}
        """,
    ]

    /// What is printed reads as the configuration it was printed from.
    @Test func readsAsTheSame() throws {
        let example = try load(try Example.text(), Example.environment).configuration
        for configuration in try texts.map({ try load($0).configuration }) + [example] {
            let first = EffectiveConfiguration.text(configuration)
            // Masked hashes are no hashes.
            let readable = first.split(separator: "\n", omittingEmptySubsequences: false).map {
                $0.contains("sha256: \"***\"")
                    ? "      sha256: \(String(repeating: "0", count: 64))" : String($0)
            }.joined(separator: "\n")
            #expect(EffectiveConfiguration.text(try load(readable).configuration) == first)
        }
    }

    @Test func showsNoSecret() throws {
        let text = """
            auth: {keys: [{name: a, key: SECRET1}]}
            providers: {p: {type: openai, api_key: SECRET2, headers: {X-A: SECRET3}}}
            """
        let configuration = try load(text).configuration
        #expect(!EffectiveConfiguration.text(configuration).contains("SECRET"))
        #expect(!"\(configuration)".contains("SECRET"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("SECRET"))
    }

    @Test func listsProvidersAndRoutes() throws {
        let text = EffectiveConfiguration.text(
            try load(try Example.text(), Example.environment).configuration)
        let expected = """

            # provider  type       where                      key
            # openai    openai     https://api.openai.com/v1  set
            # local     openai     http://127.0.0.1:11434/v1  none
            # sim       simulator  in this process            none
            #
            # model    provider  model there
            # gpt-4o   openai    as asked for
            # fast     openai    gpt-4o-mini
            # careful  openai    o3
            # shared   openai    gpt-4o-mini
            # shared   local     llama3.3
            # shared   then as   sim/sim
            # llama*   local     as asked for

            """
        #expect(text.hasSuffix(expected))
    }

    @Test func quotesWhatNeedsIt() {
        let cases = [
            ("abc", "abc"), ("/a/b.pem", "/a/b.pem"), ("15s", "15s"), ("", "\"\""),
            ("null", "\"null\""), ("a: b", "\"a: b\""), ("*", "\"*\""), ("-", "\"-\""),
            ("a\"\\", "\"a\\\"\\\\\""), ("é\n", "\"\\U000000E9\\U0000000A\""),
            ("${A}", "\"$${A}\""), ("$${A}", "\"$$${A}\""), ("::1", "\"::1\""),
        ]
        for (text, written) in cases {
            #expect(WrittenYAML.scalar(text) == written)
        }
    }
}
