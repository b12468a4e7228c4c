// SnapshotBuilder.swift — from a checked configuration to the tables that serve requests. The one
// place where providers get their origins and keys their hashes.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// Why a checked configuration cannot serve: a certificate that cannot be read, say.
package struct SnapshotFailure: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Builds the tables of one configuration.
package struct SnapshotBuilder {
    private let configuration: Configuration
    private let resolver: Resolver
    private let userAgent: String

    package init(_ configuration: Configuration, resolver: Resolver, version: String) {
        self.configuration = configuration
        self.resolver = resolver
        userAgent = "gateway/\(version)"
    }

    /// Reads what files the configuration names and makes the tables.
    package func build() throws(SnapshotFailure) -> Snapshot {
        var upstreams: [Upstream] = []
        for provider in configuration.providers { upstreams.append(try upstream(provider)) }
        let server = configuration.server
        return Snapshot(
            upstreams: upstreams, routes: routes(), keys: keys(), models: models(), cors: cors(),
            heartbeatInterval: server.heartbeatInterval,
            heartbeatMode: server.doors.chatCompletions.heartbeat,
            disconnectPolicy: server.doors.chatCompletions.onClientDisconnect)
    }

    /// The listener's TLS, if there is to be any.
    package func serverTLS() throws(SnapshotFailure) -> TLSContext? {
        guard let tls = configuration.server.tls else { return nil }
        let identity = TLSIdentity(
            certificateFile: tls.certificateFile, privateKeyFile: tls.privateKeyFile)
        do throws(TLSSettingsFailure) {
            return try TLSContext(server: TLSServerSettings(identity: identity))
        } catch {
            throw SnapshotFailure(description: "server.tls: \(error)")
        }
    }

    // MARK: Providers

    private func upstream(_ provider: ProviderConfiguration) throws(SnapshotFailure) -> Upstream {
        switch provider.kind {
        case .simulator(let settings):
            return Upstream(
                name: provider.name, provider: .openAI(OpenAIProvider()),
                transport: .simulator(settings), timeouts: TimeoutPolicy(), asksForUsage: false)
        case .openAI(let settings):
            let key = settings.apiKey ?? Secret("")
            let head = RequestHead(
                authority: settings.baseURL.authority, pathPrefix: settings.baseURL.pathPrefix,
                key: key, headers: settings.headers.map { ($0.name, $0.value) },
                userAgent: userAgent)
            return Upstream(
                name: provider.name, provider: .openAI(OpenAIProvider()),
                transport: .network(try origin(settings, provider.name), head), key: key, timeouts: settings.timeouts, asksForUsage: true)
        }
    }

    private func origin(
        _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> HTTPOrigin {
        HTTPOrigin(
            resolver: resolver, host: settings.baseURL.host, port: settings.baseURL.port,
            tls: try clientTLS(settings, name), limits: settings.pool,
            connectTime: settings.timeouts.connect)
    }

    private func clientTLS(
        _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> TLSContext? {
        guard settings.baseURL.usesTLS else { return nil }
        var tls = TLSClientSettings()
        tls.verifiesPeer = settings.verifiesTLS
        tls.caFile = settings.caFile
        do throws(TLSSettingsFailure) {
            return try TLSContext(client: tls)
        } catch {
            throw SnapshotFailure(description: "providers.\(name): \(error)")
        }
    }

    // MARK: Routes

    private func routes() -> RouteTable {
        let names = configuration.providers.map(\.name)
        let rules = configuration.models.compactMap { model -> ModelRule? in
            guard let target = model.targets.first,
                let provider = names.firstIndex(of: target.provider)
            else { return nil }
            return ModelRule(
                pattern: model.name, route: Route(provider: provider, upstreamModel: target.model))
        }
        return RouteTable(
            rules: rules, providerNames: names, builtInPatterns: builtInPatterns(),
            tableOnly: configuration.modelsOnly)
    }

    /// The patterns that a provider's kind serves where nothing else is said. OpenAI's own names
    /// go to the provider called `openai`, or to the first that speaks its dialect.
    private func builtInPatterns() -> [(pattern: String, provider: Int)] {
        var patterns: [(pattern: String, provider: Int)] = []
        let speakers = configuration.providers.indices.filter {
            if case .openAI = configuration.providers[$0].kind { true } else { false }
        }
        let named = speakers.first { configuration.providers[$0].name == "openai" }
        if let openAI = named ?? speakers.first {
            for pattern in ["gpt-*", "chatgpt-*", "text-embedding-*"] {
                patterns.append((pattern, openAI))
            }
            for digit in 0...9 { patterns.append(("o\(digit)*", openAI)) }
        }
        let simulator = configuration.providers.firstIndex {
            if case .simulator = $0.kind { true } else { false }
        }
        if let simulator { patterns.append(("sim*", simulator)) }
        return patterns
    }

    private func models() -> [ListedModel] {
        var listed: [ListedModel] = []
        for model in configuration.models where !model.name.contains("*") {
            guard let target = model.targets.first else { continue }
            listed.append(ListedModel(id: model.name, owner: target.provider))
        }
        for provider in configuration.providers {
            guard case .simulator(let settings) = provider.kind, !configuration.modelsOnly else {
                continue
            }
            for name in settings.models where !listed.contains(where: { $0.id == name }) {
                listed.append(ListedModel(id: name, owner: provider.name))
            }
        }
        return listed
    }

    // MARK: Access

    private func keys() -> APIKeyTable {
        let mode: AccessMode =
            switch configuration.auth.effectiveMode {
            case .auto, .open: .open
            case .bearer: .bearer
            case .keys: .keys
            }
        let entries = configuration.auth.keys.compactMap { key -> APIKeyTable.Entry? in
            let hash =
                key.key.map { $0.withBytes { SHA256Digest(of: $0) } }
                ?? key.sha256.flatMap { bytes in
                    bytes.withUnsafeBytes { SHA256Digest(bytes: ByteSlice($0)) }
                }
            return hash.map {
                APIKeyTable.Entry(
                    principal: Principal(name: key.name, models: key.models), hash: $0)
            }
        }
        return APIKeyTable(mode: mode, entries: entries)
    }

    private func cors() -> CORSPolicy {
        let server = configuration.server
        let isOpen = configuration.auth.effectiveMode == .open
        return CORSPolicy(
            origins: server.cors.origins ?? (isOpen ? [] : ["*"]),
            grantsLoopback: isOpen && server.cors.origins == nil,
            hosts: isOpen && server.isLoopback ? server.allowedHosts : nil)
    }
}
