// TokenOrigins.swift — the hosts that one credential's grant talks to, with a small pool each.
// A shell; made by Config, used by TokenSource only.

import GatewayProviders
import Reactor
import ReactorCore

/// Connections to token endpoints.
package final class TokenOrigins {
    /// Hosts of one grant: a log-in goes to two or three.
    static let countMax = 8

    unowned(unsafe) let loop: EventLoop
    private let resolver: Resolver
    private let tls: TLSClientSettings
    private let connectTime: Duration
    private let proxy: (String, Int, Bool) -> HTTPProxy?
    private var origins: [(usesTLS: Bool, origin: HTTPOrigin)] = []

    /// - Parameter proxy: the one in front of a host and port, with TLS or without.
    package init(
        _ loop: EventLoop, resolver: Resolver, tls: TLSClientSettings = TLSClientSettings(),
        connectTime: Duration = .seconds(10),
        proxy: @escaping (String, Int, Bool) -> HTTPProxy? = { _, _, _ in nil }
    ) {
        self.loop = loop
        self.resolver = resolver
        self.tls = tls
        self.connectTime = connectTime
        self.proxy = proxy
    }

    /// Reads certificates now, so that the first refresh need not, and mistakes show at the start.
    package func prepare(_ endpoint: TokenEndpoint) throws(TLSSettingsFailure) {
        _ = try origin(usesTLS: endpoint.usesTLS, host: endpoint.host, port: endpoint.port)
    }

    /// Where to send a request; nil above the bound, or where the certificates cannot be read.
    func origin(for request: TokenRequest) -> HTTPOrigin? {
        try? origin(usesTLS: request.usesTLS, host: request.host, port: request.port)
    }

    private func origin(
        usesTLS: Bool, host: String, port: Int
    ) throws(TLSSettingsFailure) -> HTTPOrigin? {
        if let known = origins.first(where: {
            $0.origin.host == host && $0.origin.port == port && $0.usesTLS == usesTLS
        }) {
            return known.origin
        }
        guard origins.count < Self.countMax else { return nil }
        let origin = HTTPOrigin(
            resolver: resolver, host: host, port: port,
            tls: usesTLS ? try TLSContext(client: tls) : nil, limits: Self.limits,
            connectTime: connectTime, proxy: proxy(host, port, usesTLS))
        origins.append((usesTLS, origin))
        return origin
    }

    /// One request runs at a time.
    private static let limits: PoolLimits = {
        var limits = PoolLimits()
        limits.openMax = 2
        limits.idleMax = 1
        limits.waitingMax = 2
        return limits
    }()

    /// Closes every connection. No call may be running.
    func close() {
        for known in origins { known.origin.close() }
        origins = []
    }
}
