// TokenPolicy.swift — when a token is refreshed, how often its endpoint is tried and when that is
// given up for a while. Immutable settings. Imported by Config and Exchange.

import GatewayModel
import ReactorCore

/// The settings of one credential.
package struct TokenPolicy: Equatable, Sendable {
    /// A token is refreshed so many seconds before its end, but never earlier than this share of its
    /// life before it.
    package var bufferSeconds: Int
    package var bufferShare: Double
    /// Seconds after which a token is refreshed even if it holds for longer.
    package var refreshInterval: Int?
    /// Requests (or log-ins) in a row.
    package var attemptCountMax = 3
    /// The wait behind the first one; it doubles.
    package var attemptWait: Duration = .seconds(1)
    /// The longest wait between two attempts that an endpoint may ask for.
    package var attemptWaitMax: Duration = .seconds(10)
    /// How long nothing is tried behind attempts that failed; it doubles each time up to the other.
    package var breakerTime: Duration = .seconds(30)
    package var breakerTimeMax: Duration = .seconds(300)
    /// Between two tries to lock the shared file.
    package var lockRetryTime: Duration = .milliseconds(100)
    /// After so long the lock is done without: another worker holds it and gets nowhere.
    package var lockWaitMax: Duration = .seconds(35)
    /// So many tokens in a row may be refused by the upstream while they are young.
    package var youngRejectionCountMax = 3
    /// What young means.
    package var youngTime: Duration = .seconds(60)

    /// An hour before the end, or 10 % of the life.
    package init(bufferSeconds: Int = 3600, bufferShare: Double = 0.1) {
        precondition(bufferSeconds >= 0 && bufferShare >= 0 && bufferShare < 1)
        self.bufferSeconds = bufferSeconds
        self.bufferShare = bufferShare
    }

    /// Half an hour before the end, or 60 % of the life: three refreshes in an hour with tokens of
    /// fifty minutes.
    package static let salesforce = TokenPolicy(bufferSeconds: 1800, bufferShare: 0.6)

    /// Repeated log-ins lock the account, so they are left alone for minutes.
    package static let webSession: TokenPolicy = {
        var policy = TokenPolicy()
        policy.breakerTime = .seconds(300)
        policy.breakerTimeMax = .seconds(1800)
        return policy
    }()

    /// The second since 1970 from which on `token` is to be refreshed.
    package func refreshTime(of token: AccessToken) -> Int {
        let share = Int(Double(token.lifetime) * bufferShare)
        let time = token.expiresAt - min(bufferSeconds, share)
        guard let refreshInterval else { return time }
        return min(time, token.createdAt + max(1, refreshInterval))
    }

    /// The second since 1970 from which on `token` is not used any more: a little before its end, so
    /// that it does not run out on its way.
    package func endTime(of token: AccessToken) -> Int {
        token.expiresAt - min(5, token.lifetime / 10)
    }
}

/// Now, by both clocks: tokens end by the wall's, waits by the monotonic one.
package struct TokenTime: Equatable, Sendable {
    /// Since 1970.
    package var seconds: Int
    package var instant: Instant

    package init(seconds: Int, instant: Instant) {
        self.seconds = seconds
        self.instant = instant
    }
}

/// A token to use, and which one of its credential's it is.
package struct TokenLease: Equatable, Sendable {
    package let token: AccessToken
    /// To be named when the upstream rejects it.
    package let generation: Int

    package init(token: AccessToken, generation: Int) {
        self.token = token
        self.generation = generation
    }
}

/// How a credential stands, without its secret.
package struct TokenState: Equatable, Sendable {
    package enum Phase: String, Sendable {
        case empty
        case loading
        case valid
        case refreshing
        /// Between two attempts.
        case waiting
        /// Nothing is tried for a while.
        case broken
    }

    package var phase: Phase
    /// Whether requests get a token, whatever the phase.
    package var isUsable: Bool
    /// How many tokens there have been.
    package var generation: Int
    /// Of the token at hand.
    package var createdAt: Int?
    package var expiresAt: Int?
    package var secretBytes: Int?
    /// Seconds until the next try, while broken.
    package var retryIn: Int?
    /// Why the last tries failed, while broken.
    package var reason: String?
}
