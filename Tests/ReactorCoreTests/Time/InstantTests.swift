// InstantTests.swift — arithmetic that must not overflow.

import ReactorCore
import Testing

@Suite struct InstantTests {
    @Test func adding() {
        let instant = Instant(nanoseconds: 10)
        #expect(instant + .nanoseconds(5) == Instant(nanoseconds: 15))
        #expect(instant + .nanoseconds(-5) == Instant(nanoseconds: 5))
        #expect(instant + .nanoseconds(-50) == Instant(nanoseconds: 0))
        #expect(Instant.never + .seconds(1) == .never)
        #expect(instant + .seconds(Int64.max) == Instant(nanoseconds: 10 + UInt64(Int64.max)))
        #expect(Instant(nanoseconds: .max - 1) + .nanoseconds(5) == .never)
    }

    @Test func differences() {
        #expect(Instant(nanoseconds: 9).nanoseconds(since: Instant(nanoseconds: 4)) == 5)
        #expect(Instant(nanoseconds: 4).nanoseconds(since: Instant(nanoseconds: 9)) == 0)
    }

    @Test func durations() {
        #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(-1500).nanoseconds == -1_500_000_000)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.seconds(9_223_372_036).nanoseconds == 9_223_372_036_000_000_000)
    }
}
