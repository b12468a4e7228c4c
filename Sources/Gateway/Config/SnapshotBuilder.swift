// SnapshotBuilder.swift — from a checked configuration to the tables that serve requests. The one
// place where providers get their origins and keys their hashes.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import GatewayTools
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
    private let upstreams: UpstreamBuilder
    private let onListFailure: (String, Failure) -> Void

    /// - Parameters:
    ///   - environment: for the state directory and Google's default credentials.
    ///   - sharesLists: whether there are other workers to share lists of models with.
    ///   - onTokenEvent: hears, within a turn, what becomes of a provider's tokens.
    ///   - onListFailure: hears, within a turn, of a provider that does not tell its models.
    package init(
        _ configuration: Configuration, resolver: Resolver, version: String,
        environment: [String: String] = [:], sharesLists: Bool = false,
        onTokenEvent: @escaping (String, TokenEvent) -> Void = { _, _ in },
        onListFailure: @escaping (String, Failure) -> Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.onListFailure = onListFailure
        upstreams = UpstreamBuilder(
            configuration, resolver: resolver, userAgent: "gateway/\(version)",
            environment: environment, sharesLists: sharesLists, onTokenEvent: onTokenEvent)
    }

    /// Reads what files the configuration names and makes the tables.
    package func build() throws(SnapshotFailure) -> Snapshot {
        var built: [Upstream] = []
        for provider in configuration.providers { built.append(try upstreams.build(provider)) }
        let server = configuration.server
        let routes = RouteBuilder(configuration)
        let snapshot = Snapshot(
            upstreams: built, routes: routes.table(), keys: keys(), models: routes.models(),
            modelList: modelList(), cors: cors(),
            doors: doors(), heartbeatInterval: server.heartbeatInterval,
            storesResponses: server.doors.storesResponses, tools: tools(routes),
            history: configuration.history,
            capabilities: routes.capabilities(), hasTextModels: routes.saysTextTools)
        snapshot.catalog.onFailure = onListFailure
        let observability = configuration.observability
        snapshot.observability.prices = PriceTable(observability.prices)
        snapshot.observability.aliases = observability.prometheusAliases
        snapshot.observability.showsTokens = observability.debugToken
        snapshot.observability.tellsExtraction = observability.log.tellsExtraction
        snapshot.observability.tracing = ExportBuilder.policy(observability)
        snapshot.observability.countsRequests = observability.countsRequests
        snapshot.observability.logsRequests = observability.log.logsRequests
        return snapshot
    }

    /// Where nothing but the table is served there is nothing to ask for.
    private func modelList() -> ModelListPolicy {
        var policy = configuration.modelList
        if configuration.modelsOnly { policy.isLive = false }
        return policy
    }

    private func tools(_ routes: RouteBuilder) -> ToolPolicy {
        var policy = ToolPolicy()
        policy.builtIn = configuration.tools.builtIn.compactMap {
            $0.withByteSlice { BuiltInTool.named($0) }
        }
        policy.executes = configuration.tools.executesBuiltIn
        policy.allowsPerRequest = configuration.tools.allowsPerRequest
        policy.roundsMax = configuration.tools.roundsMax
        policy.mayDowngrade = routes.mayDowngrade
        return policy
    }

    /// The listener's TLS, if there is to be any.
    package func serverTLS() throws(SnapshotFailure) -> TLSContext? {
        guard let tls = configuration.server.tls else { return nil }
        let identity = TLSIdentity(
            certificateFile: tls.certificateFile, privateKeyFile: tls.privateKeyFile)
        do throws(TLSSettingsFailure) {
            var settings = TLSServerSettings(identity: identity)
            settings.clientCAFile = tls.clientCAFile
            return try TLSContext(server: settings)
        } catch {
            throw SnapshotFailure(description: "server.tls: \(error)")
        }
    }

    private func doors() -> DoorPolicies {
        let doors = configuration.server.doors
        var policies = DoorPolicies()
        policies.chat = doors.chatCompletions.policy
        policies.messages = doors.messages.policy
        policies.responses = doors.responses.policy
        policies.completions = doors.completions.policy
        return policies
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
                    principal: Principal(
                        name: key.name, models: key.models, isAdmin: key.isAdmin,
                        limits: Self.limits(of: key)),
                    hash: $0)
            }
        }
        return APIKeyTable(mode: mode, entries: entries)
    }

    private static func limits(of key: KeyConfiguration) -> KeyLimits? {
        let limits = KeyLimits(
            name: key.name, requests: key.requestsPerMinute, tokens: key.tokensPerMinute,
            concurrent: key.concurrentMax,
            budget: key.budget.map { Budget(dollars: $0.dollars, period: $0.period) })
        return limits.isEmpty ? nil : limits
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

extension DoorConfiguration {
    fileprivate var policy: DoorPolicy {
        var policy = DoorPolicy()
        policy.heartbeat = heartbeat
        policy.onClientDisconnect = onClientDisconnect
        return policy
    }
}
