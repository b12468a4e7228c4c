// EnvironmentProviderTests.swift — variables alone make providers, as they did in the gateways that
// came before; what is missing is told by the variables' names.

import Testing

@testable import GatewayConfig

@Suite struct EnvironmentProviderTests {
    private func kinds(_ environment: [String: String]) throws -> [ProviderConfiguration.Kind] {
        let providers = try loadServingAll(environment).configuration.providers
        for provider in providers where provider.name != "sim" {
            #expect(provider.name == provider.kind.type.rawValue)
        }
        return providers.map(\.kind)
    }

    @Test func keysMakeProviders() throws {
        let kinds = try kinds([
            "ANTHROPIC_API_KEY": "ka", "GEMINI_API_KEY": "kg", "SAMBANOVA_API_KEY": "ks",
            "OPENAI_API_KEY": "ko",
        ])
        #expect(kinds.map(\.type) == [.openAI, .anthropic, .gemini, .sambaNova])
        guard case .anthropic(let anthropic) = kinds[1], case .gemini(let gemini) = kinds[2],
            case .sambaNova(let sambaNova) = kinds[3]
        else { return }
        #expect(anthropic.apiKey?.withBytes(\.string) == "ka")
        #expect(gemini.apiKey?.withBytes(\.string) == "kg")
        #expect(sambaNova.apiKey?.withBytes(\.string) == "ks")
    }

    @Test func geminisOwnKeyComesFirst() throws {
        for (environment, key) in [
            (["GOOGLE_API_KEY": "a"], "a"), (["GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b"], "b"),
            (["GOOGLE_API_KEY": "a", "GEMINI_API_KEY": ""], "a"),
        ] {
            guard case .gemini(let settings) = try kinds(environment)[0] else {
                Issue.record("wrong kind")
                return
            }
            #expect(settings.apiKey?.withBytes(\.string) == key)
        }
    }

