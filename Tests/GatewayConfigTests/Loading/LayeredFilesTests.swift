import GatewayModel
import Testing

@testable import GatewayConfig

@Suite struct LayeredFilesTests {
    private func sources(
        defaults: String? = nil, local: String? = nil, names: String? = nil, file: String? = nil,
        _ environment: [String: String] = [:]
    ) -> ConfigurationSources {
        var sources = ConfigurationSources()
        for (name, text) in [("config/default.yml", defaults), ("config/local.yml", local)] {
            if let text {
                sources.layerFiles.append(
                    ConfigurationDocument(name: name, bytes: Array(text.utf8)))
            }
        }
        sources.variableNamesFile = names.map {
            ConfigurationDocument(
                name: "config/custom-environment-variables.yml", bytes: Array($0.utf8))
        }
        sources.file = file.map {
            ConfigurationDocument(name: "gateway.yaml", bytes: Array($0.utf8))
        }
        sources.environment = environment
        return sources
    }

    private func key(of type: ProviderType, in configuration: Configuration) -> Secret? {
        switch configuration.providers.first(where: { $0.kind.type == type })?.kind {
        case .openAI(let settings): settings.apiKey
        case .anthropic(let settings): settings.apiKey
        default: nil
        }
    }

    private let defaults = """
        llmProxy:
          openai: {apiKey: sk-default}
          anthropic: {apiKey: sk-ant-default}
          vertexAI: {projectId: "", location: us-central1}
        app: {port: 3000, host: 127.0.0.1}
        """

    @Test func localGoesOverDefault() throws {
        let loaded = try sources(
            defaults: defaults,
            local: """
                llmProxy: {openai: {apiKey: sk-local}, vertexAI: {projectId: my-project}}
                app: {port: 54011}
                """
        ).load()
        let configuration = loaded.configuration
        #expect(configuration.server.port == 54011)
        #expect(configuration.server.host == "127.0.0.1")
        #expect(key(of: .openAI, in: configuration) == Secret("sk-local"))
        #expect(key(of: .anthropic, in: configuration) == Secret("sk-ant-default"))
        guard
            case .vertex(let vertex) = configuration.providers.first(where: {
                $0.kind.type == .vertex
            })?.kind
        else {
            Issue.record("no vertex")
            return
        }
        #expect(vertex.project == "my-project")
        #expect(vertex.location == "us-central1")
        #expect(loaded.warnings == [])
    }

    @Test func theEnvironmentGoesOverBoth() throws {
        let configuration = try sources(
            defaults: defaults, ["OPENAI_API_KEY": "sk-env", "PORT": "1234"]
        ).load().configuration
        #expect(configuration.server.port == 1234)
        #expect(key(of: .openAI, in: configuration) == Secret("sk-env"))
        #expect(key(of: .anthropic, in: configuration) == Secret("sk-ant-default"))
    }

    @Test func variablesMayHaveOtherNames() throws {
        let names = """
            llmProxy:
              openai: {apiKey: MY_OPENAI}
              anthropic: {apiKey: {__name: MY_ANTHROPIC, __format: string}}
            app: {port: MY_PORT}
            """
        let configuration = try sources(
            defaults: defaults, names: names,
            [
                "MY_OPENAI": "sk-mine", "MY_ANTHROPIC": "sk-ant-mine", "MY_PORT": "4321",
                "OPENAI_API_KEY": "sk-usual",
            ]
        ).load().configuration
        #expect(key(of: .openAI, in: configuration) == Secret("sk-mine"))
        #expect(key(of: .anthropic, in: configuration) == Secret("sk-ant-mine"))
        #expect(configuration.server.port == 4321)
        // One that is not set says nothing.
        let other = try sources(defaults: defaults, names: names).load().configuration
        #expect(key(of: .openAI, in: other) == Secret("sk-default"))
        #expect(other.server.port == 3000)
    }

    @Test func theGatewaysOwnFileGoesOverThem() throws {
        let configuration = try sources(
            defaults: defaults, file: "{server: {port: 8080}, providers: {sim: {type: simulator}}}"
        ).load().configuration
        #expect(configuration.server.port == 8080)
        #expect(configuration.providers.map(\.name) == ["sim"])
    }

    @Test func mistakesNameTheirPlace() {
        #expect(
            problems { () throws(ConfigurationFailure) in
                try sources(defaults: "llmProxy: {openai: {apiKey: a b}}\napp: {port: many}").load()
            } == [
                "config/default.yml:2:13: server.port: 'many' is not a whole number from 0 to 65535",
                "config/default.yml:1:29: providers.openai.api_key: the value holds a space or "
                    + "another character that a key cannot hold",
            ])
        #expect(
            problems { () throws(ConfigurationFailure) in
                try sources(defaults: "llmProxy: {").load()
            }.first?.hasPrefix("config/default.yml:") == true)
    }

    @Test func otherKeysAreWarnedOf() throws {
        let loaded = try sources(
            defaults: "llmProxy: {openai: {apiKey: k, organisation: o}, azure: {}}\nother: 1"
        ).load()
        #expect(
            loaded.warnings.map(\.message) == [
                "unknown key 'llmProxy.openai.organisation'", "unknown key 'llmProxy.azure'",
                "unknown key 'other'",
            ])
    }

    @Test(arguments: [
        "app: {port: 1}", "server: {port: 1}\nlogging: {level: info}", "[1, 2]", "{{", "",
    ])
    func otherProgramsFilesAreLeftAlone(text: String) throws {
        let loaded = try sources(defaults: text).load()
        #expect(loaded.configuration.server.port == 8000)
        #expect(loaded.configuration.providers.map(\.name) == ["sim"])
        #expect(loaded.warnings == [])
    }

    @Test func aWorkerGetsThemToo() throws {
        let all = sources(
            defaults: defaults, local: "app: {port: 5}", names: "app: {port: MY_PORT}",
            ["MY_PORT": "77"])
        let (_, bundle) = try ConfigurationBundle.load(all)
        let again = bundle.sources(environment: [:], commandLine: [])
        #expect(again.layerFiles == all.layerFiles)
        #expect(again.variableNamesFile == all.variableNamesFile)
        #expect(try again.load().configuration.server.port == 5)
    }
}
