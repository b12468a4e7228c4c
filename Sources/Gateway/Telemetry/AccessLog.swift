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

/// Writes records as lines. Keeps the text of the last line's second, which the next one shares.
package struct AccessLog: ~Copyable {
    private var second = Int.min
    private var secondText = ByteBuffer()

    package init() {}

    /// Appends one line for `record`, which is of the template's kind, its line end included.
    package mutating func append(
        _ record: AccessRecord, _ template: inout RecordTemplate, as format: LogFormat,
        to buffer: inout ByteBuffer
    ) {
        switch format {
        case .json: appendJSON(record, &template, to: &buffer)
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

    /// What a line takes besides its template, its id and what few have.
    private static let roomMax = 1024

    private mutating func appendJSON(
        _ record: AccessRecord, _ template: inout RecordTemplate, to buffer: inout ByteBuffer
    ) {
        if template.line.isEmpty { Self.makeLine(record, &template.line) }
        setSecond(record)
        let level = template.level
        let isWhole = !record.hasRest
        buffer.append(
            upTo: Self.roomMax + template.line.count + 6 * record.requestID.count
        ) { cursor in
            cursor.put("{\"time\":\"")
            cursor.put(short: secondText.slice)
            cursor.put(milliseconds: record.milliseconds)
            if level == .info {
                cursor.put("\",\"level\":\"info\",\"event\":\"request\",\"request_id\":\"")
            } else {
                cursor.put("\",\"level\":\"")
                cursor.put(level.name)
                cursor.put("\",\"event\":\"request\",\"request_id\":\"")
            }
            cursor.put(jsonEscaping: record.requestID)
            cursor.put(template.line.slice)
            Self.putNumbers(record, &cursor)
            if let trace = record.trace {
                cursor.put(",\"trace_id\":\"")
                trace.put(to: &cursor)
                cursor.put(ASCII.quote)
            }
            if isWhole { cursor.put("}\n") }
        }
        guard !isWhole else { return }
        appendRest(record, to: &buffer)
        buffer.append("}\n" as StaticString)
    }

    /// What all lines of a kind say, from behind the request's id to the first of its numbers.
    private static func makeLine(_ record: AccessRecord, _ buffer: inout ByteBuffer) {
        buffer.append("\",\"method\":" as StaticString)
        buffer.append(jsonString: record.method)
        buffer.append(",\"path\":" as StaticString)
        buffer.append(jsonString: record.path)
        buffer.append(",\"status\":" as StaticString)
        buffer.append(decimal: record.status)
        buffer.append(",\"outcome\":\"" as StaticString)
        buffer.append(record.outcome)
        buffer.append(ASCII.quote)
        text(",\"key\":", record.key, &buffer)
        text(",\"model\":", record.requestedModel, &buffer)
        text(",\"upstream_model\":", record.upstreamModel, &buffer)
        text(",\"reported_model\":", record.reportedModel, &buffer)
        text(",\"provider\":", record.provider, &buffer)
        if record.streams { buffer.append(",\"stream\":true" as StaticString) }
        if record.attempts > 0 { number(",\"attempts\":", record.attempts, &buffer) }
        buffer.append(",\"request_bytes\":" as StaticString)
    }

    /// Puts what differs from line to line, beginning with the value of `request_bytes`.
    @inline(__always)
    private static func putNumbers(_ record: AccessRecord, _ cursor: inout ByteCursor) {
        cursor.put(decimal: record.requestBytes)
        cursor.put(",\"duration_us\":")
        cursor.put(decimal: record.durationMicroseconds)
        if record.firstEventMicroseconds >= 0 {
            cursor.put(",\"ttft_us\":")
            cursor.put(decimal: record.firstEventMicroseconds)
        }
        cursor.put(",\"overhead_us\":")
        cursor.put(decimal: record.overheadMicroseconds)
        if let usage = record.usage {
            cursor.put(",\"input_tokens\":")
            cursor.put(decimal: usage.inputTokens)
            cursor.put(",\"output_tokens\":")
            cursor.put(decimal: usage.outputTokens)
            if usage.cachedTokens > 0 {
                cursor.put(",\"cached_tokens\":")
                cursor.put(decimal: usage.cachedTokens)
            }
            if usage.cacheWriteTokens > 0 {
                cursor.put(",\"cache_write_tokens\":")
                cursor.put(decimal: usage.cacheWriteTokens)
            }
            if usage.reasoningTokens > 0 {
                cursor.put(",\"reasoning_tokens\":")
                cursor.put(decimal: usage.reasoningTokens)
            }
        }
        if let cost = record.cost {
            cursor.put(",\"cost_usd\":")
            cursor.put(billionths: cost)
        }
        if let reason = record.finishReason {
            cursor.put(",\"finish_reason\":\"")
            cursor.put(reason.name)
            cursor.put(ASCII.quote)
        }
    }

    /// Appends what few requests have.
    private func appendRest(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        Self.text(",\"repairs\":", record.repairs, &buffer)
        if record.builtInRounds > 0 {
            Self.number(",\"builtin_rounds\":", record.builtInRounds, &buffer)
            buffer.append(",\"builtin_calls\":" as StaticString)
            buffer.append(jsonString: record.builtInCalls)
        }
        Self.text(",\"moved_on\":", record.departures, &buffer)
        Self.text(",\"error\":", record.error, &buffer)
    }

    private mutating func appendText(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        appendTime(record, to: &buffer)
        Self.number(" ", record.status, &buffer)
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
        Self.number(" ms=", record.durationMicroseconds / 1000, &buffer)
        if let usage = record.usage {
            Self.number(" in=", usage.inputTokens, &buffer)
            Self.number(" out=", usage.outputTokens, &buffer)
        }
        Self.text(" repairs=", record.repairs, &buffer)
        if record.builtInRounds > 0 {
            Self.number(" rounds=", record.builtInRounds, &buffer)
            buffer.append(" calls=" as StaticString)
            buffer.append(jsonString: record.builtInCalls)
        }
        Self.text(" moved_on=", record.departures, &buffer)
        if let cost = record.cost {
            buffer.append(" usd=" as StaticString)
            buffer.append(billionths: cost)
        }
        buffer.append(" id=" as StaticString)
        buffer.append(jsonEscaping: record.requestID)
        Self.text(" error=", record.error, &buffer)
        buffer.append(ASCII.lf)
    }

    /// Nothing where there is no text.
    @inline(__always)
    private static func text(_ name: StaticString, _ value: ByteSlice, _ buffer: inout ByteBuffer) {
        guard !value.isEmpty else { return }
        buffer.append(name)
        buffer.append(jsonString: value)
    }

    /// Inlined, the name is a few moves.
    @inline(__always)
    private static func number(_ name: StaticString, _ value: Int, _ buffer: inout ByteBuffer) {
        buffer.append(name)
        buffer.append(decimal: value)
    }

    /// RFC 3339, UTC, milliseconds.
    private mutating func appendTime(_ record: AccessRecord, to buffer: inout ByteBuffer) {
        setSecond(record)
        buffer.append(secondText.slice)
        HTTPDate.appendFraction(milliseconds: record.milliseconds, to: &buffer)
    }

    private mutating func setSecond(_ record: AccessRecord) {
        guard record.secondsSince1970 != second else { return }
        second = record.secondsSince1970
        secondText.removeAll()
        HTTPDate.appendTimestamp(secondsSince1970: second, to: &secondText)
    }
}

extension AccessRecord {
    /// Whether it has what few requests have.
    fileprivate var hasRest: Bool {
        repairs.count | departures.count | error.count | builtInRounds != 0
    }
}

extension ByteCursor {
    /// Puts the end of a timestamp: `.007Z`.
    @inline(__always)
    fileprivate mutating func put(milliseconds: Int) {
        // Below 1000: three digits are the last of eight.
        let digits = DigitWord.short(UInt(bitPattern: milliseconds)) | DigitWord.asciiZeros
        put(UInt8(ascii: "."))
        put(UInt8(truncatingIfNeeded: digits &>> 40))
        put(UInt8(truncatingIfNeeded: digits &>> 48))
        put(UInt8(truncatingIfNeeded: digits &>> 56))
        put(UInt8(ascii: "Z"))
    }
}
