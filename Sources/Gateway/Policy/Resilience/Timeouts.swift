// Timeouts.swift — the upstream's clocks, computed for each request from its size, its model and
// whether it streams (docs/limits.md).

import GatewayModel
import ReactorCore

/// What a request asks of its upstream, as far as that takes time.
package struct UpstreamWork {
    package var bodyBytes: Int
    /// Whether the upstream is asked for a stream.
    package var streams: Bool
    /// The bound that the request sets on the answer's tokens; nil: none.
    package var tokensMax: Int?
    /// The tokens that the request lets its model think; nil: it says nothing of that.
    package var thinkingTokens: Int?
    /// What is known of the model that answers.
    package var pace = ModelPace()

    package init(
        bodyBytes: Int, streams: Bool, tokensMax: Int? = nil, thinkingTokens: Int? = nil
    ) {
        self.bodyBytes = bodyBytes
        self.streams = streams
        self.tokensMax = tokensMax
        self.thinkingTokens = thinkingTokens
    }

    /// Whether a computed clock needs to know the model: the request does not say itself how much
    /// it is to think, or to write.
    package var dependsOnModel: Bool {
        streams ? thinkingTokens == nil : tokensMax == nil
    }
}

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

    /// Whether the time to the head goes by the request and its model.
    package var computesHead: Bool { headNanoseconds == nil }

    /// Tokens assumed where neither the request nor what is known of its model sets a limit.
    static let defaultTokensMax = 12_000
    /// Tokens of thoughts assumed of a model that thinks, where the request does not say how much:
    /// those of a medium effort.
    static let defaultThinkingTokens = ReasoningRequest.Effort.medium.tokens
    private static let second: Int64 = 1_000_000_000
    private static let token: Int64 = 30_000_000

    /// The clocks of one request.
    ///
    /// Head: 60 s + 1 s per 16 KiB of body. Unary requests get 30 ms more per token they may
    /// produce, by their own word or their model's, and at most 600 s. Streams get 30 ms more per
    /// token of thoughts that may come before the first word, and at most 300 s. What the client
    /// says of its own time-out lowers the clocks and raises none.
    package func clocks(for work: UpstreamWork, clientMilliseconds: Int?) -> ClientClocks {
        let computed = headNanoseconds ?? Self.head(for: work)
        let limit = clientMilliseconds.map { Int64($0) * 1_000_000 } ?? .max
        return ClientClocks(
            connectNanoseconds: min(connectNanoseconds, limit),
            headNanoseconds: min(computed, limit),
            idleNanoseconds: min(idleNanoseconds, limit),
            totalNanoseconds: totalNanoseconds)
    }

    private static func head(for work: UpstreamWork) -> Int64 {
        let base = Int64(60 + work.bodyBytes / 16384) * second
        guard work.streams else {
            let tokens = work.tokensMax ?? work.pace.outputTokensMax ?? defaultTokensMax
            return min(base + time(for: tokens), 600 * second)
        }
        let thoughts =
            work.thinkingTokens ?? (work.pace.reasons == true ? defaultThinkingTokens : 0)
        return min(base + time(for: min(thoughts, work.tokensMax ?? .max)), 300 * second)
    }

    private static func time(for tokens: Int) -> Int64 {
        Int64(min(max(tokens, 0), 1_000_000)) * token
    }
}
