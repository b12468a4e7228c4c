// RoutePlanTests.swift — what each failure means for the way of a request.

import GatewayModel
import GatewayPolicy
import Testing

@Suite struct RoutePlanTests {
    private func plan(_ count: Int = 3, retries: Int? = nil) -> RoutePlan {
        RoutePlan(
            (0..<count).map {
                RoutePlan.Candidate(provider: $0, upstreamModel: "m\($0)", retries: retries)
            })
    }

    private func step(
        _ plan: inout RoutePlan, _ kind: Failure.Kind, retryAfter: Int? = nil,
        clock: Failure.Clock? = nil, retriesDefault: Int = 0, left: Int64? = nil, draw: Double = 0
    ) -> RoutePlan.Step {
        plan.failed(
            Failure(kind, "", retryAfter: retryAfter, clock: clock),
            retriesDefault: retriesDefault, leftNanoseconds: left, draw: draw)
    }

    private func passed(_ plan: inout RoutePlan) -> RoutePlan.Step { plan.passed() }

    @Test(arguments: Failure.Kind.allCases)
    func whatTheCallerMustChangeDoesNotMoveOn(kind: Failure.Kind) {
        let moves: Set<Failure.Kind> = [
            .upstreamAuthentication, .upstreamRateLimit, .upstreamQuota, .upstreamOverload,
            .upstreamTimeout, .upstreamUnreachable, .upstreamFault, .upstreamMalformed,
            .upstreamCut, .overloaded,
        ]
        var plan = plan()
        #expect(step(&plan, kind) == (moves.contains(kind) ? .next : .end))
        #expect(plan.current.provider == (moves.contains(kind) ? 1 : 0))
    }

    @Test func candidatesAreAskedInOrderAndOnce() {
        var plan = plan()
        #expect(plan.current.upstreamModel == "m0" && plan.hasNext)
        #expect(step(&plan, .upstreamFault) == .next)
        #expect(passed(&plan) == .next)
        #expect(plan.current.upstreamModel == "m2" && !plan.hasNext)
        #expect(step(&plan, .upstreamFault) == .end)
        #expect(passed(&plan) == .end)
        #expect(plan.current.upstreamModel == "m2")
    }

    @Test func candidatesAreBounded() {
        let plan = plan(40)
        #expect(plan.candidates.count == RoutePlan.candidatesMax)
        #expect(plan.candidates.last?.provider == RoutePlan.candidatesMax - 1)
    }

    @Test func aTargetIsTriedAgainBeforeTheNext() {
        var plan = plan(2, retries: 2)
        // 250 ms, doubled; half of it is left to chance.
        #expect(step(&plan, .upstreamFault) == .retry(waitNanoseconds: 250_000_000))
        #expect(step(&plan, .upstreamFault, draw: 0.5) == .retry(waitNanoseconds: 375_000_000))
        #expect(plan.current.provider == 0)
        #expect(step(&plan, .upstreamFault) == .next)
        #expect(step(&plan, .upstreamFault) == .retry(waitNanoseconds: 250_000_000))
    }

    @Test func attemptsAreBoundedInAll() {
        var plan = plan(16, retries: 5)
        for _ in 1..<RoutePlan.attemptsMax { #expect(step(&plan, .upstreamFault) != .end) }
        #expect(plan.hasNext)
        #expect(step(&plan, .upstreamFault) == .end)
    }

    @Test func theProvidersTriesHoldWhereTheModelNamesNone() {
        var plan = plan(1)
        #expect(step(&plan, .upstreamRateLimit, retriesDefault: 1) != .end)
        #expect(step(&plan, .upstreamRateLimit, retriesDefault: 1) == .end)
        var none = self.plan(1, retries: 0)
        #expect(step(&none, .upstreamRateLimit, retriesDefault: 1) == .end)
    }

    @Test(arguments: Failure.Kind.allCases)
    func onlyWhatMayPassByItselfIsRetried(kind: Failure.Kind) {
        let retried: Set<Failure.Kind> = [
            .upstreamRateLimit, .upstreamOverload, .upstreamFault, .upstreamUnreachable,
            .overloaded,
        ]
        var plan = plan(2, retries: 1)
        let next = step(&plan, kind)
        #expect((next == .retry(waitNanoseconds: 250_000_000)) == retried.contains(kind))
    }

    @Test func aTimeOutIsRetriedOnlyBeforeTheRequestWasSent() {
        for (clock, isRetried) in [
            (Failure.Clock.connect, true), (.responseHead, false), (.idle, false), (.total, false),
        ] {
            var plan = plan(2, retries: 1)
            let next = step(&plan, .upstreamTimeout, clock: clock)
            #expect((next != .next) == isRetried, "\(clock)")
        }
    }

    @Test func retryAfterIsHonouredUpToItsBound() {
        var plan = plan(2, retries: 5)
        #expect(
            step(&plan, .upstreamRateLimit, retryAfter: 2) == .retry(waitNanoseconds: 2_000_000_000)
        )
        #expect(
            step(&plan, .upstreamRateLimit, retryAfter: 10)
                == .retry(waitNanoseconds: 10_000_000_000))
        #expect(step(&plan, .upstreamRateLimit, retryAfter: 11) == .next)
        #expect(step(&plan, .upstreamRateLimit, retryAfter: .max) == .end)
    }

    @Test func theClientsDeadlineHolds() {
        var plan = plan(3, retries: 1)
        // No time for the wait, but for another target.
        #expect(step(&plan, .upstreamFault, left: 250_000_000) == .next)
        #expect(step(&plan, .upstreamFault, left: 250_000_001) != .next)
        #expect(step(&plan, .upstreamFault, left: 1) == .next)
        #expect(step(&plan, .upstreamFault, left: 0) == .end)
        var late = self.plan(3)
        #expect(step(&late, .upstreamFault, left: -5) == .end)
    }

    @Test func theBudgetGrowsWithWhatIsInFlight() {
        var budget = RetryBudget()
        var taken = (0..<4).map { _ in budget.take(inFlight: 1) }
        #expect(taken == [true, true, true, false])
        taken = (0..<2).map { _ in budget.take(inFlight: 20) }
        #expect(taken == [true, false])
        budget.giveBack()
        taken = [budget.take(inFlight: 20)]
        #expect(taken == [true])
    }
}
