// Backoff.swift — how long to wait before the next try. Pure: the random draw is passed in.

/// Exponential back-off with a cap and downward jitter.
public struct Backoff: Equatable, Sendable {
    /// The first wait.
    public var base: Duration
    /// The longest wait.
    public var cap: Duration
    /// How many times longer each wait is than the one before.
    public var factor: Double
    /// Which part of a wait is left to chance, 0...1: 0.25 waits between 75 % and 100 % of it.
    public var jitter: Double

    /// Waits from `base` up to `cap`.
    public init(base: Duration, cap: Duration, factor: Double = 2, jitter: Double = 0.25) {
        precondition(base > .zero && cap >= base && factor >= 1 && jitter >= 0 && jitter <= 1)
        self.base = base
        self.cap = cap
        self.factor = factor
        self.jitter = jitter
    }

    /// The wait after `failures` failures in a row, at least 1; `draw` is a random number in 0..<1.
    public func delay(afterFailures failures: Int, draw: Double) -> Duration {
        precondition(failures >= 1 && draw >= 0 && draw < 1)
        let longest = Double(cap.nanoseconds)
        var wait = Double(base.nanoseconds)
        for _ in 1..<failures {
            guard wait < longest, factor > 1 else { break }
            wait *= factor
        }
        return .nanoseconds(Int64(min(wait, longest) * (1 - jitter * draw)))
    }
}
