// SalesforceFileTests.swift — the `config.json` of earlier gateways: both spellings, what it wins
// over, and what is said of it.

import Glibc
import TestSupport
import Testing

@testable import GatewayConfig

@Suite struct SalesforceFileTests {
    private static let lower = """
        {"consumer_key": "k1", "consumer_secret": "s1", "username": "u1", "private_key_file": "p1",
         "instance_url": "https://one.example", "api_version": "v61.0"}
        """
    private static let upper = """
        {"SALESFORCE_CONSUMER_KEY": "k1", "SALESFORCE_CONSUMER_SECRET": "s1",
         "SALESFORCE_USERNAME": "u1", "SALESFORCE_PRIVATE_KEY_FILE": "p1",
         "SALESFORCE_INSTANCE_URL": "https://one.example", "SALESFORCE_API_VERSION": "v61.0"}
        """

    private func salesforce(_ loaded: LoadedConfiguration) throws -> SalesforceConfiguration {
        for provider in loaded.configuration.providers {
            if case .salesforce(let settings) = provider.kind { return settings }
        }
        throw FileFailure(path: "", reason: "has no salesforce provider")
    }

    @Test(arguments: [lower, upper])
    func bothSpellingsMakeTheProvider(json: String) throws {
        let loaded = try loadServingAll([:], config: json)
        #expect(loaded.warnings == [])
        #expect(loaded.configuration.providers.map(\.name) == ["salesforce"])
        let settings = try salesforce(loaded)
        #expect(settings.consumerKey.withBytes(\.string) == "k1")
        #expect(settings.consumerSecret?.withBytes(\.string) == "s1")
        #expect(settings.username == "u1")
        // Meant from the file's own directory.
        #expect(settings.privateKeyFile == "../p1")
        #expect(settings.instanceURL.description == "https://one.example")
        #expect(settings.apiVersion == "v61.0")
    }

    @Test func theFileComesBeforeTheEnvironmentAndThatBeforeTheDefaults() throws {
        let environment = [
            "SALESFORCE_CONSUMER_KEY": "k2", "SALESFORCE_CONSUMER_SECRET": "s2",
            "SALESFORCE_INSTANCE_URL": "https://two.example", "SALESFORCE_API_VERSION": "v62.0",
        ]
        let json = #"{"consumer_key": "k1", "consumer_secret": "", "api_version": null}"#
        let mixed = try salesforce(try loadServingAll(environment, config: json))
        #expect(mixed.consumerKey.withBytes(\.string) == "k1")
        #expect(mixed.consumerSecret?.withBytes(\.string) == "s2")
        #expect(mixed.instanceURL.description == "https://two.example")
        #expect(mixed.apiVersion == "v62.0")
        let filed = try salesforce(try loadServingAll(environment, config: Self.lower))
        #expect(filed.consumerSecret?.withBytes(\.string) == "s1")
        #expect(filed.apiVersion == "v61.0")
        var bare = environment
        bare["SALESFORCE_API_VERSION"] = nil
        #expect(try salesforce(try loadServingAll(bare)).apiVersion == "v64.0")
    }

    /// For anything else the environment wins, as it does over every file.
    @Test func itRulesOverSalesforceAlone() throws {
        let loaded = try loadServingAll(["OPENAI_API_KEY": "k", "PORT": "9"], config: Self.lower)
        #expect(loaded.configuration.providers.map(\.name) == ["openai", "salesforce"])
        #expect(loaded.configuration.server.port == 9)
    }

