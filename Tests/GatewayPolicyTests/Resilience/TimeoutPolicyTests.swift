// TimeoutPolicyTests.swift — the clocks of a request, at and around every bound of their formula.

import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TimeoutPolicyTests {
    private let second: Int64 = 1_000_000_000

    private func head(
        bytes: Int = 0, streams: Bool = true, tokens: Int? = nil, thinking: Int? = nil,
        pace: ModelPace = ModelPace(), policy: TimeoutPolicy = TimeoutPolicy()
    ) -> Int64 {
        var work = UpstreamWork(
            bodyBytes: bytes, streams: streams, tokensMax: tokens, thinkingTokens: thinking)
        work.pace = pace
        return policy.clocks(for: work, clientMilliseconds: nil).head.nanoseconds
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

    /// The model's own bound stands in for the request's, and the request's word wins.
    @Test func aUnaryAnswerWithoutLimitGoesByItsModel() {
        let small = ModelPace(outputTokensMax: 256)
        #expect(head(streams: false, pace: small) == 60 * second + 256 * 30_000_000)
        #expect(head(bytes: 16384, streams: false, pace: small) == 61 * second + 7_680_000_000)
        #expect(head(streams: false, tokens: 1000, pace: small) == 90 * second)
        #expect(head(streams: false, pace: ModelPace(outputTokensMax: 128_000)) == 600 * second)
        #expect(head(streams: false, pace: ModelPace(reasons: true)) == 420 * second)
        // A stream's head does not wait for the answer's length.
        #expect(head(pace: small) == 60 * second)
    }

    @Test func aStreamWaitsForThoughts() {
        let thinker = ModelPace(reasons: true)
        let medium = 60 * second + 4096 * 30_000_000
        #expect(head(pace: thinker) == medium)
        #expect(head(bytes: 32768, pace: thinker) == medium + 2 * second)
        #expect(head(thinking: 1000) == 90 * second)
        // What the request says goes before what is known of the model.
        #expect(head(thinking: 0, pace: thinker) == 60 * second)
        #expect(head(thinking: 1000, pace: thinker) == 90 * second)
        #expect(head(thinking: 1000, pace: ModelPace(reasons: false)) == 90 * second)
        // No more can be thought than may be written.
        #expect(head(tokens: 100, pace: thinker) == 63 * second)
        #expect(head(tokens: 100, thinking: 4000) == 63 * second)
        #expect(head(thinking: 8000) == 300 * second)
        #expect(head(thinking: 8001) == 300 * second)
        #expect(head(thinking: .max) == 300 * second)
        #expect(head(thinking: -1) == 60 * second)
    }

    @Test func theModelIsAskedForOnlyWhereTheRequestIsSilent() {
        func depends(streams: Bool, tokens: Int? = nil, thinking: Int? = nil) -> Bool {
            UpstreamWork(
                bodyBytes: 0, streams: streams, tokensMax: tokens, thinkingTokens: thinking
            ).dependsOnModel
        }
        #expect(depends(streams: false) && depends(streams: true))
        #expect(depends(streams: true, tokens: 5) && depends(streams: false, thinking: 5))
        #expect(!depends(streams: false, tokens: 5) && !depends(streams: true, thinking: 0))
    }

    @Test func aUnaryAnswerGetsTenMinutesAtMost() {
        #expect(head(streams: false, tokens: 18_000) == 600 * second)
        #expect(head(streams: false, tokens: 18_001) == 600 * second)
        #expect(head(streams: false, tokens: .max) == 600 * second)
        #expect(head(bytes: 1 << 40, streams: false, tokens: 1) == 600 * second)
    }

    @Test func aConfiguredHeadIsNotComputed() {
        var policy = TimeoutPolicy()
        #expect(policy.computesHead)
        policy.head = .seconds(7)
        #expect(policy.head == .seconds(7) && !policy.computesHead)
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
                for: UpstreamWork(bodyBytes: 0, streams: true),
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
