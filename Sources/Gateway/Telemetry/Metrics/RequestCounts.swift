// RequestCounts.swift — what requests came to: plain sums that add up over models and workers.

import GatewayModel

/// Sums over requests that reached one model at one provider.
package struct RequestCounts: Sendable {
    /// Ended by how they ended; together they are all.
    package var succeeded = 0
    package var failed = 0
    /// The client left, or stalled, or the gateway did.
    package var cancelled = 0
    package var streams = 0
    package var inputTokens = 0
    package var outputTokens = 0
    package var cachedTokens = 0
    package var cacheWriteTokens = 0
    package var reasoningTokens = 0
    /// In billionths of a dollar.
    package var cost = 0
    /// Requests with usage for whose model there is no price.
    package var unpriced = 0
    /// Attempts beyond the first.
    package var retries = 0
    /// Parameters that the provider could not be told.
    package var droppedParameters = 0
    /// From the first byte of the request to its end.
    package var duration = Histogram()
    /// From the whole request to the first event of its stream.
    package var firstEvent = Histogram()
    /// What the provider took of the duration.
    package var upstream = Histogram()
    /// Between two tokens of a stream, one mean a stream: from its first event to its end, by the
    /// tokens behind the first. So it costs a chunk nothing, is about tokens where chunks hold several
    /// or none, and is what `gen_ai.server.time_per_output_token` means. Streams that succeeded only.
    package var perToken = Histogram()
    /// Tokens of each request whose provider reported them.
    package var inputSizes = SizeHistogram()
    package var outputSizes = SizeHistogram()
    /// Where the name is a door's: how its requests ended.
    package var doors = DoorTally()

    package init() {}

    package var total: Int { succeeded + failed + cancelled }

    /// Whether anything has been counted.
    var isTouched: Bool { total > 0 || duration.count > 0 || doors.total > 0 }

    /// Takes one request that has ended.
    mutating func record(_ record: AccessRecord, cost: Int?) {
        if record.outcome.isSame(as: "ok") {
            succeeded += 1
        } else if record.outcome.isSame(as: "error") {
            failed += 1
        } else {
            cancelled += 1
        }
        if record.streams { streams += 1 }
        retries += max(record.attempts - 1, 0)
        droppedParameters += record.droppedParameters
        duration.record(microseconds: record.durationMicroseconds)
        if record.firstEventMicroseconds >= 0 {
            firstEvent.record(microseconds: record.firstEventMicroseconds)
        }
        if record.upstreamMicroseconds >= 0 {
            upstream.record(microseconds: record.upstreamMicroseconds)
        }
        guard let usage = record.usage else { return }
        if record.streamMicroseconds >= 0, usage.outputTokens > 1, record.outcome.isSame(as: "ok") {
            perToken.record(microseconds: record.streamMicroseconds / (usage.outputTokens - 1))
        }
        inputSizes.record(usage.inputTokens)
        outputSizes.record(usage.outputTokens)
        inputTokens.saturate(adding: usage.inputTokens)
        outputTokens.saturate(adding: usage.outputTokens)
        cachedTokens.saturate(adding: usage.cachedTokens)
        cacheWriteTokens.saturate(adding: usage.cacheWriteTokens)
        reasoningTokens.saturate(adding: usage.reasoningTokens)
        if let cost { self.cost.saturate(adding: cost) } else { unpriced += 1 }
    }

    package static func += (left: inout RequestCounts, right: RequestCounts) {
        left.succeeded += right.succeeded
        left.failed += right.failed
        left.cancelled += right.cancelled
        left.streams += right.streams
        left.inputTokens.saturate(adding: right.inputTokens)
        left.outputTokens.saturate(adding: right.outputTokens)
        left.cachedTokens.saturate(adding: right.cachedTokens)
        left.cacheWriteTokens.saturate(adding: right.cacheWriteTokens)
        left.reasoningTokens.saturate(adding: right.reasoningTokens)
        left.cost.saturate(adding: right.cost)
        left.unpriced += right.unpriced
        left.retries += right.retries
        left.droppedParameters += right.droppedParameters
        left.duration += right.duration
        left.firstEvent += right.firstEvent
        left.upstream += right.upstream
        left.perToken += right.perToken
        left.inputSizes += right.inputSizes
        left.outputSizes += right.outputSizes
        left.doors += right.doors
    }
}

extension Int {
    /// Upstreams report numbers of any size: a sum never wraps, and never goes down.
    mutating func saturate(adding value: Int) {
        let (sum, overflowed) = addingReportingOverflow(Swift.max(value, 0))
        self = overflowed ? .max : sum
    }
}

extension StaticString {
    /// Whether it says the same; the address decides nearly always.
    @inline(__always)
    func isSame(as other: StaticString) -> Bool {
        utf8CodeUnitCount == other.utf8CodeUnitCount
            && (utf8Start == other.utf8Start
                || (0..<utf8CodeUnitCount).allSatisfy { utf8Start[$0] == other.utf8Start[$0] })
    }
}
