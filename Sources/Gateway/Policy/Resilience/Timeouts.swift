// Timeouts.swift — the upstream's clocks, computed for each request from its size (docs/limits.md).

import ReactorCore

/// The clocks of a provider, as configured. Kept in nanoseconds, because they are reckoned with on
/// every request and arithmetic on `Duration` is 128 bits wide.
package struct TimeoutPolicy: Equatable, Sendable {
    private var connectNanoseconds: Int64 = 10_000_000_000
    private var headNanoseconds: Int64?
    private var idleNanoseconds: Int64 = 300_000_000_000
    private var totalNanoseconds: Int64 = 3_600_000_000_000

    package init() {}

    /// Name look-up, TCP and TLS together.
    package var connect: Duration {
        get { .nanoseconds(connectNanoseconds) }
        set { connectNanoseconds = newValue.nanoseconds }
    }
    /// To the end of the response's head; nil where it is computed.
    package var head: Duration? {
        get { headNanoseconds.map { .nanoseconds($0) } }
        set { headNanoseconds = newValue?.nanoseconds }
    }
    /// Between two reads of the response.
    package var idle: Duration {
        get { .nanoseconds(idleNanoseconds) }
        set { idleNanoseconds = newValue.nanoseconds }
    }
    /// The whole exchange.
    package var total: Duration {
        get { .nanoseconds(totalNanoseconds) }
        set { totalNanoseconds = newValue.nanoseconds }
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
        bodyBytes: Int, streams: Bool, tokensMax: Int?, clientMilliseconds: Int?
    ) -> ClientClocks {
        let computed =
            headNanoseconds
            ?? computedHead(bodyBytes: bodyBytes, streams: streams, tokensMax: tokensMax)
        let limit = clientMilliseconds.map { Int64($0) * 1_000_000 } ?? .max
        return ClientClocks(
            connectNanoseconds: min(connectNanoseconds, limit),
            headNanoseconds: min(computed, limit),
            idleNanoseconds: min(idleNanoseconds, limit),
            totalNanoseconds: totalNanoseconds)
    }

    private func computedHead(bodyBytes: Int, streams: Bool, tokensMax: Int?) -> Int64 {
        let base = Int64(60 + bodyBytes / 16384) * Self.second
        if streams { return min(base, 300 * Self.second) }
        let tokens = min(max(tokensMax ?? Self.defaultTokensMax, 0), 1_000_000)
        return min(base + Int64(tokens) * 30_000_000, 600 * Self.second)
    }
}
