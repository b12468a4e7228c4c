// AccessLog.swift — one line per request. Encodes only; where the line goes is the shell's matter.
// Never holds content or credentials: no field of it could.

import GatewayCodec
import GatewayModel
import ReactorCore

/// How lines look.
package enum LogFormat: String, Sendable {
    case json
    case text
}

/// What is known of a request when it is over. Slices are borrowed for the time of the call.
package struct AccessRecord {
    package var secondsSince1970 = 0
    package var milliseconds = 0
    package var requestID = ByteSlice.empty
    package var method = ByteSlice.empty
    package var path = ByteSlice.empty
    package var status = 0
    /// `ok`, `error`, `cancelled`, `stalled`, `stopped`.
    package var outcome: StaticString = "ok"
    package var key = ByteSlice.empty
    package var requestedModel = ByteSlice.empty
    package var upstreamModel = ByteSlice.empty
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
    package var error: String?
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
    package var trace: TraceID?

    package init() {}

    /// How important its line is.
    package var level: LogLevel {
        if outcome.isSame(as: "ok") { return .info }
        if status >= 500 { return .error }
        if outcome.isSame(as: "error") { return status < 400 ? .error : .warning }
        return outcome.isSame(as: "refused") ? .warning : .info
    }
}

/// Writes records as lines. Keeps the text of the last line's second, which the next one shares.
package struct AccessLog: ~Copyable {
    private var second = Int.min
    private var secondText = ByteBuffer()

    package init() {}

    /// Appends one line for `record`, its line end included.
    package mutating func append(
        _ record: AccessRecord, as format: LogFormat, to buffer: inout ByteBuffer
    ) {
        switch format {
        case .json: appendJSON(record, to: &buffer)
        case .text: appendText(record, to: &buffer)
        }
    }

    /// Appends a line that says `message` of a request and its repairs.
    package mutating func append(
        _ message: StaticString, of record: AccessRecord, as format: LogFormat,
        to buffer: inout ByteBuffer
    ) {
        switch format {
        case .json:
            buffer.append("{\"time\":\"" as StaticString)
            appendTime(record, to: &buffer)
            buffer.append("\",\"level\":\"info\",\"event\":\"repair\",\"message\":" as StaticString)
            buffer.append(jsonString: ByteSlice(message))
            buffer.append(",\"request_id\":" as StaticString)
            buffer.append(jsonString: record.requestID)
            buffer.append(",\"repairs\":" as StaticString)
            buffer.append(jsonString: record.repairs)
            buffer.append("}\n" as StaticString)
        case .text:
            appendTime(record, to: &buffer)
            buffer.append(ASCII.space)
            buffer.append(message)
            buffer.append(" repairs=" as StaticString)
            buffer.append(jsonString: record.repairs)
            buffer.append(" id=" as StaticString)
            buffer.append(jsonEscaping: record.requestID)
            buffer.append(ASCII.lf)
        }
    }

    private mutating func appendJSON(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        buffer.append("{\"time\":\"" as StaticString)
        appendTime(record, to: &buffer)
        let level = record.level
        if level == .info {
            buffer.append(
                "\",\"level\":\"info\",\"event\":\"request\",\"request_id\":" as StaticString)
        } else {
            buffer.append("\",\"level\":\"" as StaticString)
            buffer.append(level.name)
            buffer.append("\",\"event\":\"request\",\"request_id\":" as StaticString)
        }
        buffer.append(jsonString: record.requestID)
        buffer.append(",\"method\":" as StaticString)
        buffer.append(jsonString: record.method)
        buffer.append(",\"path\":" as StaticString)
        buffer.append(jsonString: record.path)
        number(",\"status\":", record.status, &buffer)
        buffer.append(",\"outcome\":\"" as StaticString)
        buffer.append(record.outcome)
        buffer.append("\"" as StaticString)
        text(",\"key\":", record.key, &buffer)
        text(",\"model\":", record.requestedModel, &buffer)
        text(",\"upstream_model\":", record.upstreamModel, &buffer)
        text(",\"provider\":", record.provider, &buffer)
        if record.streams { buffer.append(",\"stream\":true" as StaticString) }
        if record.attempts > 0 { number(",\"attempts\":", record.attempts, &buffer) }
        number(",\"request_bytes\":", record.requestBytes, &buffer)
        number(",\"duration_us\":", record.durationMicroseconds, &buffer)
        if record.firstEventMicroseconds >= 0 {
            number(",\"ttft_us\":", record.firstEventMicroseconds, &buffer)
        }
        number(",\"overhead_us\":", record.overheadMicroseconds, &buffer)
        if let usage = record.usage {
            number(",\"input_tokens\":", usage.inputTokens, &buffer)
            number(",\"output_tokens\":", usage.outputTokens, &buffer)
            if usage.cachedTokens > 0 {
                number(",\"cached_tokens\":", usage.cachedTokens, &buffer)
            }
            if usage.cacheWriteTokens > 0 {
                number(",\"cache_write_tokens\":", usage.cacheWriteTokens, &buffer)
            }
            if usage.reasoningTokens > 0 {
                number(",\"reasoning_tokens\":", usage.reasoningTokens, &buffer)
            }
        }
        if let cost = record.cost {
            buffer.append(",\"cost_usd\":" as StaticString)
            buffer.append(billionths: cost)
        }
        if let reason = record.finishReason {
            buffer.append(",\"finish_reason\":\"" as StaticString)
            buffer.append(reason.name)
            buffer.append("\"" as StaticString)
        }
        text(",\"repairs\":", record.repairs, &buffer)
        if record.builtInRounds > 0 {
            number(",\"builtin_rounds\":", record.builtInRounds, &buffer)
            buffer.append(",\"builtin_calls\":" as StaticString)
            buffer.append(jsonString: record.builtInCalls)
        }
        text(",\"moved_on\":", record.departures, &buffer)
        if let error = record.error, !error.isEmpty {
            buffer.append(",\"error\":" as StaticString)
            error.withByteSlice { buffer.append(jsonString: $0) }
        }
        if let trace = record.trace {
            buffer.append(",\"trace_id\":\"" as StaticString)
            buffer.append(trace)
            buffer.append(ASCII.quote)
        }
        buffer.append("}\n" as StaticString)
    }

    private mutating func appendText(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        appendTime(record, to: &buffer)
        number(" ", record.status, &buffer)
        buffer.append(ASCII.space)
        buffer.append(record.method)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: record.path)
        if !record.requestedModel.isEmpty {
            buffer.append(" model=" as StaticString)
            buffer.append(jsonEscaping: record.requestedModel)
        }
        if !record.provider.isEmpty {
            buffer.append(" provider=" as StaticString)
            buffer.append(record.provider)
        }
        number(" ms=", record.durationMicroseconds / 1000, &buffer)
        if let usage = record.usage {
            number(" in=", usage.inputTokens, &buffer)
            number(" out=", usage.outputTokens, &buffer)
        }
        text(" repairs=", record.repairs, &buffer)
        if record.builtInRounds > 0 {
            number(" rounds=", record.builtInRounds, &buffer)
            buffer.append(" calls=" as StaticString)
            buffer.append(jsonString: record.builtInCalls)
        }
        text(" moved_on=", record.departures, &buffer)
        if let cost = record.cost {
            buffer.append(" usd=" as StaticString)
            buffer.append(billionths: cost)
        }
        buffer.append(" id=" as StaticString)
        buffer.append(jsonEscaping: record.requestID)
        if let error = record.error {
            buffer.append(" error=" as StaticString)
            error.withByteSlice { buffer.append(jsonString: $0) }
        }
        buffer.append(ASCII.lf)
    }

    /// Nothing where there is no text.
    @inline(__always)
    private func text(_ name: StaticString, _ value: ByteSlice, _ buffer: inout ByteBuffer) {
        guard !value.isEmpty else { return }
        buffer.append(name)
        buffer.append(jsonString: value)
    }

    /// Inlined, the name is a few moves.
    @inline(__always)
    private func number(_ name: StaticString, _ value: Int, _ buffer: inout ByteBuffer) {
        buffer.append(name)
        buffer.append(decimal: value)
    }

    /// RFC 3339, UTC, milliseconds.
    private mutating func appendTime(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        if record.secondsSince1970 != second {
            second = record.secondsSince1970
            secondText.removeAll()
            HTTPDate.appendTimestamp(secondsSince1970: second, to: &secondText)
        }
        buffer.append(secondText.slice)
        HTTPDate.appendFraction(milliseconds: record.milliseconds, to: &buffer)
    }
}