    @Test func aProjectMakesVertex() throws {
        guard
            case .vertex(let settings) = try kinds([
                "VERTEX_AI_PROJECT_ID": "p", "VERTEX_AI_LOCATION": "global",
            ])[0], case .vertex(let bare) = try kinds(["VERTEX_AI_PROJECT_ID": "p"])[0]
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.project == "p" && settings.location == "global")
        #expect(bare.location == "us-central1")
        #expect(try kinds(["VERTEX_AI_LOCATION": "global"]).map(\.type) == [.simulator])
    }

    @Test func salesforcesVariables() throws {
        guard
            case .salesforce(let settings) = try kinds([
                "SALESFORCE_CONSUMER_KEY": "ck", "SALESFORCE_CONSUMER_SECRET": "cs",
                "SALESFORCE_USERNAME": "u", "SALESFORCE_INSTANCE_URL": "https://acme.example",
                "SALESFORCE_PRIVATE_KEY_FILE": "server.key", "SALESFORCE_API_VERSION": "v65.0",
            ])[0]
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.consumerKey.withBytes(\.string) == "ck")
        #expect(settings.consumerSecret?.withBytes(\.string) == "cs")
        #expect(settings.username == "u")
        #expect(settings.instanceURL.description == "https://acme.example")
        #expect(settings.privateKeyFile == "server.key")
        #expect(settings.apiVersion == "v65.0")
        // By itself it means nothing.
        #expect(try kinds(["SALESFORCE_API_VERSION": "v65.0"]).map(\.type) == [.simulator])
    }

    @Test func sambaNovasWebVariables() throws {
        let environment = ["SAMBA_EMAIL": "a@b.example", "SAMBA_PASSWORD": "pw"]
        let more = [
            "SAMBA_COMPLETION_URL": "http://127.0.0.1:1/c",
            "SAMBA_MODELS_URL": "http://127.0.0.1:1/m", "FINGERPRINT_PREFIX": "f_",
            "TOKEN_CACHE_TIME": "60",
        ]
        let all = environment.merging(more) { $1 }
        guard case .sambaNovaWeb(let settings) = try kinds(all)[0],
            case .sambaNovaWeb(let bare) = try kinds(environment)[0],
            case .sambaNovaWeb(let timed) = try kinds(
                environment.merging(["TOKEN_CACHE_TIME": "2h"]) { $1 })[0]
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.email == "a@b.example")
        #expect(settings.password.withBytes(\.string) == "pw")
        #expect(settings.completionURL.description == "http://127.0.0.1:1/c")
        #expect(settings.modelsURL.description == "http://127.0.0.1:1/m")
        #expect(settings.fingerprintPrefix == "f_")
        #expect(settings.tokenCacheTime == .seconds(60))
        #expect(bare.tokenCacheTime == .seconds(604_800))
        #expect(timed.tokenCacheTime == .seconds(7200))
        #expect(try kinds(more).map(\.type) == [.simulator])
    }

    /// Every variable of the table reaches its key through `.env` too.
    @Test func dotEnvWorksTheSame() throws {
        var sources = ConfigurationSources()
        sources.dotEnv = ConfigurationDocument(
            name: ".env", bytes: Array("SAMBA_EMAIL=e\nSAMBA_PASSWORD='p w'\n".utf8))
        guard
            case .sambaNovaWeb(let settings) = try sources.load().configuration.providers[0].kind
        else {
            Issue.record("wrong kind")
            return
        }
        #expect(settings.password.withBytes(\.string) == "p w")
    }

    @Test func secretsMayComeFromFiles() throws {
        for (name, isSecret) in [
            ("SALESFORCE_CONSUMER_SECRET", true), ("SAMBA_PASSWORD", true),
            ("ANTHROPIC_API_KEY", true), ("GEMINI_API_KEY", true), ("GOOGLE_API_KEY", true),
            ("SAMBANOVA_API_KEY", true), ("SALESFORCE_PRIVATE_KEY", false),
            ("SALESFORCE_CONSUMER_KEY", false), ("MODEL_CAPABILITIES", false),
        ] {
            let variables = EnvironmentVariables(process: [name + "_FILE": "/f"]) {
                (_) throws(Refusal) in "from-file"
            }
            #expect(try variables[name] == (isSecret ? "from-file" : nil), "\(name)")
        }
    }

    @Test(arguments: [("600", 600), ("10m", 600)])
    func tokensMayBeRefreshedByTheClock(text: String, seconds: Int) throws {
        let variables = [
            "TOKEN_REFRESH_INTERVAL": text, "SAMBA_EMAIL": "a@b.example", "SAMBA_PASSWORD": "p",
            "VERTEX_AI_PROJECT_ID": "project",
        ]
        let configuration = try loadServingAll(variables).configuration
        #expect(configuration.providers.count == 2)
        for provider in configuration.providers {
            switch provider.kind {
            case .sambaNovaWeb(let settings):
                #expect(settings.refreshInterval == .seconds(seconds))
            case .vertex(let settings): #expect(settings.refreshInterval == .seconds(seconds))
            default: Issue.record("\(provider.name)")
            }
        }
        // By itself it means no provider.
        let alone = try loadServingAll(["TOKEN_REFRESH_INTERVAL": text]).configuration
        #expect(alone.providers.map(\.name) == ["sim"])
    }

    @Test func aFilesProvidersAreItsOwn() throws {
        let all = Dictionary(
            EnvironmentProvider.all.flatMap(\.settings).flatMap(\.variables).map { ($0, "x") },
            uniquingKeysWith: { first, _ in first })
        let configuration = try load("providers: {sim: {type: simulator}}", all).configuration
        #expect(configuration.providers.map(\.name) == ["sim"])
    }

    // MARK: What is missing

    @Test func aHalfLoginIsNamed() {
        #expect(
            problems { () throws(ConfigurationFailure) in
                try loadServingAll(["SAMBA_EMAIL": "hidden"])
            } == [
                "environment variable SAMBA_EMAIL: providers.sambanova-web: the environment lacks "
                    + "SAMBA_PASSWORD"
            ])
    }

    @Test(arguments: [
        (
            ["SALESFORCE_CONSUMER_KEY": "hidden"],
            "environment variable SALESFORCE_CONSUMER_KEY",
            "SALESFORCE_INSTANCE_URL; SALESFORCE_CONSUMER_SECRET or SALESFORCE_USERNAME and "
                + "SALESFORCE_PRIVATE_KEY_FILE"
        ),
        (
            ["SALESFORCE_USERNAME": "hidden", "SALESFORCE_INSTANCE_URL": "https://hidden"],
            "environment variable SALESFORCE_USERNAME",
            "SALESFORCE_CONSUMER_KEY; SALESFORCE_CONSUMER_SECRET or SALESFORCE_PRIVATE_KEY_FILE"
        ),
        (
            ["SALESFORCE_CONSUMER_SECRET": "hidden", "SALESFORCE_CONSUMER_KEY": "hidden"],
            "environment variable SALESFORCE_CONSUMER_KEY", "SALESFORCE_INSTANCE_URL"
        ),
    ])
    func whatSalesforceLacksIsNamed(
        environment: [String: String], place: String, names: String
    ) {
        let found = problems { () throws(ConfigurationFailure) in
            try loadServingAll(environment)
        }
        #expect(
            found == [
                "\(place): providers.salesforce: config.json was not found in ., .., /opt/gateway, "
                    + "and the environment lacks \(names)"
            ])
        #expect(!found.joined().contains("hidden"))
    }
}
