// BenchTally.swift — what came of a run of requests. Pure value: outcomes in, numbers out.

/// One request that was answered whole.
package struct BenchSample: Equatable, Sendable {
    package var total: Int64 = 0
    /// From the start to the first piece of the answer; nil for answers in one piece.
    package var first: Int64?
    /// Of the answer, as the server counts them; pieces where it does not.
    package var tokens = 0
    package var tokensAreCounted = false

    package init() {}
}

/// Counts and durations of a run, in nanoseconds.
package struct BenchTally: Equatable, Sendable {
    /// Kinds of failures that are told apart; the rest is one more.
    package static let failureKindsMax = 32

    package private(set) var succeeded = 0
    package private(set) var failed = 0
    /// By reason, in the order in which they came.
    package private(set) var failures: [(reason: String, count: Int)] = []
    package private(set) var total = LatencyDigest()
    package private(set) var first = LatencyDigest()
    package private(set) var between = LatencyDigest()
    package private(set) var tokens = 0
    /// Whether the server counted every answer's tokens.
    package private(set) var tokensAreCounted = true
    /// Tokens a second of each stream behind its first piece, times 1000.
    package private(set) var rate = LatencyDigest()

    package init() {}

    package var finished: Int { succeeded + failed }

    package mutating func add(_ sample: BenchSample) {
        succeeded += 1
        total.add(nanoseconds: sample.total)
        tokens += sample.tokens
        if !sample.tokensAreCounted { tokensAreCounted = false }
        guard let first = sample.first else { return }
        self.first.add(nanoseconds: first)
        let writing = sample.total - first
        if sample.tokens > 1, writing > 0 {
            rate.add(
                nanoseconds: Int64(Double(sample.tokens - 1) * 1e12 / Double(writing)))
        }
    }

    /// The time between two pieces of one stream.
    package mutating func addGap(_ nanoseconds: Int64) { between.add(nanoseconds: nanoseconds) }

    package mutating func addFailure(_ reason: String) {
        failed += 1
        if let index = failures.firstIndex(where: { $0.reason == reason }) {
            failures[index].count += 1
        } else if failures.count < Self.failureKindsMax {
            failures.append((reason, 1))
        } else {
            let other = "other failures"
            if failures.last?.reason == other {
                failures[failures.count - 1].count += 1
            } else {
                failures.append((other, 1))
            }
        }
    }

    package static func == (left: BenchTally, right: BenchTally) -> Bool {
        left.succeeded == right.succeeded && left.failed == right.failed
            && left.failures.elementsEqual(right.failures) { $0 == $1 }
            && left.total == right.total && left.first == right.first
            && left.between == right.between && left.tokens == right.tokens
    }
}
