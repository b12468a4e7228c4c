// SizeHistogram.swift — a distribution of token counts in the buckets that the GenAI conventions ask
// for. Pure value; recording is a shift and an addition.

/// Counts of sizes in buckets up to 1, 4, 16 and so on to 4¹³, and one above.
///
/// Source of the bounds: OpenTelemetry's `gen_ai.client.token.usage`. Its sum is kept by whoever has it.
package struct SizeHistogram: Sendable {
    /// Upper bounds, inclusive.
    package static let bounds: [Int] = (0..<14).map { 1 << (2 * $0) }
    package static let bucketCount = 15

    private var counts = InlineArray<15, Int>(repeating: 0)

    package init() {}

    /// Takes one size. What is below zero counts as zero.
    package mutating func record(_ size: Int) { counts[Self.place(of: size)] += 1 }

    /// The first bucket whose bound is not below `size`.
    package static func place(of size: Int) -> Int {
        guard size > 1 else { return 0 }
        // Bits of size - 1, two of which make a bucket.
        return min((Int.bitWidth - (size - 1).leadingZeroBitCount + 1) / 2, bucketCount - 1)
    }

    /// How many are in the bucket of this place.
    package subscript(place: Int) -> Int { counts[place] }

    /// All that was recorded.
    package var count: Int {
        var total = 0
        for place in 0..<Self.bucketCount { total += counts[place] }
        return total
    }

    package static func += (left: inout SizeHistogram, right: SizeHistogram) {
        for place in 0..<bucketCount { left.counts[place] += right.counts[place] }
    }
}
