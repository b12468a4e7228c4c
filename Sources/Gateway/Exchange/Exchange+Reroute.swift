// Exchange+Reroute.swift — another try and another target, where the first has failed before the client
// had a byte of an answer; and the breakers of providers. RoutePlan decides, BreakerMachine decides; here
// they are obeyed.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTools
import Reactor
import ReactorCore

extension Exchange {
    // MARK: The first target

    /// The upstream to ask first where there is a choice, or somebody to ask before.
    func chooseGuarded(_ route: Route, _ upstream: Upstream) throws(Failure) -> Upstream {
        guard route.group != nil || upstream.retries > 0 else {
            if let refusal = pass(upstream) { throw refusal }
            return upstream
        }
        let upstreams = snapshot.upstreams
        let plan = snapshot.routes.plan(
            route, model: requestedModel.slice, draw: { worker.random.unit() },
            load: { upstreams[$0].load })
        let rerouting = Rerouting(
            plan, forwarded: forwarded.slice, anthropicFields: anthropicFields.slice, tools: tools)
        self.rerouting = rerouting
        return try chooseNext(rerouting)
    }

    /// Takes the plan's next candidate whose breaker lets the request pass.
    private func chooseNext(_ rerouting: Rerouting) throws(Failure) -> Upstream {
        var shortest: Failure?
        while true {
            let candidate = rerouting.plan.current
            let upstream = snapshot.upstreams[candidate.provider]
            take(candidate, at: upstream)
            guard let refusal = pass(upstream) else { return upstream }
            if refusal.retryAfter ?? .max < shortest?.retryAfter ?? .max { shortest = refusal }
            guard rerouting.plan.passed() == .next else {
                rerouting.isExhausted = true
                throw shortest ?? refusal
            }
            rerouting.note(refusal, at: upstream.name, wasAsked: false)
        }
    }

    private func take(_ candidate: RoutePlan.Candidate, at upstream: Upstream) {
        self.upstream = upstream
        modelSettings = candidate.settings
        modelTimeouts = candidate.timeouts
        upstreamModel.removeAll()
        upstreamModel.append(candidate.upstreamModel)
    }

    // MARK: Going on

    /// A target has failed: whether another try is made in place of telling the client.
    func leave(_ rerouting: Rerouting, for failure: Failure) -> Bool {
        guard machine.mayGoOn, client != nil, !rerouting.isExhausted, let upstream else {
            return false
        }
        endRetry(rerouting)
        let step = nextStep(rerouting, failure, upstream)
        guard step != .end else { return false }
        rerouting.note(failure, at: upstream.name)
        if dispatched > received, rerouting.firstDispatched == nil {
            rerouting.firstDispatched = dispatched
        }
        stopUpstream()
        simulatorClock?.set(.never)
        attemptsBefore = max(attempts, attemptsBefore)
        machine.leftTarget()
        rerouting.wasStreamed = isStreamed
        if case .retry(let wait) = step {
            rerouting.holdsRetry = true
            setRetryTimer(wait)
        } else {
            upstream.cell?.countDeparture()
            // Whoever told of the failure is still at work.
            rerouting.isDue = true
            worker.loop.atEndOfTurn(self)
        }
        return true
    }

    private func setRetryTimer(_ nanoseconds: Int64) {
        let timer =
            retryTimer
            ?? LoopTimer(worker.loop) { [unowned(unsafe) self] in
                if let rerouting { goOn(rerouting) }
            }
        retryTimer = timer
        timer.set(worker.loop.now.advanced(nanoseconds: nanoseconds))
    }

    private func nextStep(
        _ rerouting: Rerouting, _ failure: Failure, _ upstream: Upstream
    ) -> RoutePlan.Step {
        // This target has no word for the request; another may.
        if failure.kind == .unsupportedParameter { return rerouting.plan.passed() }
        let left = clientMilliseconds.map {
            Int64($0) * 1_000_000 - Int64(worker.loop.now.nanoseconds(since: received))
        }
        let plan = rerouting.plan
        let step = rerouting.plan.failed(
            failure, retriesDefault: upstream.retries, leftNanoseconds: left,
            draw: worker.random.unit())
        guard case .retry = step,
            !worker.retryBudget.take(inFlight: worker.counters.inFlight)
        else { return step }
        rerouting.plan = plan
        return rerouting.plan.passed()
    }

