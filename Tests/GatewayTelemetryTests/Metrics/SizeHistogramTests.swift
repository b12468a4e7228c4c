// SizeHistogramTests.swift — the buckets of the GenAI conventions.

import GatewayTelemetry
import Testing

@Suite struct SizeHistogramTests {
    @Test func theBoundsAreThoseOfTheConventions() {
        #expect(
            SizeHistogram.bounds == [
                1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304,
                16_777_216, 67_108_864,
            ])
        #expect(SizeHistogram.bounds.count == SizeHistogram.bucketCount - 1)
    }

    @Test func everyBoundIsTheLastOfItsBucket() {
        for (place, bound) in SizeHistogram.bounds.enumerated() {
            #expect(SizeHistogram.place(of: bound) == place)
            #expect(SizeHistogram.place(of: bound + 1) == place + 1)
        }
        #expect(SizeHistogram.place(of: .max) == SizeHistogram.bucketCount - 1)
        for value in [0, -1, .min] { #expect(SizeHistogram.place(of: value) == 0) }
    }

    @Test func twoOfThemAddUp() {
        var (one, other) = (SizeHistogram(), SizeHistogram())
        for size in [1, 2, 2, 300] { one.record(size) }
        for size in [2, 100_000_000] { other.record(size) }
        one += other
        #expect(one.count == 6)
        #expect((0..<SizeHistogram.bucketCount).map { one[$0] }.filter { $0 > 0 } == [1, 3, 1, 1])
        #expect(one[14] == 1)
    }
}
