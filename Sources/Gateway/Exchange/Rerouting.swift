// Rerouting.swift — what is kept of a request for another try or another target. Made only where there
// is one: a model with one target at a provider without retries never sees it.
// Owns copies of what one attempt uses up. No socket, no timer.

import GatewayModel
import GatewayPolicy
import ReactorCore

/// One request's way over several attempts.
final class Rerouting {
    var plan: RoutePlan
    /// The client's fields, and what the head said of tools: each attempt begins with them.
    let forwarded: ByteBuffer
    let anthropicFields: ByteBuffer
    let tools: ToolPlan
    /// When the first attempt was handed on: what lies between it and the last is not our share.
    var firstDispatched: Instant?
    /// The attempts that failed and were not the last, for the log: `openai rate_limit 429, b
    /// breaker_open`.
    private(set) var departures = ByteBuffer()
    /// The last failure of a target that was really asked.
    private(set) var failure: Failure?
    /// Whether the next attempt is to be made at the end of this turn.
    var isDue = false
    /// Whether nobody is left to be asked.
    var isExhausted = false
    /// Whether a place of the retry budget is held.
    var holdsRetry = false
    /// Whether the last attempt would have been a stream's.
    var wasStreamed = false

    init(
        _ plan: RoutePlan, forwarded: ByteSlice, anthropicFields: ByteSlice, tools: ToolPlan
    ) {
        self.plan = plan
        self.forwarded = Self.copy(forwarded)
        self.anthropicFields = Self.copy(anthropicFields)
        self.tools = tools
    }

    private static func copy(_ slice: ByteSlice) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append(slice)
        return buffer
    }

    /// An attempt failed, and another one follows.
    func note(_ failure: Failure, at provider: String, wasAsked: Bool = true) {
        if wasAsked, failure.kind != .unsupportedParameter { self.failure = failure }
        if !departures.isEmpty { departures.append(", " as StaticString) }
        departures.append(provider)
        departures.append(ASCII.space)
        departures.append(wasAsked ? failure.kind.reason : "breaker_open")
        guard let status = failure.upstreamStatus else { return }
        departures.append(ASCII.space)
        departures.append(decimal: status)
    }

    /// What the client is told in place of `last`: that the last target has no words for a request is
    /// not why the ones before it failed.
    func told(_ last: Failure) -> Failure {
        guard isExhausted || last.kind == .unsupportedParameter else { return last }
        return failure ?? last
    }
}

/// How a breaker let a request pass.
struct BreakerPass {
    let cell: UpstreamCell
    let policy: BreakerPolicy
    /// Whether its end decides.
    let probes: Bool
}

extension BreakerMachine.Outcome {
    /// What a failure says of its provider.
    /// - Parameter isHurried: the client lowered the clocks; what ran out then says nothing.
    init(_ failure: Failure, isHurried: Bool) {
        switch failure.kind {
        case .upstreamTimeout: self = isHurried ? .undecided : .failed
        case .upstreamOverload, .upstreamUnreachable, .upstreamFault, .upstreamMalformed,
            .upstreamCut:
            self = .failed
        case .upstreamRefusal: self = .succeeded
        // A limit or a key is one model's or one account's matter; the rest is the client's or ours.
        default: self = .undecided
        }
    }
}
