// Instant.swift — a point on the monotonic clock. Machines are handed one; only shells read clocks.

/// Nanoseconds on the monotonic clock, from an origin that only differences give a meaning.
@frozen
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's origin.
    public var nanoseconds: UInt64

    /// The instant `nanoseconds` after the clock's origin.
    @inlinable @inline(__always)
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Later than every real instant: "no deadline".
    @inlinable
    public static var never: Instant { Instant(nanoseconds: .max) }

    /// Whether `left` comes first.
    @inlinable @inline(__always)
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Later by `duration`; `never` where that overflows.
    @inlinable
    public static func + (left: Instant, duration: Duration) -> Instant {
        left.advanced(nanoseconds: duration.nanoseconds)
    }

    /// Later by `delta` nanoseconds (negative: earlier), clamped to what can be expressed.
    @inlinable
    public func advanced(nanoseconds delta: Int64) -> Instant {
        if delta < 0 {
            let back = delta.magnitude
            return Instant(nanoseconds: nanoseconds > back ? nanoseconds - back : 0)
        }
        let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(delta))
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    /// Nanoseconds from `earlier` to this instant; 0 if this one is not later.
    @inlinable
    public func nanoseconds(since earlier: Instant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

extension Duration {
    /// This duration in whole nanoseconds, clamped to Int64.
    @inlinable
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}
