// LatencyDigest.swift — any number of durations in fixed memory, and their percentiles.
// Pure value. Used by bench.

/// Durations counted in buckets that are at most 1/128 of their value wide: percentiles are right to
/// within 0.8 %; count, sum, least and greatest are exact.
package struct LatencyDigest: Equatable, Sendable {
    private static let subBits: UInt64 = 7
    /// 128 values below 128 ns, then 128 buckets for each doubling up to 2^63.
    private static let bucketCount = (64 - Int(subBits)) << Int(subBits)

    private var buckets: [UInt32] = []
    package private(set) var count = 0
    package private(set) var sumNanoseconds = 0.0
    package private(set) var least: Int64 = 0
    package private(set) var greatest: Int64 = 0

    package init() {}

    /// Counts a duration; a negative one is 0.
    package mutating func add(nanoseconds: Int64) {
        let value = max(nanoseconds, 0)
        if buckets.isEmpty { buckets = [UInt32](repeating: 0, count: Self.bucketCount) }
        buckets[Self.bucket(of: UInt64(value))] &+= 1
        least = count == 0 ? value : min(least, value)
        greatest = max(greatest, value)
        sumNanoseconds += Double(value)
        count += 1
    }

    /// The mean in nanoseconds; nil without durations.
    package var mean: Double? { count > 0 ? sumNanoseconds / Double(count) : nil }

    /// The duration that `share` (0...1) of all do not exceed; nil without durations.
    package func percentile(_ share: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((share * Double(count)).rounded(.up)))
        if rank >= count { return greatest }
        var passed = 0
        for (index, counted) in buckets.enumerated() where counted > 0 {
            passed += Int(counted)
            if passed >= rank { return min(max(Self.middle(of: index), least), greatest) }
        }
        return greatest
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= 1 << subBits else { return Int(value) }
        let doublings = 63 - UInt64(value.leadingZeroBitCount) - subBits
        // The highest bit is the doubling's; the seven behind it are the place within.
        return Int((doublings << subBits) + (value >> doublings))
    }

    private static func middle(of bucket: Int) -> Int64 {
        let index = UInt64(bucket)
        guard index >= 2 << subBits else { return Int64(index) }
        let doublings = (index >> subBits) - 1
        let start = ((index & (1 << subBits - 1)) | 1 << subBits) << doublings
        return Int64(start + (1 << doublings) / 2)
    }
}
