// Exchange+Clocks.swift — by which clocks an upstream is asked: its own, what the operator sets for the
// model above them, what size, bounds and model of the request come to, and what the client allows.
// TimeoutPolicy reckons; here is what it is told.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore

extension Exchange {
    /// The clocks as they are configured.
    func timeouts(at upstream: Upstream) -> TimeoutPolicy {
        modelTimeouts.isEmpty ? upstream.timeouts : upstream.timeouts.overridden(by: modelTimeouts)
    }

    /// Those of this request.
    func clocks(for scan: DoorScan, at upstream: Upstream) -> ClientClocks {
        let policy = timeouts(at: upstream)
        var work = UpstreamWork(
            bodyBytes: requestBytes, streams: translation?.call.streams ?? scan.isStreaming,
            tokensMax: scan.outputTokensMax, thinkingTokens: scan.thinkingTokens)
        if policy.computesHead, work.dependsOnModel { work.pace = pace(at: upstream) }
        return policy.clocks(for: work, clientMilliseconds: millisecondsLeft)
    }

    /// The client's own time-out; of one that has waited for targets that failed, what is left.
    private var millisecondsLeft: Int? {
        guard let clientMilliseconds, rerouting != nil else { return clientMilliseconds }
        let passed = worker.loop.now.nanoseconds(since: received)
        return max(clientMilliseconds - Int(passed / 1_000_000), 1)
    }

    private func pace(at upstream: Upstream) -> ModelPace {
        upstream.paces.pace(
            of: requestedModel.slice, upstream: upstreamModel.slice,
            version: snapshot.catalog.version
        ) {
            snapshot.pace(
                of: requestedModel.slice, upstream: upstreamModel.slice, at: upstream,
                modelSettings)
        }
    }

    /// The simulator has no connection that could keep the clocks of an exchange: here is the one
    /// for the head, so that a simulated upstream that hangs ends like a real one.
    func setSimulatorClock(_ upstream: Upstream, _ scan: DoorScan) {
        let timer =
            simulatorClock
            ?? LoopTimer(worker.loop) { [unowned(unsafe) self] in
                callFailed(.timedOut(head.status == 0 ? .head : .idle))
            }
        simulatorClock = timer
        timer.set(worker.loop.now + clocks(for: scan, at: upstream).head)
    }
}

extension Snapshot {
    /// What is known of a model at an upstream: by the family of its name; better than that, by the
    /// upstream's list; better, by what the provider does without a word of the client's; best, by
    /// the operator's word, who may mean either name.
    func pace(
        of requested: ByteSlice, upstream model: ByteSlice, at upstream: Upstream,
        _ settings: ModelSettings
    ) -> ModelPace {
        var pace = ModelPace(familyOf: model.string)
        pace.apply(ModelPace(outputTokensMax: catalog.outputTokensMax(of: model, at: upstream)))
        pace.apply(upstream.provider.pace(of: model, settings))
        pace.apply(
            capabilities.capabilities(of: requested, upstream: requested == model ? nil : model)
                .pace)
        return pace
    }
}