    /// Makes the next attempt.
    func goOn(_ rerouting: Rerouting) {
        rerouting.isDue = false
        guard machine.isActive, let scan else { return }
        resetAttempt(rerouting)
        isStreamed = scan.isStreaming
        do throws(Failure) {
            let upstream = try chooseNext(rerouting)
            switch door {
            case .answer(let answerDoor):
                try prepare(scan, for: upstream, at: answerDoor)
            case .embeddings: try prepareEmbeddings(for: upstream)
            default:
                guard prepareCount(for: upstream) else {
                    return answerCount(try estimateTokens())
                }
            }
            redirect(scan, to: upstream, rerouting)
        } catch {
            fail(error)
        }
    }

    private func redirect(_ scan: DoorScan, to upstream: Upstream, _ rerouting: Rerouting) {
        guard !machine.redirected(streams: isStreamed) else { return dispatch(scan, to: upstream) }
        if isStreamed, !rerouting.wasStreamed {
            worker.counters.streams += 1
            setHeartbeat()
        }
        start(scan, at: upstream)
    }

    /// Lets go of what the last attempt left behind.
    private func resetAttempt(_ rerouting: Rerouting) {
        if let translation { worker.giveTranslation(translation) }
        translation = nil
        forwarded.removeAll()
        forwarded.append(rerouting.forwarded.slice)
        anthropicFields.removeAll()
        anthropicFields.append(rerouting.anthropicFields.slice)
        tools = rerouting.tools
        head = UpstreamHead()
        inflater = nil
        answer.removeAll()
        lease = nil
        hasRenewedLease = false
        hasReplacedLease = false
        checksCalls = false
        chatRepair = nil
        namedRepair = nil
        unaryRepairs = RepairCounts()
        looped = nil
        awaitsRound = false
        streamObserver = ChatStreamObserver()
        answerPlaces = nil
        messagesObserver = nil
        responsesObserver = nil
        isEstimate = false
        unaryUsage = nil
        unaryFinishReason = nil
        reportedModel.removeAll()
        awaitNames()
        trace?.restart()
    }

    /// The request is over.
    func end(_ rerouting: Rerouting) {
        rerouting.isDue = false
        retryTimer?.set(.never)
        endRetry(rerouting)
    }

    private func endRetry(_ rerouting: Rerouting) {
        guard rerouting.holdsRetry else { return }
        rerouting.holdsRetry = false
        worker.retryBudget.giveBack()
    }

    // MARK: Breakers

    /// Asks the breaker of an upstream, if it has one. - Returns: why the request may not pass.
    private func pass(_ upstream: Upstream) -> Failure? {
        guard let policy = upstream.breaker, let cell = upstream.cell else { return nil }
        switch cell.admit(policy, now: worker.loop.now.nanoseconds) {
        case .passes: breakerPass = BreakerPass(cell: cell, policy: policy, probes: false)
        case .probes: breakerPass = BreakerPass(cell: cell, policy: policy, probes: true)
        case .refused(let wait):
            let seconds = Int((wait + 999_999_999) / 1_000_000_000)
            return Failure(
                .upstreamOverload,
                "The provider '\(upstream.name)' has failed too often and is left alone for "
                    + "another \(seconds) s.", retryAfter: seconds)
        }
        return nil
    }

    /// What a failure says of the upstream that was asked.
    func tellBreaker(of failure: Failure) {
        tellBreaker(.init(failure, isHurried: clientMilliseconds != nil))
    }

    /// How the request that had passed ended; said once.
    func tellBreaker(_ outcome: BreakerMachine.Outcome) {
        guard let pass = breakerPass else { return }
        breakerPass = nil
        pass.cell.ended(
            outcome, probed: pass.probes, pass.policy, now: worker.loop.now.nanoseconds)
    }
}
