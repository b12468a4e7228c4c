// SnapshotBuilderTests.swift — from the operator's words to the tables that serve: routes, keys,
// listed models, origins, and what is said of a file that cannot be used.

import GatewayConfig
import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct SnapshotBuilderTests {
    /// Builds a configuration, shows its tables and closes them.
    private func build(
        _ configuration: Configuration, _ body: (Snapshot) throws -> Void = { _ in }
    ) throws {
        let loop = EventLoop()
        let builder = SnapshotBuilder(configuration, resolver: Resolver(loop), version: "1.2")
        let snapshot = try builder.build()
        defer {
            loop.withTurn { snapshot.close() }
            loop.run(until: { false }, within: .milliseconds(2))
        }
        try body(snapshot)
    }

    private func build(
        _ text: String, _ environment: [String: String] = [:],
        _ body: (Snapshot) throws -> Void
    ) throws {
        try build(try load(text, environment).configuration, body)
    }

    private func route(_ snapshot: Snapshot, _ model: String) -> String? {
        model.withByteSlice { name -> String? in
            guard let route = snapshot.routes.route(model: name, providerHeader: nil) else {
                return nil
            }
            let there = route.upstreamModel ?? name.dropFirst(route.prefixCount).string
            return "\(snapshot.upstreams[route.provider].name):\(there)"
        }
    }

    // MARK: Routes

    @Test func withoutAnythingTheSimulatorAnswers() throws {
        try build("") { snapshot in
            #expect(snapshot.upstreams.map(\.name) == ["sim"])
            #expect(route(snapshot, "whatever") == "sim:whatever")
            #expect(snapshot.catalog.models.map(\.id) == ["sim"])
            #expect(snapshot.catalog.models.map(\.owner) == ["sim"])
        }
    }

    @Test func theExamplesRoutes() throws {
        try build(try Example.text(), Example.environment) { snapshot in
            #expect(snapshot.upstreams.map(\.name) == ["openai", "local", "sim"])
            for (model, target) in [
                ("gpt-4o", "openai:gpt-4o"), ("fast", "openai:gpt-4o-mini"),
                ("careful", "openai:o3"),
                ("llama3", "local:llama3"), ("local/gpt-4o", "local:gpt-4o"),
                ("gpt-9", "openai:gpt-9"), ("o1-mini", "openai:o1-mini"),
                ("chatgpt-4o-latest", "openai:chatgpt-4o-latest"),
                ("text-embedding-3-small", "openai:text-embedding-3-small"),
                ("sim-hang", "sim:sim-hang"), ("openai/sim", "openai:sim"),
            ] {
                #expect(route(snapshot, model) == target)
            }
            #expect(route(snapshot, "claude") == nil)
            #expect(route(snapshot, "nobody/x") == nil)
            #expect(route(snapshot, "ox") == nil)
            let models = snapshot.catalog.models
            #expect(models.map(\.id) == ["gpt-4o", "fast", "careful", "shared", "sim"])
            #expect(models.map(\.owner) == ["openai", "openai", "openai", "openai", "sim"])
            // Each of them has another beside it.
            #expect(snapshot.upstreams.allSatisfy { $0.breaker == BreakerPolicy() })
        }
    }

    @Test func theBuiltInNamesGoToTheProviderCalledOpenAI() throws {
        let text = """
            providers:
              first: {type: openai, base_url: "http://127.0.0.1:1/v1"}
              NAME: {type: openai, base_url: "http://127.0.0.1:2/v1"}
            """
        for (name, target) in [("openai", "openai:gpt-4"), ("second", "first:gpt-4")] {
            let text = text.split(separator: "NAME").joined(separator: name)
            try build(text) { #expect(route($0, "gpt-4") == target) }
        }
    }

    @Test func breakersAreOnWhereThereIsAnotherTarget() throws {
        let text = """
            providers:
              a: {type: openai, retries: 2}
              b: {type: anthropic, breaker: {failures: 9, open: 1s}}
              c: {type: openai, breaker: {mode: off}}
              d: {type: openai, breaker: {mode: on}}
              e: {type: simulator}
              f: {type: simulator, retries: 1, breaker: {failure_percent: 0}}
            models:
              one: {targets: [{provider: b}, {provider: c}], fallbacks: [f/x]}
              two: {provider: e}
              three: {targets: [{provider: a}], retries: 3}
            """
        try build(text) { snapshot in
            #expect(
                snapshot.upstreams.map { $0.breaker != nil } == [
                    false, true, false, true, false, true,
                ])
            #expect(snapshot.upstreams.map(\.retries) == [2, 0, 0, 0, 0, 1])
            #expect(snapshot.upstreams[1].breaker?.failures == 9)
            #expect(snapshot.upstreams[1].breaker?.open == .seconds(1))
            #expect(snapshot.upstreams[5].breaker?.percent == 0)
        }
    }

    @Test func theTableAlone() throws {
        let text = """
            providers:
              openai: {type: openai, base_url: "http://127.0.0.1:1/v1"}
              sim: {type: simulator}
            models:
              only: {provider: openai}
            models_only: true
            """
        try build(text) { snapshot in
            #expect(route(snapshot, "only") == "openai:only")
            for model in ["gpt-4", "sim", "sim/x", "openai/x"] {
                #expect(route(snapshot, model) == nil, "\(model)")
            }
            #expect(snapshot.catalog.models.map(\.id) == ["only"])
        }
    }

    @Test func upstreamsGetTheirSettings() throws {
        let text = """
            providers:
              up:
                type: openai
                base_url: http://127.0.0.1:1/v1
                api_key: secret-key
                timeouts: {connect: 3s, head: 4s, idle: 5s, total: 6s}
            server:
              heartbeat_interval: 7s
              doors: {chat_completions: {heartbeat: chunk, on_client_disconnect: drain}}
            """
        try build(text) { snapshot in
            let upstream = try #require(snapshot.upstreams.first)
            #expect(upstream.key.withBytes { $0.string } == "secret-key")
            #expect(upstream.asksForUsage)
            #expect(upstream.timeouts.connect == .seconds(3))
            #expect(upstream.timeouts.head == .seconds(4))
            #expect(upstream.timeouts.idle == .seconds(5))
            #expect(upstream.timeouts.total == .seconds(6))
            #expect(snapshot.heartbeatNanoseconds(at: .answer(.chat)) == 7_000_000_000)
            #expect(snapshot.doors.chat.heartbeat == .chunk)
            #expect(snapshot.doors.chat.onClientDisconnect == .drain)
            #expect(snapshot.doors.messages == DoorPolicy())
        }
        try build("server: {doors: {chat_completions: {heartbeat: off}}}") {
            #expect($0.heartbeatNanoseconds(at: .answer(.chat)) == nil)
            #expect($0.heartbeatNanoseconds(at: .answer(.messages)) != nil)
        }
    }

    // MARK: Access

    @Test func keysAreTakenPlainAndHashed() throws {
        // The second is the hash of "key-b".
        var hash = ByteBuffer()
        "key-b".withByteSlice { SHA256Digest(of: $0) }.appendHex(to: &hash)
        let text = """
            auth:
              keys:
                - {name: a, key: key-a, models: ["gpt-*"]}
                - {name: b, sha256: \(hash.string)}
            """
        try build(text) { snapshot in
            #expect(snapshot.keys.mode == .keys)
            func admit(_ key: String) -> APIKeyTable.Admission {
                key.withByteSlice { snapshot.keys.admit($0) }
            }
            #expect(admit("key-a") == .key(0))
            #expect(admit("key-b") == .key(1))
            #expect(admit(hash.string) == .invalid)
            #expect(snapshot.keys.principal(.key(0)).name == "a")
            #expect(snapshot.keys.principal(.key(1)).name == "b")
            #expect("gpt-4".withByteSlice { snapshot.keys.allows(.key(0), model: $0) })
            #expect(!"o1".withByteSlice { snapshot.keys.allows(.key(0), model: $0) })
            #expect("o1".withByteSlice { snapshot.keys.allows(.key(1), model: $0) })
        }
    }

    @Test func modes() throws {
        try build("") { #expect($0.keys.mode == .open) }
        try build("auth: {mode: bearer}") { #expect($0.keys.mode == .bearer) }
        try build("auth: {mode: open}") { #expect($0.keys.mode == .open) }
    }

    @Test func originsFollowTheMode() throws {
        try build("server: {allowed_hosts: [gateway.test]}") {
            #expect($0.cors.origins == [] && $0.cors.grantsLoopback)
            #expect($0.cors.hosts == ["gateway.test"])
        }
        try build("auth: {mode: bearer}") {
            #expect($0.cors.origins == ["*"] && !$0.cors.grantsLoopback)
            #expect($0.cors.hosts == nil)
        }
        try build("server: {cors: {origins: [\"https://app.example\"]}}") {
            #expect($0.cors.origins == ["https://app.example"] && !$0.cors.grantsLoopback)
            #expect($0.cors.hosts == [])
        }
        try build("server: {host: 0.0.0.0}\nauth: {mode: open}") {
            #expect($0.cors.hosts == nil)
        }
    }

    // MARK: TLS

    private func configuration(caFile: String?) -> Configuration {
        var settings = OpenAIConfiguration()
        settings.upstream.caFile = caFile
        var configuration = Configuration()
        configuration.providers = [ProviderConfiguration(name: "up", kind: .openAI(settings))]
        return configuration
    }

    private func failure(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return "\(error)" }
    }

    @Test func aFileOfAuthoritiesMustBeOne() throws {
        let directory = TestDirectory()
        let junk = directory.write("junk.pem", "no certificate")
        let missing = directory.path(of: "missing.pem")
        for file in [junk, missing] {
            let text = failure { try build(configuration(caFile: file)) }
            #expect(text?.hasPrefix("providers.up: \(file): ") == true, "\(text ?? "none")")
        }
        #expect(failure { try build(configuration(caFile: nil)) } == nil)
        let authority = TestAuthority(in: directory)
        #expect(failure { try build(configuration(caFile: authority.certificateFile)) } == nil)
    }

    @Test func theListenersCertificateMustFitItsKey() throws {
        let authority = TestAuthority()
        let identity = authority.issueSelfSigned()
        let other = authority.issueSelfSigned(names: ["other"])
        let missing = authority.directory.path(of: "missing.pem")
        func failure(_ certificate: String, _ key: String) -> String? {
            var configuration = Configuration()
            configuration.server.tls = ServerTLSConfiguration()
            configuration.server.tls?.certificateFile = certificate
            configuration.server.tls?.privateKeyFile = key
            return self.failure {
                let loop = EventLoop()
                _ = try SnapshotBuilder(configuration, resolver: Resolver(loop), version: "1")
                    .serverTLS()
            }
        }
        #expect(failure(identity.certificateFile, identity.privateKeyFile) == nil)
        for (certificate, key, file) in [
            (missing, identity.privateKeyFile, missing),
            (identity.certificateFile, missing, missing),
            (identity.certificateFile, other.privateKeyFile, other.privateKeyFile),
        ] {
            let text = failure(certificate, key)
            #expect(text?.hasPrefix("server.tls: \(file): ") == true, "\(text ?? "none")")
        }
        let loop = EventLoop()
        let plain = SnapshotBuilder(Configuration(), resolver: Resolver(loop), version: "1")
        #expect(try plain.serverTLS() == nil)
    }
}
