import Testing

@testable import GatewayCommands

@Suite struct BenchTallyTests {
    private func sample(total: Int64, first: Int64?, tokens: Int, counted: Bool = true)
        -> BenchSample
    {
        var sample = BenchSample()
        sample.total = total
        sample.first = first
        sample.tokens = tokens
        sample.tokensAreCounted = counted
        return sample
    }

    @Test func addsUp() {
        var tally = BenchTally()
        tally.add(sample(total: 2_000_000_000, first: 1_000_000_000, tokens: 11))
        tally.add(sample(total: 4_000_000_000, first: nil, tokens: 4))
        #expect(tally.succeeded == 2)
        #expect(tally.finished == 2)
        #expect(tally.tokens == 15)
        #expect(tally.total.greatest == 4_000_000_000)
        #expect(tally.first.count == 1)
        // Ten tokens behind the first in one second.
        #expect(tally.rate.greatest == 10_000)
        #expect(tally.tokensAreCounted)
        tally.add(sample(total: 1, first: nil, tokens: 1, counted: false))
        #expect(!tally.tokensAreCounted)
    }

    @Test func failuresAreCountedByReasonUpToABound() {
        var tally = BenchTally()
        tally.addFailure("a")
        tally.addFailure("b")
        tally.addFailure("a")
        #expect(tally.failures.map(\.reason) == ["a", "b"])
        #expect(tally.failures.map(\.count) == [2, 1])
        for index in 0..<100 { tally.addFailure("reason \(index)") }
        #expect(tally.failures.count == BenchTally.failureKindsMax + 1)
        #expect(tally.failures.last?.reason == "other failures")
        #expect(tally.failures.reduce(0) { $0 + $1.count } == 103)
        #expect(tally.failed == 103)
        #expect(tally.succeeded == 0)
    }
}
