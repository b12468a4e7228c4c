import GatewayConfig
import Testing

@Suite struct ConfigurationSourcesTests {
    @Test func laterSourcesWin() throws {
        var sources = ConfigurationSources()
        func port() throws -> Int { try sources.load().configuration.server.port }
        #expect(try port() == 8000)
        sources.file = ConfigurationDocument(
            name: "gateway.yaml", bytes: Array("server: {port: 1, host: localhost}".utf8))
        #expect(try port() == 1)
        sources.dotEnv = ConfigurationDocument(name: ".env", bytes: Array("PORT=2".utf8))
        #expect(try port() == 2)
        sources.environment = ["PORT": "3"]
        #expect(try port() == 3)
        sources.environment = ["PORT": ""]
        #expect(try port() == 1)
        sources.environment = ["PORT": "3"]
        sources.commandLine = [.init(path: "server.port", text: "4", flag: "--port")]
        #expect(try port() == 4)
        #expect(try sources.load().configuration.server.host == "localhost")
    }

    @Test func everyVariableReachesItsKey() throws {
        let configuration = try load(
            "",
            [
                "HOST": "127.0.0.2", "PORT": "1", "WORKERS": "2", "HEARTBEAT_INTERVAL": "3s",
                "SHUTDOWN_GRACE": "4s", "AUTH_MODE": "bearer", "LOG_LEVEL": "error",
                "LOG_FORMAT": "text",
            ]
        ).configuration
        #expect(configuration.server.host == "127.0.0.2")
        #expect(configuration.server.port == 1)
        #expect(configuration.server.workers == 2)
        #expect(configuration.server.heartbeatInterval == .seconds(3))
        #expect(configuration.server.shutdownGrace == .seconds(4))
        #expect(configuration.auth.mode == .bearer)
        #expect(configuration.observability.log.level == .error)
        #expect(configuration.observability.log.format == .text)
    }

    @Test func variablesSayWhereRecordsOfRequestsGo() throws {
        let found = try load(
            "",
            [
                "LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1",
                "LANGFUSE_HOST": "https://langfuse.example",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,x=1", "OTEL_SERVICE_NAME": "edge",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true", "ENVIRONMENT": "qa",
            ]
        ).configuration
        #expect(found.environmentName == "qa")
        let langfuse = found.observability.langfuse
        #expect(langfuse.isOn && langfuse.capturesContent)
        #expect(langfuse.secretKey?.withBytes(\.string) == "sk-lf-1")
        #expect(langfuse.baseURL.description == "https://langfuse.example")
        let otlp = found.observability.otlp
        #expect(otlp.isOn && otlp.capturesContent && otlp.serviceName == "edge")
        #expect(otlp.endpoint?.description == "http://localhost:4318")
        #expect(otlp.headers.map(\.name) == ["api-key", "x"])
        #expect(otlp.headers[0].value.withBytes(\.string) == "a b")
        // Alone neither name nor place switches anything on, and the newer variable wins.
        let bare = try load(
            "",
            [
                "OTEL_SERVICE_NAME": "edge", "LANGFUSE_HOST": "https://a.example",
                "LANGFUSE_BASE_URL": "https://b.example",
            ]
        ).configuration.observability
        #expect(!bare.langfuse.isOn && !bare.otlp.isOn)
        #expect(bare.langfuse.baseURL.description == "https://b.example")
    }

