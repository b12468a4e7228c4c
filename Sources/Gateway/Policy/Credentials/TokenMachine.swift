// TokenMachine.swift — one credential's token: when it is used, when and how often a new one is asked
// for, and when that is given up for a while. Pure value: no file, no socket, no clock.
// Imported by Exchange, whose TokenSource obeys it and keeps the requests that wait.
//
// Invariants: one refresh at a time; requests use the old token as long as it holds; while the breaker
// is open nothing is asked for.

import GatewayModel
import ReactorCore

/// Decides over the token of one credential.
package struct TokenMachine {
    /// What the shell does next; what it then tells is the next event.
    package enum Action: Equatable {
        case none
        /// Read the shared file, if there is one; tell `fileRead`.
        case readFile
        /// Try to lock it, without waiting, and read it again; tell `lockTaken` or `lockBusy`.
        /// Without a file the lock is taken.
        case lock
        /// Begin the grant; tell `obtained` or `failed`.
        case request
        /// Write the token into the file if it is locked, and unlock it.
        case store(AccessToken)
        /// Unlock the file: another worker's token was in it.
        case unlock
        /// Unlock the file and fail the requests that wait.
        case giveUp(Failure)
    }

    package enum Verdict: Equatable {
        case lease(TokenLease)
        /// The request is told when a token comes, or that none does.
        case wait
        case refuse(Failure)
    }

    private enum Phase: Equatable {
        /// -> reading.
        case idle
        /// -> idle if the file has a good token; -> locking.
        case reading
        /// -> idle if the file has a good token by now; -> requesting with the lock, or without it
        /// at `givenUpAt`.
        case locking(retryAt: Instant, givenUpAt: Instant)
        /// -> idle with a token or a failure; -> waiting.
        case requesting(attempt: Int)
        /// -> requesting.
        case waiting(attempt: Int, until: Instant)
    }

    private let name: String
    private let policy: TokenPolicy
    private var phase = Phase.idle

    private var token: AccessToken?
    private var generation = 0
    private var adoptedAt = Instant(nanoseconds: 0)
    /// By the monotonic clock, in case the wall's is set back.
    private var refreshAt = Instant.never
    private var endsAt = Instant.never

    /// The last token that the upstream did not accept: never taken from the file again.
    private var rejected: Secret?
    private var youngRejectionCount = 0

    /// How often in a row all attempts failed.
    private var failureCount = 0
    private var breaker: (until: Instant, failure: TokenFailure)?

    /// - Parameter name: the provider's, for messages.
    package init(name: String, policy: TokenPolicy) {
        self.name = name
        self.policy = policy
    }

    // MARK: Requests

    /// A request wants a token.
    package mutating func requestArrived(now: TokenTime) -> (Verdict, Action) {
        if let token, isUsable(now) {
            // Only a clock that was set can make this due before its timer comes.
            let action = isDue(now) ? begin(now) : .none
            return (.lease(TokenLease(token: token, generation: generation)), action)
        }
        if phase == .idle, let refusal = refusal(now) { return (.refuse(refusal), .none) }
        return (.wait, begin(now))
    }

    /// The token at hand, if it may be used now.
    package func lease(now: TokenTime) -> TokenLease? {
        guard let token, isUsable(now) else { return nil }
        return TokenLease(token: token, generation: generation)
    }

    /// The upstream did not accept the token of this generation (status 401).
    package mutating func rejected(generation: Int, now: TokenTime) -> Action {
        guard generation == self.generation, let token else { return .none }
        rejected = token.secret
        self.token = nil
        let age = now.instant.nanoseconds(since: adoptedAt)
        let isYoung = age < UInt64(policy.youngTime.nanoseconds.magnitude)
        youngRejectionCount = isYoung ? youngRejectionCount + 1 : 0
        guard phase == .idle else { return .none }
        if youngRejectionCount >= policy.youngRejectionCountMax {
            // One more is tried each time the breaker closes.
            youngRejectionCount -= 1
            let failure = TokenFailure(
                .refused, "the upstream does not accept the tokens that are issued for it")
            return .giveUp(open(failure, now))
        }
        return begin(now)
    }

    /// When `timePassed` is to be called.
    package var deadline: Instant {
        switch phase {
        case .idle: token == nil ? .never : max(refreshAt, breaker?.until ?? refreshAt)
        case .reading, .requesting: .never
        case .locking(let retryAt, _): retryAt
        case .waiting(_, let until): until
        }
    }

    package mutating func timePassed(now: TokenTime) -> Action {
        switch phase {
        case .idle: return token != nil && isDue(now) ? begin(now) : .none
        case .reading, .requesting: return .none
        case .locking(let retryAt, _): return now.instant < retryAt ? .none : .lock
        case .waiting(let attempt, let until):
            guard now.instant >= until else { return .none }
            phase = .requesting(attempt: attempt + 1)
            return .request
        }
    }

    /// Begins a refresh unless one is under way or the breaker is open.
    private mutating func begin(_ now: TokenTime) -> Action {
        guard phase == .idle, breaker.map({ $0.until <= now.instant }) ?? true else {
            return .none
        }
        phase = .reading
        return .readFile
    }

    // MARK: The shared file

    /// The file holds this token of ours, or none.
    package mutating func fileRead(_ found: AccessToken?, now: TokenTime) -> Action {
        guard phase == .reading else { preconditionFailure("a file was read in \(phase)") }
        if take(found, now) {
            phase = .idle
            return .none
        }
        phase = .locking(retryAt: now.instant, givenUpAt: now.instant + policy.lockWaitMax)
        return .lock
    }

    /// The lock is ours, and behind it the file held this token.
    package mutating func lockTaken(_ found: AccessToken?, now: TokenTime) -> Action {
        guard case .locking = phase else { preconditionFailure("a lock was taken in \(phase)") }
        if take(found, now) {
            phase = .idle
            return .unlock
        }
        phase = .requesting(attempt: 1)
        return .request
    }

    /// Another worker has the lock; the file holds this token now.
    package mutating func lockBusy(_ found: AccessToken?, now: TokenTime) -> Action {
        guard case .locking(_, let givenUpAt) = phase else {
            preconditionFailure("a lock was busy in \(phase)")
        }
        if take(found, now) {
            phase = .idle
            return .none
        }
        guard now.instant < givenUpAt else {
            phase = .requesting(attempt: 1)
            return .request
        }
        phase = .locking(retryAt: now.instant + policy.lockRetryTime, givenUpAt: givenUpAt)
        return .none
    }

    /// Adopts a token of the file if it is better than the one at hand; whether it makes a refresh
    /// needless.
    private mutating func take(_ found: AccessToken?, _ now: TokenTime) -> Bool {
        guard let found, found.secret != rejected, found.createdAt <= found.expiresAt,
            found.expiresAt - now.seconds <= AccessToken.lifetimeMax,
            now.seconds < policy.endTime(of: found)
        else { return false }
        if let token, isUsable(now), found.expiresAt <= token.expiresAt { return false }
        adopt(found, now)
        return !isDue(now)
    }

    // MARK: The grant

    /// The endpoint gave a token.
    package mutating func obtained(_ token: AccessToken, now: TokenTime) -> Action {
        guard case .requesting = phase else { preconditionFailure("a token came in \(phase)") }
        phase = .idle
        adopt(token, now)
        return .store(token)
    }

    /// It did not.
    package mutating func failed(_ failure: TokenFailure, now: TokenTime) -> Action {
        guard case .requesting(let attempt) = phase else {
            preconditionFailure("a grant failed in \(phase)")
        }
        let wait = max(
            policy.attemptWait.nanoseconds << Int64(attempt - 1), Self.nanoseconds(failure))
        if !failure.isFinal, attempt < policy.attemptCountMax,
            wait <= policy.attemptWaitMax.nanoseconds
        {
            phase = .waiting(attempt: attempt, until: now.instant.advanced(nanoseconds: wait))
            return .none
        }
        phase = .idle
        return .giveUp(open(failure, now))
    }

    private mutating func adopt(_ token: AccessToken, _ now: TokenTime) {
        self.token = token
        generation += 1
        adoptedAt = now.instant
        func instant(of second: Int, atLeast seconds: Int) -> Instant {
            let ahead = min(max(second - now.seconds, seconds), AccessToken.lifetimeMax)
            return now.instant + .seconds(ahead)
        }
        // A second at least between two refreshes, however short the tokens live.
        refreshAt = instant(of: policy.refreshTime(of: token), atLeast: 1)
        endsAt = instant(of: policy.endTime(of: token), atLeast: 0)
        failureCount = 0
        breaker = nil
    }

    // MARK: The breaker

    /// Opens the breaker; what the requests that wait are told.
    private mutating func open(_ failure: TokenFailure, _ now: TokenTime) -> Failure {
        let longest = policy.breakerTimeMax.nanoseconds
        let doublings = Int64(min(failureCount, 16))
        let time = min(
            longest, max(policy.breakerTime.nanoseconds << doublings, Self.nanoseconds(failure)))
        failureCount += 1
        breaker = (now.instant.advanced(nanoseconds: time), failure)
        return told(failure)
    }

    private static func nanoseconds(_ failure: TokenFailure) -> Int64 {
        Int64(min(max(failure.retryAfter ?? 0, 0), 86_400)) * 1_000_000_000
    }

    private func told(_ failure: TokenFailure) -> Failure {
        let message = "Failed to obtain access token for '\(name)': \(failure.reason)."
        return switch failure.kind {
        case .refused, .malformed: Failure(.upstreamAuthentication, message)
        case .rateLimited:
            Failure(.upstreamOverload, message, retryAfter: failure.retryAfter)
        case .fault: Failure(.upstreamFault, message)
        case .unreachable: Failure(.upstreamUnreachable, message)
        case .timedOut: Failure(.upstreamTimeout, message)
        }
    }

    /// What a request is told while nothing is tried: what is the operator's to mend stays that, anything
    /// else may be over when the time is.
    private func refusal(_ now: TokenTime) -> Failure? {
        guard let breaker, let seconds = Self.seconds(until: breaker.until, now) else {
            return nil
        }
        var failure = told(breaker.failure)
        if failure.kind != .upstreamAuthentication { failure.kind = .upstreamOverload }
        failure.message += " The next try is in \(seconds) s."
        failure.retryAfter = seconds
        return failure
    }

    /// Whole seconds, at least 1; nil if the instant has come.
    private static func seconds(until instant: Instant, _ now: TokenTime) -> Int? {
        guard instant > now.instant else { return nil }
        return Int((instant.nanoseconds(since: now.instant) + 999_999_999) / 1_000_000_000)
    }

    // MARK: Looking

    private func isUsable(_ now: TokenTime) -> Bool {
        guard let token else { return false }
        return now.instant < endsAt && now.seconds < policy.endTime(of: token)
    }

    private func isDue(_ now: TokenTime) -> Bool {
        guard let token else { return true }
        return now.instant >= refreshAt
            || (now.seconds >= policy.refreshTime(of: token)
                && now.instant.nanoseconds(since: adoptedAt) >= 1_000_000_000)
    }

    /// How the credential stands.
    package func state(now: TokenTime) -> TokenState {
        let retryIn = breaker.flatMap { Self.seconds(until: $0.until, now) }
        let phase: TokenState.Phase =
            switch self.phase {
            case .idle where isUsable(now): .valid
            case .idle: retryIn == nil ? .empty : .broken
            case .reading: .loading
            case .locking, .requesting: .refreshing
            case .waiting: .waiting
            }
        return TokenState(
            phase: phase, isUsable: isUsable(now), generation: generation,
            createdAt: token?.createdAt, expiresAt: token?.expiresAt,
            secretBytes: token?.secret.withBytes { $0.count }, retryIn: retryIn,
            reason: retryIn == nil ? nil : breaker?.failure.reason)
    }
}
