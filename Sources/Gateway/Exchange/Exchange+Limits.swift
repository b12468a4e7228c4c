// Exchange+Limits.swift — a key's limits around one request: its share is taken before anything is
// asked of a provider, told to the client, and settled by what was really used.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayTelemetry
import ReactorCore

extension Exchange {
    /// Tokens of an answer whose request does not bound them.
    private static let outputTokensAssumed = 1024

    /// Takes the request's share of its key's limits, if it has any.
    func takePermit(_ scan: DoorScan) throws(Failure) {
        guard let limits = snapshot.keys.limits(admission) else { return }
        let input = TokenEstimate.inputTokens(ofBytes: requestBytes)
        let estimate = input + min(scan.outputTokensMax ?? Self.outputTokensAssumed, 1 << 40)
        let taken = Permit.take(
            limits, from: worker.shared.limits, estimate: estimate, input: input / 2,
            now: worker.loop.now.nanoseconds, seconds: worker.loop.secondsSince1970)
        switch taken {
        case .success(let permit):
            self.permit = permit
            head = UpstreamHead()
        case .failure(let refusal):
            limitRefusal = refusal
            throw Self.failure(refusal)
        }
    }

    /// Called once, when the request is over.
    func settlePermit() {
        limitRefusal = nil
        guard var permit else { return }
        self.permit = nil
        // A request that was refused before an answer began has cost no tokens. Of one that was cut,
        // by either side, nobody knows: what was reserved stands.
        let used = observedUsage.map { $0.inputTokens + $0.outputTokens }
        let wasBegun = head.status == 200 || status == 499
        if permit.hasBudget, let cost = cost(wasBegun: wasBegun) {
            permit.spend(cost, seconds: worker.loop.secondsSince1970)
        }
        permit.settle(used: used ?? (wasBegun ? nil : 0), now: worker.loop.now.nanoseconds)
    }

    /// In billionths of a dollar, by the price table; nil where the model has no price. Of an answer
    /// that was cut before its usage came, at least the request is paid for.
    private func cost(wasBegun: Bool) -> Int? {
        guard let upstream,
            let price = snapshot.observability.prices.price(
                provider: upstream.nameBytes, model: upstreamModel.slice)
        else { return nil }
        if let usage = observedUsage { return CostMeter.cost(of: usage, at: price) }
        guard wasBegun else { return nil }
        var usage = Usage()
        usage.inputTokens = TokenEstimate.inputTokens(ofBytes: requestBytes)
        return CostMeter.cost(of: usage, at: price)
    }

    private static func failure(_ refusal: Permit.Refusal) -> Failure {
        switch refusal {
        case .requests(let standing, let wait):
            Failure(
                .rateLimited,
                "Rate limit reached for this key on requests per min (RPM): limit "
                    + "\(standing.limit). Please try again in \(LimitFields.text(wait)).",
                retryAfter: seconds(wait))
        case .tokens(let standing, let wait):
            Failure(
                .rateLimited,
                "Rate limit reached for this key on tokens per min (TPM): limit "
                    + "\(standing.limit). Please try again in \(LimitFields.text(wait)).",
                retryAfter: seconds(wait))
        case .tooManyTokens(let asked, let limit):
            Failure(
                .rateLimited,
                "Request too large for this key on tokens per min (TPM): limit \(limit), "
                    + "requested about \(asked). It must be smaller to run.")
        case .concurrent(let limit):
            Failure(
                .rateLimited,
                "Too many requests at once for this key: limit \(limit). Please try again when one "
                    + "has ended.", retryAfter: 1)
        case .budget(let standing):
            Failure(
                .budgetSpent,
                "This key has spent its budget of \(dollars(standing.limit)) USD"
                    + (standing.resetSeconds.map { "; it is renewed in \($0) s." } ?? "."),
                retryAfter: standing.resetSeconds)
        case .noCell:
            Failure(
                .overloaded, "There are too many keys with limits for this gateway.", retryAfter: 60
            )
        }
    }

    /// `12.5` of billionths.
    private static func dollars(_ billionths: Int) -> String {
        var text = ByteBuffer()
        text.append(billionths: billionths)
        return text.string
    }

    /// Whole seconds, rounded up: a client that waits so long is let in.
    private static func seconds(_ nanoseconds: UInt64) -> Int {
        Int((nanoseconds + 999_999_999) / 1_000_000_000)
    }

    /// As OpenAI sends them; `retry-after` is the failure's.
    func appendLimitFields(to fields: inout ByteBuffer) {
        switch limitRefusal {
        case .requests(let standing, _):
            LimitFields.append("requests", standing, to: &fields)
        case .tokens(let standing, _):
            LimitFields.append("tokens", standing, to: &fields)
        case .tooManyTokens, .concurrent, .budget, .noCell, nil: break
        }
        guard let permit else { return }
        if let standing = permit.requests {
            LimitFields.append("requests", standing, to: &fields)
        }
        if let standing = permit.tokens { LimitFields.append("tokens", standing, to: &fields) }
    }
}

/// The spelling of rate-limit fields.
package enum LimitFields {
    package static func append(
        _ unit: StaticString, _ standing: RateLimit.Standing, to fields: inout ByteBuffer
    ) {
        fields.append("x-ratelimit-limit-" as StaticString)
        fields.append(unit)
        fields.append(": " as StaticString)
        fields.append(decimal: standing.limit)
        fields.append("\r\nx-ratelimit-remaining-" as StaticString)
        fields.append(unit)
        fields.append(": " as StaticString)
        fields.append(decimal: standing.remaining)
        fields.append("\r\nx-ratelimit-reset-" as StaticString)
        fields.append(unit)
        fields.append(": " as StaticString)
        append(standing.resetNanoseconds, to: &fields)
        fields.append("\r\n" as StaticString)
    }

    /// `12ms`, `1.5s`, `1m0s`: rounded up to milliseconds.
    static func append(_ nanoseconds: UInt64, to fields: inout ByteBuffer) {
        let milliseconds = Int((nanoseconds + 999_999) / 1_000_000)
        guard milliseconds >= 1000 else {
            fields.append(decimal: milliseconds)
            fields.append(milliseconds == 0 ? "s" as StaticString : "ms")
            return
        }
        let minutes = milliseconds / 60_000
        if minutes > 0 {
            fields.append(decimal: minutes)
            fields.append("m" as StaticString)
        }
        fields.append(decimal: milliseconds % 60_000 / 1000)
        var fraction = milliseconds % 1000
        if fraction > 0 {
            fields.append(".")
            var digit = 100
            while fraction > 0 {
                fields.append(decimal: fraction / digit)
                fraction %= digit
                digit /= 10
            }
        }
        fields.append("s" as StaticString)
    }

    package static func text(_ nanoseconds: UInt64) -> String {
        var buffer = ByteBuffer()
        append(nanoseconds, to: &buffer)
        return buffer.string
    }
}
