import GatewayConfig
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct ConfigurationTests {
    @Test func loadsTheExample() throws {
        let loaded = try load(try Example.text(), Example.environment)
        let configuration = loaded.configuration
        #expect(loaded.warnings == [])
        #expect(configuration.auth.keys.map(\.name) == ["team-a", "team-b"])
        #expect(configuration.auth.keys[0].key?.withBytes(\.string) == "local-key")
        #expect(configuration.auth.keys[1].key == nil)
        #expect(configuration.auth.effectiveMode == .keys)
        #expect(configuration.providers.map(\.name) == ["openai", "local", "sim"])
        #expect(
            configuration.models.map(\.name) == ["gpt-4o", "fast", "careful", "shared", "llama*"])
        #expect(configuration.models[0].targets == [ModelTarget(provider: "openai", model: nil)])
        #expect(configuration.models[1].targets[0].model == "gpt-4o-mini")
        #expect(configuration.models[2].targets == [ModelTarget(provider: "openai", model: "o3")])
        let shared = configuration.models[3]
        #expect(
            shared.targets == [
                ModelTarget(provider: "openai", model: "gpt-4o-mini", weight: 3),
                ModelTarget(provider: "local", model: "llama3.3"),
            ])
        #expect(shared.strategy == .weighted && shared.fallbacks == ["sim/sim"])
        #expect(shared.retries == 1)
    }

    @Test func toolsAndConversations() throws {
        let unsaid = try load("").configuration
        #expect(unsaid.tools == ToolsConfiguration())
        #expect(!unsaid.tools.executesBuiltIn && !unsaid.tools.allowsPerRequest)
        #expect(unsaid.history.messagesMax == 50)
        let said = try load(
            """
            tools: {execute_builtin: true, allow_per_request: true, max_rounds: 2, builtin: [get_time]}
            history: {max_messages: 7, bound_clients: true}
            models: {a: {provider: sim, repair: hold, downgrade_as: sse, stream_tools: downgrade}}
            providers: {sim: {type: simulator}}
            """
        ).configuration
        #expect(said.tools.executesBuiltIn && said.tools.allowsPerRequest)
        #expect(said.tools.roundsMax == 2)
        #expect(said.tools.builtIn == ["get_time"])
        #expect(said.history.messagesMax == 7 && said.history.boundsClients)
        #expect(said.models[0].settings.repair == .hold)
        #expect(said.models[0].settings.downgradeForm == .sse)
        #expect(try load("", ["MAX_HISTORY_SIZE": "9"]).configuration.history.messagesMax == 9)
        let found = problems { () throws(ConfigurationFailure) in
            try load("tools: {builtin: [shell]}")
        }
        #expect(found.count == 1 && found[0].contains("calculate, get_time"))
    }

    @Test func readsTheServer() throws {
        let server = try load(
            """
            server:
              host: "::1"
              port: 0
              workers: 4
              tls: {certificate: /etc/cert.pem, private_key: key.pem}
              heartbeat_interval: 2s
              shutdown_grace: 0
              doors: {chat_completions: {heartbeat: off, on_client_disconnect: drain}}
              limits:
                target: 1KiB
                header_line: 2KiB
                head: 3KiB
                headers: 9
                body: 4KiB
                connections: 5
                head_timeout: 1s
                body_timeout: 2s
                body_rate: 3
                body_rate_grace: 4s
                idle_timeout: 5s
                write_timeout: 6s
              cors: {origins: ["*", "https://A.example"]}
              allowed_hosts: [a.example, 10.0.0.1]
            """
        ).configuration.server
        #expect(server.host == "::1")
        #expect(server.isLoopback)
        #expect(server.port == 0)
        #expect(server.workers == 4)
        #expect(server.tls?.certificateFile == "/etc/cert.pem")
        #expect(server.tls?.privateKeyFile == "key.pem")
        #expect(server.heartbeatInterval == .seconds(2))
        #expect(server.shutdownGrace == .zero)
        #expect(server.doors.chatCompletions.heartbeat == .off)
        #expect(server.doors.chatCompletions.onClientDisconnect == .drain)
        let limits = server.limits
        #expect(limits.head.targetBytesMax == 1024)
        #expect(limits.head.lineBytesMax == 2048)
        #expect(limits.head.headBytesMax == 3072)
        #expect(limits.head.fieldCountMax == 9)
        #expect(limits.bodyBytesMax == 4096)
        #expect(limits.connectionCountMax == 5)
        #expect(limits.headTime == .seconds(1))
        #expect(limits.bodyTime == .seconds(2))
        #expect(limits.bodyRateMin == 3)
        #expect(limits.bodyRateGrace == .seconds(4))
        #expect(limits.idleTime == .seconds(5))
        #expect(limits.writeStallTime == .seconds(6))
        #expect(server.cors.origins == ["*", "https://a.example"])
        #expect(server.allowedHosts == ["a.example", "10.0.0.1"])
    }

    @Test func readsKeys() throws {
        let hash = "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B"
        let auth = try load(
            """
            auth:
              keys:
                - {name: a, key: first, models: ["gpt-*"], admin: true}
                - {name: b, sha256: \(hash), rpm: 5, tpm: 6, concurrent: 7}
            """
        ).configuration.auth
        #expect(auth.keys.map(\.requestsPerMinute) == [nil, 5])
        #expect(auth.keys.map(\.tokensPerMinute) == [nil, 6])
        #expect(auth.keys.map(\.concurrentMax) == [nil, 7])
        #expect(auth.mode == .auto)
        #expect(auth.effectiveMode == .keys)
        #expect(auth.keys[0].models == ["gpt-*"])
        #expect(auth.keys.map(\.isAdmin) == [true, false])
        #expect(auth.keys[0].digest == "first".withByteSlice { SHA256Digest(of: $0) })
        #expect(auth.keys[1].digest == "secret".withByteSlice { SHA256Digest(of: $0) })
        #expect("\(auth)".contains("first") == false)
    }

    @Test func readsProviders() throws {
        let providers = try load(
            """
            providers:
              up:
                type: openai
                base_url: http://127.0.0.1:9/v1/
                api_key: k
                headers: {X-Team: a b, X-Empty: ""}
                ca_file: /ca.pem
                tls_verify: false
                pool: {max: 1, idle: 2, idle_timeout: 3s, waiting: 4, wait: 5s}
                timeouts: {connect: 1s, head: 2s, idle: 3s, total: 4s}
              sim:
                type: simulator
                ttft: 0
                tokens_per_second: 0.5
                jitter: 1
                seed: 18446744073709551615
                mode: echo
                answer_tokens: 3
                failure_rates: {429: 0.25, hang-mid: 0.5}
                models: [a, b]
                models_only: true
            """
        ).configuration.providers
        guard case .openAI(let settings) = providers[0].kind,
            case .simulator(let simulator) = providers[1].kind
        else {
            Issue.record("wrong kinds")
            return
        }
        let upstream = settings.upstream
        #expect(settings.baseURL.description == "http://127.0.0.1:9/v1")
        #expect(settings.apiKey?.withBytes(\.string) == "k")
        #expect(upstream.headers.map(\.name) == ["X-Team", "X-Empty"])
        #expect(upstream.headers.map { $0.value.withBytes(\.string) } == ["a b", ""])
        #expect(upstream.caFile == "/ca.pem")
        #expect(!upstream.verifiesTLS)
        #expect(upstream.pool.openMax == 1)
        #expect(upstream.pool.idleMax == 2)
        #expect(upstream.pool.idleTime == .seconds(3))
        #expect(upstream.pool.waitingMax == 4)
        #expect(upstream.pool.waitTime == .seconds(5))
        #expect(upstream.timeouts.connect == .seconds(1))
        #expect(upstream.timeouts.head == .seconds(2))
        #expect(upstream.timeouts.idle == .seconds(3))
        #expect(upstream.timeouts.total == .seconds(4))

        var expected = SimulatorSettings()
        expected.timeToFirstToken = .zero
        expected.tokensPerSecond = 0.5
        expected.jitter = 1
        expected.seed = .max
        expected.mode = .echo
        expected.answerTokens = 3
        expected.failureRates = [
            .init(.status429, probability: 0.25), .init(.hangMid, probability: 0.5),
        ]
        expected.models = ["a", "b"]
        expected.listedModelsOnly = true
        #expect(simulator.script == expected)
    }

    @Test func readsTheSettingsOfModels() throws {
        let models = try load(
            """
            providers:
              crm: {type: salesforce, instance_url: "https://a", consumer_key: k, consumer_secret: s}
            models:
              plain: {provider: crm}
              full:
                targets: [{provider: crm, model: there}]
                surface: llm-gateway
                unsupported_params: error
                stream_tools: downgrade
                capabilities:
                  backend_type: vertex_gemini
                  openai_compatible: true
                  anthropic_bedrock: false
                  vertex_gemini: true
                  passthrough_tools: false
                  requires_normalization: true
                  tools: text
                  streaming: false
                  vision: true
                  max_output_tokens: 9000
                  reasoning: true
                timeouts: {connect: 1s, head: auto, idle: 3s, total: 4s}
            """
        ).configuration.models
        #expect(models[0].settings == ModelSettings())
        #expect(models[0].settings.unsupportedParameters == .drop)
        #expect(models[0].settings.surface == nil && models[0].settings.streamTools == nil)
        #expect(models[0].capabilities == CapabilityOverrides())
        #expect(models[0].timeouts.isEmpty)
        let timeouts = models[1].timeouts
        #expect(timeouts.connect == .seconds(1) && timeouts.head == .some(nil))
        #expect(timeouts.idle == .seconds(3) && timeouts.total == .seconds(4))
        let settings = models[1].settings
        #expect(models[1].targets == [ModelTarget(provider: "crm", model: "there")])
        #expect(settings.surface == .llmGateway)
        #expect(settings.unsupportedParameters == .error)
        #expect(settings.streamTools == .downgrade)
        let known = models[1].capabilities
        #expect(known.backendType == .vertexGemini && known.isOpenAICompatible == true)
        #expect(known.isAnthropicBedrock == false && known.isVertexGemini == true)
        #expect(known.passesToolsThrough == false && known.requiresNormalization == true)
        #expect(known.tools == .text && known.streams == false && known.sees == true)
        #expect(known.outputTokensMax == 9000 && known.reasons == true)
    }

    @Test func readsTheLog() throws {
        let log = try load("observability: {log: {format: TEXT, level: Warning, bodies: false}}")
            .configuration.observability.log
        #expect(log.format == .text)
        #expect(log.level == .warning)
        #expect(!log.logsBodies)
    }

    @Test func readsJSON() throws {
        let server = try load(#"{"server": {"port": 9000, "workers": "auto"}}"#).configuration
            .server
        #expect(server.port == 9000)
        #expect(server.workers == nil)
    }

    @Test func workersGoByTheCores() throws {
        var configuration = Configuration()
        #expect([1, 2, 3, 64].map(configuration.workerCount) == [1, 2, 3, 64])
        #expect(configuration.workerCount(cores: 0) == 1)
        configuration.environment = .production
        #expect([1, 2, 3, 4, 64].map(configuration.workerCount) == [1, 2, 3, 4, 4])
        configuration.server.workers = 7
        #expect(configuration.workerCount(cores: 2) == 7)
    }

    @Test func filesAreWatchedInDevelopmentAndWhereThatIsSaid() throws {
        let isWatched = { (text: String, environment: String) in
            try load(text, ["ENVIRONMENT": environment]).configuration.watchesFiles
        }
        #expect(try isWatched("{}", "development"))
        #expect(try isWatched("{}", "Development"))
        #expect(try !isWatched("{}", "production"))
        #expect(try !isWatched("{}", ""))
        #expect(try isWatched("service: {watch: true}", "production"))
        #expect(try !isWatched("service: {watch: false}", "development"))
        #expect(try !isWatched("service: {watch: auto}", "staging"))
    }

    @Test func theServicesFiles() throws {
        let service = try load("service: {pid_file: /run/a.pid, log_file: /var/log/a.log}")
            .configuration.service
        #expect(service.pidFile == "/run/a.pid")
        #expect(service.logFile == "/var/log/a.log")
        let other = try load(
            "service: {pid_file: /run/a.pid}", ["GATEWAY_PID_FILE": "/b", "GATEWAY_LOG_FILE": "/c"]
        ).configuration.service
        #expect(other.pidFile == "/b")
        #expect(other.logFile == "/c")
    }

    /// What is not written keeps its default, and an empty section is no section.
    @Test(arguments: ["", "server:", "server: {}\nauth:\nproviders:\nmodels: {}", "auth: {keys: }"])
    func anEmptyFileChangesNothing(text: String) throws {
        let configuration = try load(text).configuration
        #expect(configuration.server.port == 8000)
        #expect(configuration.auth.effectiveMode == .open)
        #expect(configuration.providers.map(\.name) == ["sim"])
    }
}
