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
        let routes = RouteBuilder(configuration)
        return Snapshot(
            upstreams: upstreams, routes: routes.table(), keys: keys(), models: routes.models(),
            cors: cors(),
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
                name: provider.name, means: .simulator(settings), key: Secret(""),
                timeouts: TimeoutPolicy(), asksForUsage: false)
        case .openAI(let settings):
            let key = settings.apiKey ?? Secret("")
            let encoder = OpenAIRequestEncoder(
                authority: settings.baseURL.authority, pathPrefix: settings.baseURL.pathPrefix,
                key: key, headers: settings.upstream.headers.map { ($0.name, $0.value) },
                userAgent: userAgent)
            let origin = try origin(settings.baseURL, settings.upstream, provider.name)
            return Upstream(
                name: provider.name, means: .openAI(origin, encoder), key: key,
                timeouts: settings.upstream.timeouts, asksForUsage: true)
        case .anthropic, .gemini, .vertex, .salesforce, .sambaNova, .sambaNovaWeb:
            throw SnapshotFailure(
                description: "providers.\(provider.name): type \(provider.kind.type.rawValue) is "
                    + "not served yet")
        }
    }

    private func origin(
        _ url: BaseURL, _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> HTTPOrigin {
        HTTPOrigin(
            resolver: resolver, host: url.host, port: url.port,
            tls: url.usesTLS ? try clientTLS(settings, name) : nil, limits: settings.pool,
            connectTime: settings.timeouts.connect)
    }

    private func clientTLS(
        _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> TLSContext {
        var tls = TLSClientSettings()
        tls.verifiesPeer = settings.verifiesTLS
        tls.caFile = settings.caFile
        do throws(TLSSettingsFailure) {
            return try TLSContext(client: tls)
        } catch {
            throw SnapshotFailure(description: "providers.\(name): \(error)")
        }
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