    @Test func oneKeyOfLangfuseIsNoUse() {
        let failure = #expect(throws: ConfigurationFailure.self) {
            try load("", ["LANGFUSE_PUBLIC_KEY": "pk-lf-1"])
        }
        #expect("\(failure.map { "\($0)" } ?? "")".contains("the key 'secret_key' is missing"))
        #expect(throws: ConfigurationFailure.self) {
            try load("observability: {langfuse: {secret_key: x}}")
        }
    }

    @Test func theEnvironmentAloneMakesAProvider() throws {
        let configuration = try load(
            "", ["OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://localhost:1/v1"]
        ).configuration
        #expect(configuration.providers.map(\.name) == ["openai"])
        guard case .openAI(let upstream) = configuration.providers[0].kind else {
            Issue.record("wrong kind")
            return
        }
        #expect(upstream.apiKey?.withBytes(\.string) == "sk")
        #expect(upstream.baseURL.description == "http://localhost:1/v1")
        let bare = try load("", ["OPENAI_API_KEY": "sk"]).configuration.providers[0]
        guard case .openAI(let upstream) = bare.kind else {
            Issue.record("wrong kind")
            return
        }
        #expect(upstream.baseURL.description == "https://api.openai.com/v1")
    }

    /// The environment's key must not go to a server that the file chose.
    @Test func aFilesProvidersAreItsOwn() throws {
        let configuration = try load(
            "providers: {openai: {type: openai, base_url: 'http://localhost:1'}}",
            ["OPENAI_API_KEY": "sk"]
        ).configuration
        guard case .openAI(let upstream) = configuration.providers[0].kind else {
            Issue.record("wrong kind")
            return
        }
        #expect(upstream.apiKey == nil)
    }

    @Test func theEnvironmentAloneMakesAKey() throws {
        let auth = try load("", ["LOCAL_API_KEY": "k"]).configuration.auth
        #expect(auth.keys.map(\.name) == ["local"])
        #expect(auth.effectiveMode == .keys)
        let filed = try load("auth: {keys: [{name: a, key: b}]}", ["LOCAL_API_KEY": "k"])
        #expect(filed.configuration.auth.keys.map(\.name) == ["a"])
    }

    @Test func withNothingTheSimulatorServes() throws {
        let loaded = try load("")
        #expect(loaded.configuration.providers.map(\.name) == ["sim"])
        #expect(loaded.warnings == [])
        let other = try load("", ["ANTHROPIC_API_KEY": "x"])
        #expect(other.configuration.providers.map(\.name) == ["anthropic"])
        #expect(other.warnings == [])
    }

    @Test func secretsComeFromFiles() throws {
        var sources = ConfigurationSources()
        sources.environment = ["OPENAI_API_KEY_FILE": "/run/key", "LOCAL_API_KEY_FILE": "/run/key"]
        sources.readFile = { (path) throws(FileFailure) in
            #expect(path == "/run/key")
            return Array("sk-file\n".utf8)
        }
        let configuration = try sources.load().configuration
        #expect(configuration.auth.keys[0].key?.withBytes(\.string) == "sk-file")
        sources.readFile = { (path) throws(FileFailure) in
            throw FileFailure(path: path, reason: "cannot be read: gone")
        }
        do throws(ConfigurationFailure) {
            _ = try sources.load()
            Issue.record("loaded")
        } catch {
            #expect(error.problems.count == 2)
            #expect(
                error.problems[1].description
                    == "environment variable OPENAI_API_KEY: is in the file that "
                    + "OPENAI_API_KEY_FILE names, which cannot be read: gone")
        }
    }

    @Test func mistakesNameTheirSource() {
        #expect(
            problems("", ["PORT": "x"], [.init(path: "server.host", text: "a b", flag: "--host")])
                == [
                    "environment variable PORT: server.port: 'x' is not a whole number from 0 to "
                        + "65535",
                    "--host: server.host: 'a b' is not a host name or address",
                ])
        #expect(problems("a: 1\na: 2").first?.hasPrefix("gateway.yaml:2:1: ") == true)
        #expect(problems("server: 5", ["PORT": "1"]).count == 1)
        #expect(
            problems("", [:], [.init(path: "server.hots", text: "x", flag: "--hots")])
                == ["--hots: server: unknown key 'hots'; did you mean 'host'?"])
    }

    @Test func dotEnvMistakesAreReported() {
        var sources = ConfigurationSources()
        sources.dotEnv = ConfigurationDocument(name: ".env", bytes: Array("A=1\nB".utf8))
        do throws(ConfigurationFailure) {
            _ = try sources.load()
            Issue.record("loaded")
        } catch {
            #expect(error.description == ".env:2:1: a line is written NAME=value")
        }
    }

    @Test func valuesOfVariablesAreNeverShown() {
        let text = """
            server: {port: "${A_SECRET}", heartbeat_interval: "${A_SECRET}", doors: {chat_completions: {heartbeat: "${A_SECRET}"}}}
            auth: {keys: [{name: "x ${A_SECRET}", key: "${A_SECRET} "}, {name: y, sha256: hunter2}]}
            providers: {a: {type: "${A_SECRET}"}}
            """
        let problems = problems(text, ["A_SECRET": "hunter2"])
        #expect(problems.count == 7)
        #expect(problems.allSatisfy { !$0.contains("hunter2") })
    }

    @Test func variablesAreExpandedOnceAndInFilesOnly() throws {
        let configuration = try load(
            #"server: {host: "${H:-localhost}", allowed_hosts: ["${A}"]}"#,
            ["A": "a.example", "LOCAL_API_KEY": "${A}"]
        ).configuration
        #expect(configuration.server.host == "localhost")
        #expect(configuration.server.allowedHosts == ["a.example"])
        #expect(configuration.auth.keys[0].key?.withBytes(\.string) == "${A}")
    }

    @Test func filesAreMeantFromTheDocumentsDirectory() throws {
        var sources = ConfigurationSources()
        sources.file = ConfigurationDocument(
            name: "../etc/gateway.yaml",
            bytes: Array("server: {tls: {certificate: cert.pem, private_key: /key.pem}}".utf8))
        let tls = try sources.load().configuration.server.tls
        #expect(tls?.certificateFile == "../etc/cert.pem")
        #expect(tls?.privateKeyFile == "/key.pem")
    }

    @Test func reportsTwentyMistakesAndCountsTheRest() {
        let entries = (0..<25).map { "x\($0): 1" }.joined(separator: ", ")
        do throws(ConfigurationFailure) {
            _ = try load("server: {\(entries)}")
            Issue.record("loaded")
        } catch {
            #expect(error.problems.count == 20)
            #expect(error.omittedCount == 5)
            #expect(error.description.hasSuffix("\nand 5 more"))
        }
    }

    @Test func gathersFiles() throws {
        let path = repository + "/gateway.example.yaml"
        let sources = try ConfigurationSources.gather(
            configFlag: path, environment: Example.environment, commandLine: [],
            programDirectory: nil)
        #expect(sources.file?.name == path)
        #expect(try sources.load().configuration.providers.count == 3)
        #expect(throws: FileFailure.self) {
            try ConfigurationSources.gather(
                configFlag: nil, environment: ["GATEWAY_CONFIG": "/nothing/here"], commandLine: [],
                programDirectory: nil)
        }
    }

    // MARK: Capabilities

    private func capabilities(
        _ environment: [String: String], file: String? = nil, named: String? = nil
    ) throws -> LoadedConfiguration {
        var sources = ConfigurationSources()
        sources.environment = environment
        sources.capabilitiesFile = file.map {
            ConfigurationDocument(name: "config/models.yml", bytes: Array($0.utf8))
        }
        sources.readFile = { (path) throws(FileFailure) in
            guard let named else { throw FileFailure(path: path, reason: "cannot be read: gone") }
            return Array(named.utf8)
        }
        return try sources.load()
    }

    /// The table as it was documented then.
    @Test func capabilitiesReadAsTheyWereWritten() throws {
        let loaded = try capabilities(
            [:],
            file: """
                gpt-4:
                  openai_compatible: true
                  backend_type: "openai_native"
                  passthrough_tools: true
                claude-3-sonnet:
                  openai_compatible: false
                  anthropic_bedrock: true
                  backend_type: "anthropic_bedrock"
                  requires_normalization: true
                gemini-pro:
                  vertex_gemini: true
                  backend_type: "vertex_gemini"
                  requires_normalization: true
                local*: {tools: text, streaming: false, vision: false, max_size: 3}
                """)
        #expect(
            loaded.warnings.map { String($0.description.prefix(57)) }
                == ["config/models.yml:14:56: local*: unknown key 'max_size'; "])
        let source = try #require(loaded.configuration.capabilities.first)
        #expect(source.name == "config/models.yml")
        #expect(
            source.entries.map(\.pattern) == ["gpt-4", "claude-3-sonnet", "gemini-pro", "local*"])
        let found = source.entries.map(\.overrides)
        #expect(found[0].isOpenAICompatible == true && found[0].passesToolsThrough == true)
        #expect(found[0].backendType == .openAINative && found[0].requiresNormalization == nil)
        #expect(found[1].isOpenAICompatible == false && found[1].isAnthropicBedrock == true)
        #expect(found[1].backendType == .anthropicBedrock)
        #expect(found[2].isVertexGemini == true && found[2].requiresNormalization == true)
        #expect(found[3].tools == .text && found[3].streams == false && found[3].sees == false)
    }

    @Test func capabilitySourcesStandInOrder() throws {
        let configuration = try capabilities(
            ["MODEL_CAPABILITIES_JSON": #"{"a": {}}"#, "MODEL_CAPABILITIES_FILE": "m.json"],
            file: "c: {}", named: "b: {}"
        ).configuration
        #expect(
            configuration.capabilities.map(\.name) == [
                "environment variable MODEL_CAPABILITIES_JSON", "m.json", "config/models.yml",
            ])
        #expect(configuration.capabilities.map { $0.entries[0].pattern } == ["a", "b", "c"])
        let text = EffectiveConfiguration.text(configuration)
        #expect(text.contains("# m.json                                        1\n"))
    }

    @Test func mistakesInCapabilitiesAreTold() {
        func found(_ environment: [String: String], file: String? = nil) -> [String] {
            do {
                _ = try capabilities(environment, file: file)
                return []
            } catch {
                return (error as? ConfigurationFailure)?.problems.map(\.description) ?? []
            }
        }
        #expect(
            found(["MODEL_CAPABILITIES_JSON": #"{"a": {"vision": 3}}"#]) == [
                "environment variable MODEL_CAPABILITIES_JSON:1:18: a.vision: '3' is neither true "
                    + "nor false"
            ])
        #expect(found(["MODEL_CAPABILITIES_JSON": "{"]).count == 1)
        #expect(
            found(["MODEL_CAPABILITIES_FILE": "m.yml"]) == [
                "environment variable MODEL_CAPABILITIES_FILE: names the file m.yml cannot be "
                    + "read: gone"
            ])
        #expect(found([:], file: "a: {backend_type: anthropic}").count == 1)
        #expect(found([:], file: "a: true").count == 1)
    }

    // MARK: State

    @Test func theStateDirectoryFollowsTheConventions() throws {
        func directory(_ environment: [String: String], _ text: String = "") throws -> String? {
            try load(text, environment).configuration.stateDirectory
        }
        #expect(try directory([:]) == nil)
        #expect(try directory(["HOME": "/home/me"]) == "/home/me/.local/state/gateway")
        let home = ["HOME": "/home/me", "XDG_STATE_HOME": "/state"]
        #expect(try directory(home) == "/state/gateway")
        #expect(
            try directory(home.merging(["XDG_STATE_HOME": "relative"]) { $1 })
                == "/home/me/.local/state/gateway")
        #expect(try directory(home, "state_directory: /file") == "/file")
        #expect(
            try directory(home.merging(["STATE_DIR": "/dir"]) { $1 }, "state_directory: /file")
                == "/dir")
    }
}
