// Timeouts.swift — the upstream's clocks, computed for each request from its size (docs/limits.md).

import ReactorCore

/// The clocks of a provider, as configured.
package struct TimeoutPolicy: Equatable, Sendable {
    private let connect: Int64
    private let head: Int64?
    private let idle: Int64
    private let total: Int64

    /// - Parameter head: nil where it is computed.
    package init(
        connect: Duration = .seconds(10), head: Duration? = nil, idle: Duration = .seconds(300),
        total: Duration = .seconds(3600)
    ) {
        self.connect = connect.nanoseconds
        self.head = head?.nanoseconds
        self.idle = idle.nanoseconds
        self.total = total.nanoseconds
    }

    /// Tokens assumed where the request sets no limit.
    static let defaultTokensMax = 12_000
    private static let second: Int64 = 1_000_000_000

    /// The clocks of one request.
    ///
    /// Head: 60 s + 1 s per 16 KiB of body; unary requests get 30 ms more per token they may
    /// produce and at most 600 s, streams at most 300 s. What the client says of its own time-out
    /// lowers the clocks and raises none.
    package func clocks(
        bodyBytes: Int, streams: Bool, tokensMax: Int?, clientSeconds: Int?
    ) -> ClientClocks {
        let computed =
            head ?? computedHead(bodyBytes: bodyBytes, streams: streams, tokensMax: tokensMax)
        let limit = clientSeconds.map { Int64($0) * Self.second } ?? .max
        return ClientClocks(
            connectNanoseconds: min(connect, limit), headNanoseconds: min(computed, limit),
            idleNanoseconds: min(idle, limit), totalNanoseconds: total)
    }

    private func computedHead(bodyBytes: Int, streams: Bool, tokensMax: Int?) -> Int64 {
        let base = Int64(60 + bodyBytes / 16384) * Self.second
        if streams { return min(base, 300 * Self.second) }
        let tokens = min(max(tokensMax ?? Self.defaultTokensMax, 0), 1_000_000)
        return min(base + Int64(tokens) * 30_000_000, 600 * Self.second)
    }
}
