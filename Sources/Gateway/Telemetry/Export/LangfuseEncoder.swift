// LangfuseEncoder.swift — a request as a trace with one generation, in the two forms that Langfuse
// reads: a span by OTLP with attributes of its own, and events of its older ingestion API. Pure.
// Source: Langfuse's API definition and its OpenTelemetry processor, August 2026.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Writes what Langfuse is told of a request.
package final class LangfuseEncoder: Sendable {
    /// How it is told.
    package enum Transport: String, CaseIterable, Sendable {
        /// OTLP/HTTP: what Langfuse recommends.
        case otlp
        /// `POST /api/public/ingestion`, for servers that know nothing else.
        case ingestion
    }

    let environment: [UInt8]
    let release: [UInt8]

    /// - Parameter environment: as `environment(_:)` has made it.
    package init(environment: String, release: String) {
        self.environment = Array(environment.utf8)
        self.release = Array(release.utf8)
    }

    /// A name as Langfuse takes it: lower case, of `a-z0-9_-`, 40 characters at most, and without
    /// its own name in front. Anything else it would silently call `default`.
    package static func environment(_ name: String) -> String {
        var text = ""
        for byte in name.lowercased().utf8.prefix(200) {
            let isPlain =
                ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-")
            text.unicodeScalars.append(Unicode.Scalar(isPlain ? byte : UInt8(ascii: "-")))
        }
        while text.hasPrefix("langfuse") {
            text.removeFirst(8)
            while let first = text.first, first == "-" || first == "_" { text.removeFirst() }
        }
        text = String(text.prefix(40))
        return text.isEmpty ? "default" : text
    }

    enum Level {
        case usual, warning, error

        init(_ record: AccessRecord) {
            if record.outcome.isSame(as: "ok") {
                self = .usual
            } else if record.outcome.isSame(as: "error") {
                self = .error
            } else {
                self = .warning
            }
        }

        var name: StaticString {
            switch self {
            case .usual: "DEFAULT"
            case .warning: "WARNING"
            case .error: "ERROR"
            }
        }
    }

    /// What is said of one that did not end well.
    static func message(_ record: AccessRecord) -> ByteSlice {
        record.error.isEmpty ? ByteSlice(record.outcome) : record.error
    }

    // MARK: OTLP

    /// Appends the generation as a span, to stand within `ExportFrame.spans`. What is known of the
    /// trace stands at the span: newer servers keep it there.
    package func append(
        span trace: TraceRecord, _ record: AccessRecord, _ template: inout RecordTemplate,
        to buffer: inout ByteBuffer
    ) {
        trace.makeDigits()
        let level = template.isOK ? .usual : Level(record)
        if template.generation.isEmpty { makeSpan(trace, record, level, &template.generation) }
        let texts =
            trace.user.count + trace.session.count + record.requestID.count
        let isWhole = level == .usual && !trace.hasRest
        buffer.append(upTo: SpanPiece.roomMax + template.generation.count + 6 * texts) { cursor in
            // With OpenTelemetry's spans beside it this one keeps its place in the same trace.
            SpanPiece.begin(trace, trace.ids.modelSpan, &cursor)
            if trace.clientSpan != 0 { SpanPiece.put(parent: trace.ids.clientSpan, &cursor) }
            SpanPiece.put(from: trace.times.dispatched, to: trace.times.ended, &cursor)
            cursor.put(template.generation.slice)
            Self.putParameters(trace, &cursor)
            if let usage = record.usage { Self.put(UsageShares(usage), &cursor) }
            if let cost = record.cost {
                cursor.put(
                    #",{"key":"langfuse.observation.cost_details","value":{"stringValue":"{\"total\":"#
                )
                cursor.put(billionths: cost)
                cursor.put("}\"}}")
            }
            cursor.put(
                #",{"key":"langfuse.observation.metadata.request_id","value":{"stringValue":""#,
                escaped: record.requestID)
            cursor.put(#",{"key":"langfuse.user.id","value":{"stringValue":""#, trace.user)
            cursor.put(#",{"key":"langfuse.session.id","value":{"stringValue":""#, trace.session)
            if isWhole { SpanPiece.end(&cursor) }
        }
        guard !isWhole else { return }
        appendRest(trace, record, level, &buffer)
        SpanPiece.end(record, isError: level == .error, &buffer)
    }

    /// Appends what few requests have, and content, which is long.
    private func appendRest(
        _ trace: TraceRecord, _ record: AccessRecord, _ level: Level, _ buffer: inout ByteBuffer
    ) {
        if trace.firstEvent != 0 {
            buffer.append(
                #",{"key":"langfuse.observation.completion_start_time","value":{"stringValue":""#
                    as StaticString)
            Self.append(timestamp: trace.firstEvent, to: &buffer)
            buffer.append("\"}}" as StaticString)
        }
        if !trace.tags.isEmpty {
            var tags = ByteBuffer()
            Self.append(tagsOf: trace, record, to: &tags)
            SpanPiece.append(
                #",{"key":"langfuse.trace.tags","value":{"stringValue":""#, tags.slice, &buffer)
        }
        if level != .usual {
            SpanPiece.append(
                #",{"key":"langfuse.observation.status_message","value":{"stringValue":""#,
                Self.message(record), &buffer)
        }
        SpanPiece.append(
            #",{"key":"langfuse.observation.input","value":{"stringValue":""#, trace.input, &buffer)
        SpanPiece.append(
            #",{"key":"langfuse.observation.output","value":{"stringValue":""#, trace.output,
            &buffer)
    }

    /// What all spans of a kind say, up to the model's parameters. Tags of the client's own are no part
    /// of it.
    private func makeSpan(
        _ trace: TraceRecord, _ record: AccessRecord, _ level: Level, _ buffer: inout ByteBuffer
    ) {
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(record.operation.name)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: Self.model(record))
        buffer.append("\",\"kind\":3,\"attributes\":[" as StaticString)
        buffer.withAttributes { attributes in
            attributes.word(
                "langfuse.observation.type",
                record.operation == .embeddings ? "embedding" : "generation")
            attributes.word("langfuse.trace.name", record.door)
            environment.withUnsafeBytes {
                attributes.text("langfuse.environment", ByteSlice($0))
            }
            release.withUnsafeBytes { attributes.text("langfuse.release", ByteSlice($0)) }
            if trace.tags.isEmpty {
                attributes.escaped("langfuse.trace.tags") { text in
                    var tags = ByteBuffer()
                    Self.append(tagsOf: trace, record, to: &tags)
                    text.append(jsonEscaping: tags.slice)
                }
            }
            attributes.word("gen_ai.operation.name", record.operation.name)
            if !trace.system.isEmpty { attributes.text("gen_ai.provider.name", trace.system) }
            attributes.text(
                "langfuse.observation.model.name",
                record.reportedModel.isEmpty ? Self.model(record) : record.reportedModel)
            attributes.word("langfuse.observation.level", level.name)
            attributes.text("langfuse.observation.metadata.provider", record.provider)
            attributes.text("langfuse.observation.metadata.requested_model", record.requestedModel)
            attributes.number("langfuse.observation.metadata.status", record.status)
            attributes.number("langfuse.observation.metadata.attempts", record.attempts)
            if !record.key.isEmpty {
                attributes.text("langfuse.observation.metadata.key", record.key)
            }
            if let reason = record.finishReason {
                attributes.word("langfuse.observation.metadata.finish_reason", reason.name)
            }
        }
        buffer.append(
            #",{"key":"langfuse.observation.model.parameters","value":{"stringValue":"{\"stream\":"#
                as StaticString)
        buffer.append(record.streams ? "true" : "false" as StaticString)
        if !trace.temperature.isEmpty {
            buffer.append(#",\"temperature\":"# as StaticString)
            buffer.append(trace.temperature)
        }
        if !trace.topP.isEmpty {
            buffer.append(#",\"top_p\":"# as StaticString)
            buffer.append(trace.topP)
        }
    }

    /// The end of what the template has begun. JSON within a string: its quotes are escaped.
    @inline(__always)
    private static func putParameters(_ trace: TraceRecord, _ cursor: inout ByteCursor) {
        if let bound = trace.outputTokensMax {
            cursor.put(#",\"max_tokens\":"#)
            cursor.put(decimal: bound)
        }
        cursor.put("}\"}}")
    }

    @inline(__always)
    private static func put(_ usage: UsageShares, _ cursor: inout ByteCursor) {
        cursor.put(
            #",{"key":"langfuse.observation.usage_details","value":{"stringValue":"{\"input\":"#)
        cursor.put(decimal: usage.input)
        cursor.put(#",\"output\":"#)
        cursor.put(decimal: usage.output)
        if usage.cached > 0 {
            cursor.put(#",\"input_cached_tokens\":"#)
            cursor.put(decimal: usage.cached)
        }
        if usage.written > 0 {
            cursor.put(#",\"input_cache_creation\":"#)
            cursor.put(decimal: usage.written)
        }
        if usage.reasoning > 0 {
            cursor.put(#",\"output_reasoning_tokens\":"#)
            cursor.put(decimal: usage.reasoning)
        }
        cursor.put(#",\"total\":"#)
        cursor.put(decimal: usage.total)
        cursor.put("}\"}}")
    }

    // MARK: Pieces

    static func start(_ trace: TraceRecord) -> Int {
        trace.reachedModel ? trace.dispatched : trace.began
    }

    static func model(_ record: AccessRecord) -> ByteSlice {
        record.upstreamModel.isEmpty ? record.requestedModel : record.upstreamModel
    }

    static func append(timestamp nanoseconds: Int, to buffer: inout ByteBuffer) {
        HTTPDate.appendTimestamp(
            secondsSince1970: nanoseconds / 1_000_000_000, to: &buffer)
        HTTPDate.appendFraction(
            milliseconds: nanoseconds / 1_000_000 % 1000, to: &buffer)
    }

    /// The client's own tags behind ours. A JSON array.
    static func append(
        tagsOf trace: TraceRecord, _ record: AccessRecord, to buffer: inout ByteBuffer
    ) {
        buffer.append("[\"gateway\"" as StaticString)
        if !record.provider.isEmpty {
            buffer.append(ASCII.comma)
            buffer.append(jsonString: record.provider)
        }
        if trace.tags.count > 2 {
            buffer.append(ASCII.comma)
            buffer.append(trace.tags[1..<trace.tags.count - 1])
        }
        buffer.append("]" as StaticString)
    }

    static func append(
        parametersOf trace: TraceRecord, _ record: AccessRecord, to buffer: inout ByteBuffer
    ) {
        buffer.append(
            record.streams ? "{\"stream\":true" : "{\"stream\":false" as StaticString)
        if let bound = trace.outputTokensMax {
            buffer.append(",\"max_tokens\":" as StaticString)
            buffer.append(decimal: bound)
        }
        if !trace.temperature.isEmpty {
            buffer.append(",\"temperature\":" as StaticString)
            buffer.append(trace.temperature)
        }
        if !trace.topP.isEmpty {
            buffer.append(",\"top_p\":" as StaticString)
            buffer.append(trace.topP)
        }
        buffer.append("}" as StaticString)
    }
}

extension TraceRecord {
    /// Whether it has what few requests have, and what is long.
    fileprivate var hasRest: Bool {
        firstEvent != 0 || !tags.isEmpty || !input.isEmpty || !output.isEmpty
    }
}

/// Disjoint shares of tokens, for nothing is subtracted from what Langfuse is told this way.
struct UsageShares {
    let input: Int
    let output: Int
    let cached: Int
    let written: Int
    let reasoning: Int
    let total: Int

    init(_ usage: Usage) {
        cached = max(min(usage.cachedTokens, usage.inputTokens), 0)
        written = max(min(usage.cacheWriteTokens, usage.inputTokens - cached), 0)
        reasoning = max(min(usage.reasoningTokens, usage.outputTokens), 0)
        input = max(usage.inputTokens - cached - written, 0)
        output = max(usage.outputTokens - reasoning, 0)
        let (sum, overflowed) = max(usage.inputTokens, 0).addingReportingOverflow(
            max(usage.outputTokens, 0))
        total = overflowed ? .max : sum
    }
}
