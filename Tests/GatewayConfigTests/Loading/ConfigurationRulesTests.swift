import GatewayConfig
import Testing

@Suite struct ConfigurationRulesTests {
    @Test(arguments: ["0.0.0.0", "'::'", "gateway.example"])
    func anOpenGatewayIsSaidOutLoud(host: String) {
        let text = "server: {host: \(host)}\n"
        let found = problems(text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("gateway.yaml:1:16: server.host: ") == true)
        #expect(problems(text + "auth: {mode: open}") == [])
        #expect(problems(text + "auth: {mode: bearer}") == [])
        #expect(problems(text + "auth: {keys: [{name: a, key: b}]}") == [])
        #expect(problems(text, ["LOCAL_API_KEY": "k"]) == [])
        #expect(problems(text, ["AUTH_MODE": "open"]) == [])
        #expect(
            problems("", ["HOST": "0.0.0.0"]).first?.hasPrefix("environment variable HOST") == true)
    }

    @Test func keyedModeNeedsKeys() {
        #expect(
            problems("auth: {mode: keys}")
                == ["gateway.yaml:1:14: auth.mode: asks for keys, but auth.keys has none"])
    }

    @Test func keysAreTheirOwn() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
        #expect(
            problems("auth: {keys: [{name: a, key: x}, {name: a, key: y}, {name: c, key: x}]}") == [
                "gateway.yaml:1:41: auth.keys[1].name: 'a' is the name of an earlier key",
                "gateway.yaml:1:68: auth.keys[2].key: is the same key as that of 'a'",
            ])
        #expect(
            problems("auth: {keys: [{name: a, key: secret}, {name: b, sha256: \(hash)}]}")
                == ["gateway.yaml:1:57: auth.keys[1].sha256: is the same key as that of 'a'"])
    }

    @Test func aKeyIsGivenInOneForm() {
        let found = problems(
            "auth: {keys: [{name: a}, {name: b, key: x, sha256: \(String(repeating: "0", count: 64))}]}"
        )
        #expect(
            found == [
                "gateway.yaml:1:15: auth.keys[0]: either 'key' or 'sha256' is needed",
                "gateway.yaml:1:52: auth.keys[1]: 'key' and 'sha256' exclude each other",
            ])
    }

    @Test func modelsNameProvidersThatExist() {
        let text = """
            providers: {openai: {type: openai}, local: {type: openai}}
            models:
              a: {provider: opnai}
              b: {targets: [{provider: nowhere}]}
              c: {provider: local}
            """
        #expect(
            problems(text) == [
                "gateway.yaml:3:17: models.a.provider: no provider is named 'opnai'; "
                    + "did you mean 'openai'?",
                "gateway.yaml:4:28: models.b.targets[0].provider: no provider is named 'nowhere'; "
                    + "there are: openai, local",
            ])
        #expect(
            problems("models_only: true")
                == ["gateway.yaml:1:14: models_only: is on, but 'models' lists none"])
    }

    /// What could not be read is one mistake, not two.
    @Test func mistakesDoNotMultiply() {
        let text = """
            server: {host: 0.0.0.0}
            auth: {mode: keys, keys: [{nam: a, key: b}]}
            providers: {a: {type: openai, base_url: x}}
            models: {m: {provider: a}}
            """
        #expect(problems(text).count == 3)
    }

    @Test func targetsTakeThePlaceOfAProvider() {
        let cases = [
            ("{}", "gateway.yaml:2:13: models.m: the key 'provider' is missing"),
            ("{model: x}", "gateway.yaml:2:13: models.m: the key 'provider' is missing"),
            ("{targets: []}", "gateway.yaml:2:23: models.m: 'targets' is empty"),
            (
                "{provider: a, targets: [{provider: a}]}",
                "gateway.yaml:2:36: models.m: 'targets' takes the place of 'provider' and 'model'"
            ),
        ]
        for (line, problem) in cases {
            let text = "providers: {a: {type: openai}}\nmodels: {m: \(line)}"
            #expect(problems(text) == [problem])
        }
    }

    @Test func noMoreTargetsThanAreAsked() {
        let targets = Array(repeating: "{provider: a}", count: 17).joined(separator: ", ")
        #expect(
            problems("providers: {a: {type: openai}}\nmodels: {m: {targets: [\(targets)]}}")
                == ["gateway.yaml:2:264: models.m: more than 16 targets are never asked"])
    }

    @Test func fallbacksLeadSomewhereElse() {
        let text = """
            providers: {a: {type: openai}, b: {type: anthropic}}
            models:
              fast: {provider: a, fallbacks: [fast, fasst, "x*", slow, b/any, claude-x, gpt-5]}
              slow: {targets: [{provider: b}, {provider: a, weight: 3}], strategy: weighted}
            """
        #expect(
            problems(text) == [
                "gateway.yaml:3:35: models.fast.fallbacks[0]: 'fast' stands in for itself",
                "gateway.yaml:3:41: models.fast.fallbacks[1]: nothing serves a model 'fasst'; did "
                    + "you mean 'fast'?",
                "gateway.yaml:3:48: models.fast.fallbacks[2]: nothing serves a model 'x*'",
            ])
        let only = "models_only: true\n" + text.replacing("[fast, fasst, \"x*\", ", with: "[")
        #expect(problems(only).count == 3)
    }

    @Test func whatDoesNotExistYetIsRefused() {
        let texts = [
            "observability: {langfuse: {}}", "observability: {otlp: {}}",
            "observability: {log: {bodies: true}}",
            "providers: {a: {type: azure}}", "providers: {a: {type: bedrock, region: x}}",
        ]
        for text in texts {
            let found = problems(text)
            #expect(found.count == 1 && found[0].contains("not yet available"), "\(text): \(found)")
        }
    }

    @Test func oddThingsAreWarnings() throws {
        let loaded = try load(
            """
            auth: {mode: open, keys: [{name: a, key: b}]}
            providers:
              a: {type: openai, base_url: "http://far.example/v1", api_key: x}
              b: {type: openai, tls_verify: false}
              c: {type: openai, base_url: "http://127.0.0.1/v1", api_key: x, tls_verify: false}
            """)
        #expect(
            loaded.warnings.map(\.description) == [
                "gateway.yaml:1:26: auth.keys: are not asked for, because auth.mode is open",
                "gateway.yaml:3:31: providers.a.base_url: the key goes over the network unencrypted",
                "gateway.yaml:4:33: providers.b.tls_verify: is off: anybody in between can read "
                    + "the traffic and the key",
            ])
    }

    @Test func everyAddressIsLookedAt() throws {
        let warnings = try load(
            """
            providers:
              a: {type: anthropic, base_url: "http://far.example"}
              b: {type: anthropic, base_url: "http://far.example", api_key: x}
              c:
                type: salesforce
                instance_url: "http://127.0.0.1:1"
                consumer_key: k
                consumer_secret: s
                api_url: "http://far.example"
                token_url: "https://far.example"
                tls_verify: false
            """
        ).warnings.map(\.description)
        #expect(
            warnings == [
                "gateway.yaml:3:34: providers.b.base_url: the key goes over the network unencrypted",
                "gateway.yaml:9:14: providers.c.api_url: the key goes over the network unencrypted",
                "gateway.yaml:11:17: providers.c.tls_verify: is off: anybody in between can read "
                    + "the traffic and the key",
            ])
    }

    @Test func aSurfaceIsSalesforces() {
        let text = """
            providers: {sim: {type: simulator}}
            models: {m: {provider: sim, surface: models}}
            """
        #expect(
            problems(text) == [
                "gateway.yaml:2:38: models.m.surface: is a setting of salesforce, but 'sim' is of "
                    + "type simulator"
            ])
    }

    /// What a type sends by itself is none of the operator's, and each header is given once.
    @Test func headersOfATypeAreItsOwn() {
        let salesforce = "instance_url: 'https://a', consumer_key: k, consumer_secret: s"
        let cases = [
            ("anthropic", "api_key: k", "X-API-Key", "api_key"),
            ("anthropic", "betas: [a]", "anthropic-beta", "betas"),
            ("anthropic", "version: x", "anthropic-version", "version"),
            ("gemini", "api_key: k", "x-goog-api-key", "api_key"),
            ("sambanova", "api_key: k", "authorization", "api_key"),
            ("vertex", "project: p", "authorization", "the token"),
            ("salesforce", salesforce, "x-sfdc-app-context", "the gateway"),
            ("salesforce", salesforce, "authorization", "the token"),
            ("sambanova-web", "email: e, password: p", "cookie", "the session"),
        ]
        for (type, settings, header, owner) in cases {
            let text = "providers: {a: {type: \(type), \(settings), headers: {\(header): x, A: b}}}"
            let found = problems(text)
            let message = "providers.a: headers: \(owner) sets '\(header)' already"
            #expect(found.count == 1 && found[0].hasSuffix(message), "\(type): \(found)")
        }
        for type in ["anthropic", "gemini", "sambanova"] {
            let text = "providers: {a: {type: \(type), headers: {authorization: x, x-api-key: y}}}"
            #expect(problems(text) == [])
        }
    }

    @Test func salesforceNeedsOneOfItsFlows() {
        let base = "type: salesforce, instance_url: 'https://a', consumer_key: k"
        func found(_ more: String) -> [String] { problems("providers: {s: {\(base)\(more)}}") }
        let message =
            "gateway.yaml:1:16: providers.s: either 'consumer_secret' or both 'username' and "
            + "'private_key_file' are needed"
        #expect(found("") == [message])
        #expect(found(", username: u") == [message])
        #expect(found(", private_key_file: f") == [message])
        #expect(found(", username: u, private_key_file: f") == [])
        #expect(found(", consumer_secret: s") == [])
        #expect(
            problems("providers: {s: {type: salesforce, consumer_secret: s}}") == [
                "gateway.yaml:1:16: providers.s: the key 'instance_url' is missing",
                "gateway.yaml:1:16: providers.s: the key 'consumer_key' is missing",
            ])
    }

    @Test func headersAreChecked() {
        let text = """
            providers:
              a:
                type: openai
                api_key: k
                headers:
                  Authorization: x
                  Host: x
                  "X Y": x
                  X-A: "a\\r\\nb"
                  x-a: c
                  X-a: d
            """
        #expect(
            problems(text).map { String($0.prefix(18)) } == [
                "gateway.yaml:7:7: ", "gateway.yaml:8:7: ", "gateway.yaml:9:12:",
                "gateway.yaml:6:22:", "gateway.yaml:11:12",
            ])
    }

    @Test func failureRatesAddUp() {
        let found = problems(
            "providers: {s: {type: simulator, failure_rates: {429: 0.6, cut: 0.6}}}")
        #expect(found == ["gateway.yaml:1:16: providers.s: failure rates add up to more than 1"])
    }
}
