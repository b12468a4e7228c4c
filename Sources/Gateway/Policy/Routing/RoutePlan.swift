// RoutePlan.swift — whom one request may be sent to, one after the other, and what a failure means for
// the way: another try, the next candidate, the end.
// Pure value: it knows no socket and no clock; times, draws and failures are handed in.
// Imported by Exchange.

import GatewayModel
import ReactorCore

/// The way of a request that more than one target, or more than one try, can answer.
///
/// Whether the way may be gone on at all, because the client has had no byte of an answer yet, is
/// ExchangeMachine's to say.
package struct RoutePlan {
    /// One model at one provider.
    package struct Candidate: Equatable, Sendable {
        /// Index of the provider.
        package var provider: Int
        /// The model's name there.
        package var upstreamModel: String
        package var settings: ModelSettings
        package var timeouts: TimeoutOverrides
        /// Tries beyond the first; nil: as the provider says.
        package var retries: Int?

        package init(
            provider: Int, upstreamModel: String, settings: ModelSettings = ModelSettings(),
            timeouts: TimeoutOverrides = TimeoutOverrides(), retries: Int? = nil
        ) {
            self.provider = provider
            self.upstreamModel = upstreamModel
            self.settings = settings
            self.timeouts = timeouts
            self.retries = retries
        }
    }

    /// What follows a failure.
    package enum Step: Equatable, Sendable {
        /// The same candidate again, after a wait.
        case retry(waitNanoseconds: Int64)
        /// The candidate that is now `current`.
        case next
        /// The client is told.
        case end
    }

    /// Candidates of one request; further ones are not asked.
    package static let candidatesMax = 16
    /// Attempts of one request in all, retries among them.
    package static let attemptsMax = 16
    /// Tries of one candidate beyond the first that can be configured.
    package static let retriesMax = 5
    /// Nobody waits longer for another try, whatever the upstream asks for.
    package static let waitMaxNanoseconds: Int64 = 10_000_000_000
    private static let backoff = Backoff(
        base: .milliseconds(250), cap: .seconds(4), factor: 2, jitter: 0.5)

    /// In the order in which they are asked; never empty.
    package let candidates: [Candidate]
    private var place = 0
    /// Tries that the current candidate has had beyond the first.
    private var retries = 0
    /// Attempts that have failed.
    private var failures = 0

    package init(_ candidates: [Candidate]) {
        precondition(!candidates.isEmpty, "a plan without candidates")
        self.candidates = Array(candidates.prefix(Self.candidatesMax))
    }

    /// Whom to ask now.
    package var current: Candidate { candidates[place] }

    /// Whether others follow.
    package var hasNext: Bool { place + 1 < candidates.count }

    /// The current candidate has failed.
    ///
    /// - Parameters:
    ///   - retriesDefault: tries beyond the first where the candidate names none.
    ///   - left: until the client's own deadline; nil where it has none.
    ///   - draw: a random number in 0..<1.
    package mutating func failed(
        _ failure: Failure, retriesDefault: Int, leftNanoseconds left: Int64?, draw: Double
    ) -> Step {
        failures += 1
        guard Self.movesOn(failure), failures < Self.attemptsMax else { return .end }
        if retries < current.retries ?? retriesDefault, Self.mayBeRetried(failure) {
            let wait = Self.wait(after: failure, tries: retries + 1, draw: draw)
            if wait <= Self.waitMaxNanoseconds, wait < left ?? .max {
                retries += 1
                return .retry(waitNanoseconds: wait)
            }
        }
        if let left, left <= 0 { return .end }
        return passed()
    }

    /// The current candidate was not asked, or is not asked again.
    package mutating func passed() -> Step {
        guard hasNext else { return .end }
        place += 1
        retries = 0
        return .next
    }

    /// Whether another target might answer what this one could not: what an upstream refuses as
    /// wrong (400, 404, 413, 422) is wrong elsewhere too.
    package static func movesOn(_ failure: Failure) -> Bool {
        // The line in front of one provider's pool, or of its token.
        failure.mayBeTriedElsewhere || failure.kind == .overloaded
    }

    /// Whether the same target might answer a little later. Behind a time-out of the answer, or an
    /// answer that broke off, one may have been made and billed.
    package static func mayBeRetried(_ failure: Failure) -> Bool {
        switch failure.kind {
        case .upstreamRateLimit, .upstreamOverload, .upstreamFault, .upstreamUnreachable,
            .overloaded:
            true
        case .upstreamTimeout: failure.clock == .connect
        default: false
        }
    }

    /// The back-off, or what the upstream asks for if that is longer.
    private static func wait(after failure: Failure, tries: Int, draw: Double) -> Int64 {
        let asked = min(Int64(failure.retryAfter ?? 0), 86_400) * 1_000_000_000
        return max(backoff.delay(afterFailures: tries, draw: draw).nanoseconds, asked)
    }
}

/// How many requests may be retried at once, so that retries do not bring down what is failing.
package struct RetryBudget: Sendable {
    /// So many always may, and of the requests in flight this part.
    package static let countMin = 3
    package static let percent = 20

    private var count = 0

    package init() {}

    /// Takes a place if there is one.
    package mutating func take(inFlight: Int) -> Bool {
        guard count < max(Self.countMin, inFlight * Self.percent / 100) else { return false }
        count += 1
        return true
    }

    /// Gives it back.
    package mutating func giveBack() {
        precondition(count > 0, "a retry was given back twice")
        count -= 1
    }
}
