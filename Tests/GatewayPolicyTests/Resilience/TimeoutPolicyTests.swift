// TimeoutPolicyTests.swift — the clocks of a request, at and around every bound of their formula.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TimeoutPolicyTests {
    private let second: Int64 = 1_000_000_000

    private func head(
        bytes: Int = 0, streams: Bool = true, tokens: Int? = nil, client: Int? = nil,
        policy: TimeoutPolicy = TimeoutPolicy()
    ) -> Int64 {
        policy.clocks(
            bodyBytes: bytes, streams: streams, tokensMax: tokens,
            clientMilliseconds: client.map { $0 * 1000 }
        )
        .head.nanoseconds
    }

    @Test func aStreamGetsAMinuteAndASecondPer16KiB() {
        #expect(head() == 60 * second)
        #expect(head(bytes: 16383) == 60 * second)
        #expect(head(bytes: 16384) == 61 * second)
        #expect(head(bytes: 1 << 20) == 124 * second)
        #expect(head(tokens: 1_000_000) == 60 * second)
    }

    @Test func aStreamGetsFiveMinutesAtMost() {
        #expect(head(bytes: 239 * 16384) == 299 * second)
        #expect(head(bytes: 240 * 16384) == 300 * second)
        #expect(head(bytes: 241 * 16384) == 300 * second)
        #expect(head(bytes: 1 << 40) == 300 * second)
    }

    @Test func aUnaryAnswerGets30MillisecondsPerToken() {
        #expect(head(streams: false, tokens: 0) == 60 * second)
        #expect(head(streams: false, tokens: 1) == 60 * second + 30_000_000)
        #expect(head(streams: false, tokens: 1000) == 90 * second)
        #expect(head(bytes: 32768, streams: false, tokens: 1000) == 92 * second)
        #expect(head(streams: false, tokens: -5) == 60 * second)
    }

    @Test func aUnaryAnswerWithoutLimitIsTakenFor12000Tokens() {
        #expect(head(streams: false) == 420 * second)
        #expect(head(streams: false) == head(streams: false, tokens: 12_000))
    }

    @Test func aUnaryAnswerGetsTenMinutesAtMost() {
        #expect(head(streams: false, tokens: 18_000) == 600 * second)
        #expect(head(streams: false, tokens: 18_001) == 600 * second)
        #expect(head(streams: false, tokens: .max) == 600 * second)
        #expect(head(bytes: 1 << 40, streams: false, tokens: 1) == 600 * second)
    }

    @Test func aConfiguredHeadIsNotComputed() {
        var policy = TimeoutPolicy()
        policy.head = .seconds(7)
        #expect(policy.head == .seconds(7))
        #expect(head(bytes: 1 << 30, policy: policy) == 7 * second)
        #expect(head(streams: false, tokens: 99_999, policy: policy) == 7 * second)
        policy.head = nil
        #expect(head(policy: policy) == 60 * second)
    }

    @Test func theClientLowersClocksAndRaisesNone() {
        var policy = TimeoutPolicy()
        policy.connect = .seconds(10)
        policy.idle = .seconds(300)
        policy.total = .seconds(3600)
        func clocks(_ client: Int?) -> [Int] {
            let clocks = policy.clocks(
                bodyBytes: 0, streams: true, tokensMax: nil,
                clientMilliseconds: client.map { $0 * 1000 })
            let durations: [Duration] = [clocks.connect, clocks.head, clocks.idle, clocks.total]
            return durations.map { Int($0.nanoseconds / second) }
        }
        #expect(clocks(nil) == [10, 60, 300, 3600])
        #expect(clocks(100_000) == [10, 60, 300, 3600])
        #expect(clocks(100) == [10, 60, 100, 3600])
        #expect(clocks(20) == [10, 20, 20, 3600])
        #expect(clocks(1) == [1, 1, 1, 3600])
    }

    @Test func defaultsAreTheDocumentedOnes() {
        let policy = TimeoutPolicy()
        #expect(policy.connect == .seconds(10))
        #expect(policy.head == nil)
        #expect(policy.idle == .seconds(300))
        #expect(policy.total == .seconds(3600))
    }
}
