// Timeouts.swift — the upstream's clocks, computed for each request from its size (docs/limits.md).

import ReactorCore

/// The clocks of a provider, as configured: nil means computed or default.
package struct TimeoutPolicy: Equatable, Sendable {
    package var connect: Duration = .seconds(10)
    package var head: Duration?
    package var idle: Duration = .seconds(300)
    package var total: Duration = .seconds(3600)

    package init() {}

    /// Tokens assumed where the request sets no limit.
    static let defaultTokensMax = 12_000

    /// The clocks of one request.
    ///
    /// Head: 60 s + 1 s per 16 KiB of body; unary requests get 30 ms more per token they may
    /// produce and at most 600 s, streams at most 300 s. What the client says of its own time-out
    /// lowers every clock and raises none.
    package func clocks(
        bodyBytes: Int, streams: Bool, tokensMax: Int?, clientLimit: Duration?
    ) -> ClientClocks {
        var clocks = ClientClocks()
        clocks.connect = connect
        clocks.idle = idle
        clocks.total = total
        clocks.head = head ?? computedHead(bodyBytes: bodyBytes, streams: streams, tokensMax: tokensMax)
        if let clientLimit {
            clocks.connect = min(clocks.connect, clientLimit)
            clocks.head = min(clocks.head, clientLimit)
            clocks.idle = min(clocks.idle, clientLimit)
        }
        return clocks
    }

    private func computedHead(bodyBytes: Int, streams: Bool, tokensMax: Int?) -> Duration {
        let base = Duration.seconds(60 + bodyBytes / 16384)
        if streams { return min(base, .seconds(300)) }
        let tokens = min(max(tokensMax ?? Self.defaultTokensMax, 0), 1_000_000)
        return min(base + .milliseconds(30 * tokens), .seconds(600))
    }
}