    @Test func itFillsTheConfiguredProvider() throws {
        var sources = ConfigurationSources()
        sources.file = ConfigurationDocument(
            name: "gateway.yaml",
            bytes: Array(
                """
                providers:
                  sim: {type: simulator}
                  crm: {type: salesforce, consumer_key: k0, surface: llm-gateway}
                """.utf8))
        sources.salesforceFile = ConfigurationDocument(
            name: "config.json", bytes: Array(Self.lower.utf8))
        let loaded = try sources.load()
        #expect(loaded.configuration.providers.map(\.name) == ["sim", "crm"])
        let settings = try salesforce(loaded)
        #expect(settings.consumerKey.withBytes(\.string) == "k1")
        #expect(settings.surface == .llmGateway)
        #expect(settings.privateKeyFile == "p1")

        sources.file?.bytes = Array("providers: {sim: {type: simulator}}".utf8)
        #expect(
            try sources.load().warnings.map(\.description) == [
                "config.json:1:2: is not used, because 'providers' has none of type salesforce"
            ])
    }

    @Test func itMayAlsoHoldAConfiguration() throws {
        var sources = ConfigurationSources()
        sources.file = ConfigurationDocument(
            name: "config.json",
            bytes: Array(
                """
                {"consumer_key": "k", "consumer_secret": "s", "instance_url": "https://a.example",
                 "server": {"port": 9}, "log_level": "debug"}
                """.utf8))
        let loaded = try sources.load()
        #expect(loaded.configuration.server.port == 9)
        #expect(loaded.configuration.providers.map(\.name) == ["salesforce"])
        #expect(
            loaded.warnings.map(\.description) == ["config.json:2:25: unknown key 'log_level'"])
    }

    @Test func mistakesInItAreToldByPlace() {
        func found(_ json: String) -> [String] {
            problems { () throws(ConfigurationFailure) in try loadServingAll([:], config: json) }
        }
        #expect(
            found(#"{"consumer_key": "k", "SALESFORCE_CONSUMER_KEY": "hidden"}"#) == [
                "../config.json:1:23: 'SALESFORCE_CONSUMER_KEY' gives consumer_key a second time",
                "../config.json:1:18: providers.salesforce: ../config.json and the environment "
                    + "lack SALESFORCE_INSTANCE_URL; SALESFORCE_CONSUMER_SECRET or "
                    + "SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY_FILE",
            ])
        #expect(
            found(
                #"{"consumer_key": "k", "consumer_secret": "s", "instance_url": "acme.example"}"#)
                == [
                    "../config.json:1:63: providers.salesforce.instance_url: 'acme.example' does "
                        + "not begin with http:// or https://"
                ])
        #expect(found("{").count == 1)
    }

    @Test func theShippedExampleLoads() throws {
        let bytes = try ConfigurationFile.read(repository + "/config.json.example")
        let loaded = try loadServingAll([:], config: String(decoding: bytes, as: UTF8.self))
        #expect(loaded.warnings == [])
        let settings = try salesforce(loaded)
        guard case .jwtBearer("integration.user@acme.example", "../server.key") = settings.grant
        else {
            Issue.record("wrong grant")
            return
        }
        #expect(settings.instanceURL.description == "https://acme.my.salesforce.com")
    }

    // MARK: Where it is found

    private func gather(_ directory: TestDirectory) throws -> ConfigurationSources {
        try ConfigurationSources.gather(
            configFlag: nil, environment: [:], commandLine: [],
            programDirectory: directory.path)
    }

    @Test func itIsFoundAloneAndBesideAConfiguration() throws {
        let directory = TestDirectory()
        let path = directory.write("config.json", Self.lower)
        let alone = try gather(directory)
        #expect(alone.file?.name == path)
        #expect(alone.salesforceFile == nil)
        #expect(alone.searchedDirectories.prefix(2) == [".", ".."])

        let yaml = directory.write("gateway.yaml", "server: {port: 1}")
        let both = try gather(directory)
        #expect(both.file?.name == yaml)
        #expect(both.salesforceFile?.name == path)

        let ours = TestDirectory()
        let config = ours.write("config.json", #"{"server": {"port": 1}}"#)
        #expect(try gather(ours).file?.name == config)
        #expect(try gather(ours).salesforceFile == nil)
    }

    @Test func capabilityFilesAreFound() throws {
        let directory = TestDirectory()
        #expect(try gather(directory).capabilitiesFile == nil)
        mkdir(directory.path(of: "config"), 0o700)
        defer {
            for name in ["config/models.json", "config/models.yml"] {
                unlink(directory.path(of: name))
            }
            rmdir(directory.path(of: "config"))
        }
        let json = directory.write("config/models.json", "{}")
        #expect(try gather(directory).capabilitiesFile?.name == json)
        let yaml = directory.write("config/models.yml", "a: {vision: true}")
        #expect(try gather(directory).capabilitiesFile?.name == yaml)
        #expect(
            try gather(directory).load().configuration.capabilities.map(\.entries.count) == [1])
    }
}
