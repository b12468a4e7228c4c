// BreakerMachine.swift — when a provider that fails is left alone, and when it is tried again.
// Pure: the whole state is one 64-bit word, which may lie in memory that all workers share; the time
// is handed in. Imported by Exchange and Config.

import ReactorCore

/// When a breaker opens, and for how long.
package struct BreakerPolicy: Equatable, Sendable {
    /// Failures in a row that open it, at most `failuresMax`.
    package var failures = 5
    /// Per cent of the requests of a window that open it; 0: only failures in a row do.
    package var percent = 50
    /// Requests of a window below which per cent mean nothing, at most `countMax`.
    package var minimum = 20
    package var window: Duration = .seconds(60)
    /// How long nobody is let through, and then how long the one who is may take.
    package var open: Duration = .seconds(30)

    package static let failuresMax = 255
    package static let countMax = 1000

    package init() {}
}

/// The state of one breaker.
///
/// Invariant: in a state other than closed the counts are 0. A fresh word, 0, is closed.
package struct BreakerMachine: Equatable, Sendable {
    package enum Phase: UInt64, Sendable {
        /// Everything passes and is counted. -> open.
        case closed = 0
        /// Nothing passes until its time is over. -> halfOpen.
        case open = 1
        /// One request has been let through to see. -> closed, open; -> halfOpen with another one,
        /// if nothing is heard of the first.
        case halfOpen = 2
    }

    package enum Admission: Equatable, Sendable {
        case passes
        /// Its end decides.
        case probes
        case refused(waitNanoseconds: Int64)
    }

    package enum Outcome: Sendable {
        case succeeded
        case failed
        /// It says nothing about the provider: the client left, say.
        case undecided
    }

    // Layout, from the top: 2 bits phase; 32 bits time in ticks of 10 ms, which wrap after 497 days
    // (closed: the window's begin; open: since when; half open: when the probe was let through);
    // 8 bits failures in a row; 11 bits failures and 11 bits requests of the window, counted from
    // the window's first failure on, so that a healthy provider's requests write nothing.
    package private(set) var word: UInt64

    package static let tickNanoseconds: UInt64 = 10_000_000

    package init(word: UInt64 = 0) { self.word = word }

    package var phase: Phase { Phase(rawValue: word >> 62) ?? .closed }
    package var failuresInRow: Int { Int(word >> 22 & 0xFF) }
    private var failed: Int { Int(word >> 11 & 0x7FF) }
    private var counted: Int { Int(word & 0x7FF) }
    private var time: UInt32 { UInt32(truncatingIfNeeded: word >> 30) }

    private mutating func set(
        _ phase: Phase, _ time: UInt32, inRow: Int = 0, failed: Int = 0, counted: Int = 0
    ) {
        word =
            phase.rawValue << 62 | UInt64(time) << 30 | UInt64(inRow) << 22
            | UInt64(failed) << 11 | UInt64(counted)
    }

    private static func ticks(_ nanoseconds: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: nanoseconds / tickNanoseconds)
    }

    private static func ticks(_ duration: Duration) -> UInt32 {
        max(ticks(UInt64(max(duration.nanoseconds, 0))), 1)
    }

    /// A request wants to pass.
    /// - Parameter now: nanoseconds of a monotonic clock that all who use the word share.
    package mutating func admit(_ policy: BreakerPolicy, now: UInt64) -> Admission {
        switch phase {
        case .closed: return .passes
        case .open, .halfOpen:
            let wait = waitNanoseconds(policy, now: now)
            guard wait <= 0 else { return .refused(waitNanoseconds: wait) }
            set(.halfOpen, Self.ticks(now))
            return .probes
        }
    }

    /// Until somebody is let through; 0 while everybody is.
    package func waitNanoseconds(_ policy: BreakerPolicy, now: UInt64) -> Int64 {
        guard phase != .closed else { return 0 }
        let passed = Self.ticks(now) &- time
        let open = Self.ticks(policy.open)
        return passed < open ? Int64(open - passed) * Int64(Self.tickNanoseconds) : 0
    }

    /// A request that had passed is over.
    /// - Returns: whether that has opened the breaker.
    package mutating func ended(
        _ outcome: Outcome, probed: Bool, _ policy: BreakerPolicy, now: UInt64
    ) -> Bool {
        switch phase {
        case .closed: return count(outcome, policy, Self.ticks(now))
        // What began before it opened says nothing new.
        case .open: return false
        case .halfOpen:
            guard probed else { return false }
            switch outcome {
            case .succeeded: set(.closed, 0)
            case .failed:
                set(.open, Self.ticks(now))
                return true
            // The next one may try at once.
            case .undecided: set(.open, Self.ticks(now) &- Self.ticks(policy.open))
            }
            return false
        }
    }

    private mutating func count(
        _ outcome: Outcome, _ policy: BreakerPolicy, _ now: UInt32
    ) -> Bool {
        guard outcome != .undecided, word != 0 || outcome == .failed else { return false }
        let isOver = now &- time >= Self.ticks(policy.window)
        var (failed, counted) = isOver ? (0, 0) : (failed, counted)
        let begin = counted == 0 ? now : time
        guard outcome == .failed else {
            // Without a failure there is nothing to be counted for.
            if failed == 0 {
                set(.closed, 0)
            } else {
                set(.closed, begin, failed: failed, counted: min(counted + 1, 0x7FF))
            }
            return false
        }
        let inRow = min(failuresInRow + 1, BreakerPolicy.failuresMax)
        // Full counts lose their half: the share stays.
        if counted >= 0x7FF { (failed, counted) = (failed / 2, counted / 2) }
        (failed, counted) = (failed + 1, counted + 1)
        let isTooMany =
            policy.percent > 0 && counted >= policy.minimum
            && failed * 100 >= policy.percent * counted
        guard inRow >= policy.failures || isTooMany else {
            set(.closed, begin, inRow: inRow, failed: failed, counted: counted)
            return false
        }
        set(.open, now)
        return true
    }
}
