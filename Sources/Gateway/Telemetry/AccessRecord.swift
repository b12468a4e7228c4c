// AccessRecord.swift — what is known of a request when it is over: for its line in the log, for metrics,
// and for exporters. Never holds content or credentials: no field of it could.

import GatewayCodec
import GatewayModel
import ReactorCore

/// What is known of a request when it is over. Slices are borrowed for the time of the call. An object, so
/// that to hand it on copies nothing; a worker uses one for all requests.
package final class AccessRecord {
    package var secondsSince1970 = 0
    package var milliseconds = 0
    /// As `RequestID` lets it be: nothing of it needs an escape.
    package var requestID = ByteSlice.empty
    package var method = ByteSlice.empty
    package var path = ByteSlice.empty
    package var status = 0
    /// `ok`, `error`, `cancelled`, `stalled`, `stopped`.
    package var outcome: StaticString = "ok"
    package var key = ByteSlice.empty
    package var requestedModel = ByteSlice.empty
    package var upstreamModel = ByteSlice.empty
    /// The model by the provider's own word; empty where it said none, or nobody asks.
    package var reportedModel = ByteSlice.empty
    package var provider = ByteSlice.empty
    package var streams = false
    package var attempts = 0
    package var requestBytes = 0
    package var durationMicroseconds = 0
    /// To the first event of a stream; -1 without one.
    package var firstEventMicroseconds = -1
    /// From the first event of a stream to its end; -1 without one.
    package var streamMicroseconds = -1
    package var overheadMicroseconds = 0
    package var usage: Usage?
    package var finishReason: FinishReason?
    /// Repairs of tool calls by kind, `name=1, closed=2`; empty where there were none.
    package var repairs = ByteSlice.empty
    /// Requests to the provider where the gateway ran functions itself, and the calls by function,
    /// `calculate=1, get_time=2`.
    package var builtInRounds = 0
    package var builtInCalls = ByteSlice.empty
    /// What went wrong; empty where nothing did, or nobody said.
    package var error = ByteSlice.empty
    /// The attempts that failed before the last, `openai rate_limit 429, b breaker_open`; empty where
    /// there were none.
    package var departures = ByteSlice.empty
    /// Which door it came through.
    package var door: StaticString = "none"
    /// Whether no model was asked for: such are not among the recent requests.
    package var isModelless = false
    /// From handing it on to its end; -1 if it was not.
    package var upstreamMicroseconds = -1
    /// Parameters that the provider could not be told.
    package var droppedParameters = 0
    /// In billionths of a dollar, where usage and price are known.
    package var cost: Int?
    /// The trace that it is part of, where it is recorded.
    package var trace: TraceDigits?

    package init() {}

    /// Sets when it ended.
    package func setTime(nanosecondsSince1970 time: Int) {
        let milliseconds = time / 1_000_000
        secondsSince1970 = milliseconds / 1000
        self.milliseconds = milliseconds &- secondsSince1970 &* 1000
    }

    /// Becomes a new one.
    package func reset() {
        secondsSince1970 = 0
        milliseconds = 0
        requestID = ByteSlice.empty
        method = ByteSlice.empty
        path = ByteSlice.empty
        status = 0
        outcome = "ok"
        key = ByteSlice.empty
        requestedModel = ByteSlice.empty
        upstreamModel = ByteSlice.empty
        reportedModel = ByteSlice.empty
        provider = ByteSlice.empty
        streams = false
        attempts = 0
        requestBytes = 0
        durationMicroseconds = 0
        firstEventMicroseconds = -1
        streamMicroseconds = -1
        overheadMicroseconds = 0
        usage = nil
        finishReason = nil
        repairs = ByteSlice.empty
        builtInRounds = 0
        builtInCalls = ByteSlice.empty
        error = ByteSlice.empty
        departures = ByteSlice.empty
        door = "none"
        isModelless = false
        upstreamMicroseconds = -1
        droppedParameters = 0
        cost = nil
        trace = nil
    }

    /// What it asked of a model.
    var operation: ModelOperation { ModelOperation(door: door) }

    /// How important its line is.
    package var level: LogLevel {
        if outcome.isSame(as: "ok") { return .info }
        if status >= 500 { return .error }
        if outcome.isSame(as: "error") { return status < 400 ? .error : .warning }
        return outcome.isSame(as: "refused") ? .warning : .info
    }
}
