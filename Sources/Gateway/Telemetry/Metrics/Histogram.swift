// Histogram.swift — a distribution of times in buckets that are fixed for all. Pure value; recording
// allocates nothing. Two of one kind add up exactly, since all have the same bounds.

/// Counts of durations in buckets of six a decade, from 10 µs to 700 s, and one above.
package struct Histogram: Sendable {
    /// Upper bounds, inclusive, in microseconds: 1, 1.5, 2, 3, 5, 7 times powers of ten.
    /// Written out, as the table below: what is computed once is asked for, each time, whether it has been.
    package static let bounds: [Int] = [
        10, 15, 20, 30, 50, 70,
        100, 150, 200, 300, 500, 700,
        1000, 1500, 2000, 3000, 5000, 7000,
        10_000, 15_000, 20_000, 30_000, 50_000, 70_000,
        100_000, 150_000, 200_000, 300_000, 500_000, 700_000,
        1_000_000, 1_500_000, 2_000_000, 3_000_000, 5_000_000, 7_000_000,
        10_000_000, 15_000_000, 20_000_000, 30_000_000, 50_000_000, 70_000_000,
        100_000_000, 150_000_000, 200_000_000, 300_000_000, 500_000_000, 700_000_000,
    ]
    /// The places in `bounds` that are told to others: 1, 2 and 5 times powers of ten.
    package static let toldPlaces = bounds.indices.filter { [0, 2, 4].contains($0 % 6) }
    private static let bucketCount = 49

    private var counts = InlineArray<49, Int>(repeating: 0)
    /// All that was recorded.
    package private(set) var count = 0
    /// Its sum, in microseconds.
    package private(set) var sum = 0

    package init() {}

    /// Takes one duration. What is below zero counts as zero.
    package mutating func record(microseconds: Int) {
        let value = max(microseconds, 0)
        counts[Self.place(of: value)] += 1
        count += 1
        sum = sum.addingReportingOverflow(value).partialValue
    }

    /// The first bucket whose bound is not below `value`.
    package static func place(of value: Int) -> Int {
        let bits = Int.bitWidth &- max(value, 0).leadingZeroBitCount
        var place = Int(firstPlaces[bits])
        // Numbers of so many bits are in three buckets at most.
        while place < bounds.count, bounds[place] < value { place &+= 1 }
        return place
    }

    /// The place of the least number of so many bits.
    private static let firstPlaces: [UInt8] = [
        0, 0, 0, 0, 0, 2, 4, 5, 7, 9, 11, 13, 15, 16, 18, 20,
        22, 23, 25, 27, 29, 31, 33, 34, 36, 38, 40, 41, 43, 45, 47, 48,
        48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48,
        48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48,
    ]

    /// How many were at most `bounds[place]`.
    package func count(upTo place: Int) -> Int {
        var total = 0
        for index in 0...place { total += counts[index] }
        return total
    }

    /// The duration, in microseconds, that the share `share` (0...1) stayed within: exact to the
    /// bucket, straight between its bounds. Nil while nothing was recorded.
    package func quantile(_ share: Double) -> Int? {
        guard count > 0 else { return nil }
        let wanted = max(share * Double(count), 1)
        var below = 0
        for place in 0..<Self.bucketCount where counts[place] > 0 {
            let upTo = below + counts[place]
            if Double(upTo) >= wanted {
                let bounds = Self.bounds
                guard place < bounds.count else { return bounds[bounds.count - 1] }
                let floor = place == 0 ? 0 : bounds[place - 1]
                let part = (wanted - Double(below)) / Double(counts[place])
                return floor + Int(part * Double(bounds[place] - floor))
            }
            below = upTo
        }
        return Self.bounds.last
    }

    package static func += (left: inout Histogram, right: Histogram) {
        for place in 0..<bucketCount { left.counts[place] += right.counts[place] }
        left.count += right.count
        left.sum = left.sum.addingReportingOverflow(right.sum).partialValue
    }

    /// What was recorded since `earlier`, a former state of this very one.
    package static func - (later: Histogram, earlier: Histogram) -> Histogram {
        var difference = Histogram()
        for place in 0..<bucketCount {
            difference.counts[place] = later.counts[place] - earlier.counts[place]
        }
        difference.count = later.count - earlier.count
        difference.sum = later.sum.subtractingReportingOverflow(earlier.sum).partialValue
        return difference
    }
}
