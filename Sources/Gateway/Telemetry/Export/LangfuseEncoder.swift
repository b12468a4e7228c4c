// LangfuseEncoder.swift — a request as a trace with one generation, in the two forms that Langfuse
// reads: a span by OTLP with attributes of its own, and events of its older ingestion API. Pure.
// Source: Langfuse's API definition and its OpenTelemetry processor, August 2026.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Writes what Langfuse is told of a request.
package struct LangfuseEncoder: Sendable {
    /// How it is told.
    package enum Transport: String, CaseIterable, Sendable {
        /// OTLP/HTTP: what Langfuse recommends.
        case otlp
        /// `POST /api/public/ingestion`, for servers that know nothing else.
        case ingestion
    }

    private let environment: [UInt8]
    private let release: [UInt8]

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

    private enum Level {
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
    private static func message(_ record: AccessRecord) -> String {
        record.error ?? "\(record.outcome)"
    }

    // MARK: OTLP

    /// Appends the generation as a span, to stand within `ExportFrame.spans`. What is known of the
    /// trace stands at the span: newer servers keep it there.
    package func append(
        span trace: TraceRecord, _ record: AccessRecord, to buffer: inout ByteBuffer
    ) {
        // With OpenTelemetry's spans beside it this one keeps its place in the same trace.
        OTLPSpanEncoder.begin(
            trace.trace, span: trace.modelSpan, parent: trace.clientSpan, &buffer)
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(trace.operation)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: Self.model(record))
        buffer.append("\",\"kind\":3" as StaticString)
        buffer.append(",\"startTimeUnixNano\":\"", time: Self.start(trace))
        buffer.append(",\"endTimeUnixNano\":\"", time: trace.ended)
        buffer.append(",\"attributes\":[" as StaticString)
        let level = Level(record)
        buffer.withAttributes { attributes in
            attributes.word(
                "langfuse.observation.type", trace.isEmbedding ? "embedding" : "generation")
            attributes.word("langfuse.trace.name", record.door)
            environment.withUnsafeBytes {
                attributes.text("langfuse.environment", ByteSlice($0))
            }
            release.withUnsafeBytes { attributes.text("langfuse.release", ByteSlice($0)) }
            attributes.escaped("langfuse.trace.tags") { text in
                var tags = ByteBuffer()
                Self.append(tagsOf: trace, record, to: &tags)
                text.append(jsonEscaping: tags.slice)
            }
            if !trace.user.isEmpty { attributes.text("langfuse.user.id", trace.user) }
            if !trace.session.isEmpty { attributes.text("langfuse.session.id", trace.session) }
            attributes.word("gen_ai.operation.name", trace.operation)
            if !trace.system.isEmpty { attributes.text("gen_ai.provider.name", trace.system) }
            attributes.text(
                "langfuse.observation.model.name",
                trace.reportedModel.isEmpty ? Self.model(record) : trace.reportedModel)
            attributes.escaped("langfuse.observation.model.parameters") { text in
                var parameters = ByteBuffer()
                Self.append(parametersOf: trace, record, to: &parameters)
                text.append(jsonEscaping: parameters.slice)
            }
            if let usage = record.usage {
                attributes.escaped("langfuse.observation.usage_details") { text in
                    var details = ByteBuffer()
                    Self.append(usage, to: &details)
                    text.append(jsonEscaping: details.slice)
                }
            }
            if let cost = record.cost {
                attributes.escaped("langfuse.observation.cost_details") { text in
                    text.append("{\\\"total\\\":" as StaticString)
                    text.append(billionths: cost)
                    text.append("}" as StaticString)
                }
            }
            if trace.firstEvent != 0 {
                attributes.escaped("langfuse.observation.completion_start_time") {
                    Self.append(timestamp: trace.firstEvent, to: &$0)
                }
            }
            attributes.word("langfuse.observation.level", level.name)
            if level != .usual {
                attributes.text("langfuse.observation.status_message", Self.message(record))
            }
            if !trace.input.isEmpty { attributes.text("langfuse.observation.input", trace.input) }
            if !trace.output.isEmpty {
                attributes.text("langfuse.observation.output", trace.output)
            }
            attributes.text("langfuse.observation.metadata.request_id", record.requestID)
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
        OTLPSpanEncoder.end(record, isError: level == .error, &buffer)
    }

    // MARK: Older ingestion

    /// Appends the trace and its generation as events, to stand within `ExportFrame.events`.
    package func append(
        events trace: TraceRecord, _ record: AccessRecord, to buffer: inout ByteBuffer
    ) {
        buffer.writeJSON { json in
            begin(trace, "trace-create", last: 0, &json)
            Self.id("id", trace, &json)
            timestamp("timestamp", trace.began, &json)
            json.field("name", record.door)
            common(&json)
            json.field("release", slice: release)
            if !trace.user.isEmpty { json.field("userId", trace.user) }
            if !trace.session.isEmpty { json.field("sessionId", trace.session) }
            json.key("tags")
            var tags = ByteBuffer()
            Self.append(tagsOf: trace, record, to: &tags)
            json.raw(tags.slice)
            content(trace, &json)
            json.endObject()
            json.endObject()
        }
        buffer.append(ASCII.comma)
        buffer.writeJSON { json in
            begin(
                trace, trace.isEmbedding ? "embedding-create" : "generation-create", last: 1, &json)
            json.string("id") { $0.append(hexWord: trace.modelSpan) }
            Self.id("traceId", trace, &json)
            json.string("name") { name in
                name.append(trace.operation)
                name.append(ASCII.space)
                name.append(jsonEscaping: Self.model(record))
            }
            timestamp("startTime", Self.start(trace), &json)
            timestamp("endTime", trace.ended, &json)
            if trace.firstEvent != 0 {
                timestamp("completionStartTime", trace.firstEvent, &json)
            }
            json.field(
                "model", trace.reportedModel.isEmpty ? Self.model(record) : trace.reportedModel)
            json.key("modelParameters")
            var piece = ByteBuffer()
            Self.append(parametersOf: trace, record, to: &piece)
            json.raw(piece.slice)
            if let usage = record.usage {
                piece.removeAll()
                Self.append(usage, to: &piece)
                json.key("usageDetails")
                json.raw(piece.slice)
            }
            if let cost = record.cost {
                piece.removeAll()
                piece.append(billionths: cost)
                json.beginObject("costDetails")
                json.key("total")
                json.raw(piece.slice)
                json.endObject()
            }
            let level = Level(record)
            json.field("level", level.name)
            if level != .usual { json.field("statusMessage", text: Self.message(record)) }
            common(&json)
            content(trace, &json)
            metadata(record, &json)
            json.endObject()
            json.endObject()
        }
    }

    /// Begins an event and its body. Its id is drawn for this event alone and stays with it, however
    /// often it is sent; a trace's and a generation's differ in the last digit.
    private func begin(
        _ trace: TraceRecord, _ type: StaticString, last: UInt64, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.string("id") { id in
            // Version 4, variant 1 (RFC 9562 section 5.4).
            var text = ByteBuffer()
            text.append(hexWord: trace.words.0 & ~0xF000 | 0x4000)
            text.append(
                hexWord: trace.words.1 & ~0xC000_0000_0000_0001 | 0x8000_0000_0000_0000 | last)
            for (start, end) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
                if start > 0 { id.append(UInt8(ascii: "-")) }
                id.append(text.slice[start..<end])
            }
        }
        timestamp("timestamp", trace.ended, &json)
        json.field("type", type)
        json.beginObject("body")
    }

    private static func id(
        _ name: StaticString, _ trace: TraceRecord, _ json: inout JSONWriter
    ) {
        json.string(name) { $0.append(trace.trace) }
    }

    private func common(_ json: inout JSONWriter) { json.field("environment", slice: environment) }

    private func content(_ trace: TraceRecord, _ json: inout JSONWriter) {
        if !trace.input.isEmpty {
            json.key("input")
            json.raw(trace.input)
        }
        if !trace.output.isEmpty {
            json.key("output")
            json.raw(trace.output)
        }
    }

    private func metadata(_ record: AccessRecord, _ json: inout JSONWriter) {
        json.beginObject("metadata")
        json.field("request_id", record.requestID)
        json.field("provider", record.provider)
        json.field("requested_model", record.requestedModel)
        json.field("status", record.status)
        json.field("attempts", record.attempts)
        if !record.key.isEmpty { json.field("key", record.key) }
        if let reason = record.finishReason { json.field("finish_reason", reason.name) }
        json.endObject()
    }

    private func timestamp(
        _ name: StaticString, _ nanoseconds: Int, _ json: inout JSONWriter
    ) {
        json.string(name) { Self.append(timestamp: nanoseconds, to: &$0) }
    }

    // MARK: Pieces

    private static func start(_ trace: TraceRecord) -> Int {
        trace.reachedModel ? trace.dispatched : trace.began
    }

    private static func model(_ record: AccessRecord) -> ByteSlice {
        record.upstreamModel.isEmpty ? record.requestedModel : record.upstreamModel
    }

    private static func append(timestamp nanoseconds: Int, to buffer: inout ByteBuffer) {
        HTTPDate.appendTimestamp(
            secondsSince1970: nanoseconds / 1_000_000_000, to: &buffer)
        HTTPDate.appendFraction(
            milliseconds: nanoseconds / 1_000_000 % 1000, to: &buffer)
    }

    /// The client's own tags behind ours. A JSON array.
    private static func append(
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

    private static func append(
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

    /// Disjoint shares, for nothing is subtracted from what is given this way.
    private static func append(_ usage: Usage, to buffer: inout ByteBuffer) {
        let cached = max(min(usage.cachedTokens, usage.inputTokens), 0)
        let written = max(min(usage.cacheWriteTokens, usage.inputTokens - cached), 0)
        let reasoning = max(min(usage.reasoningTokens, usage.outputTokens), 0)
        buffer.append("{\"input\":" as StaticString)
        buffer.append(decimal: max(usage.inputTokens - cached - written, 0))
        buffer.append(",\"output\":" as StaticString)
        buffer.append(decimal: max(usage.outputTokens - reasoning, 0))
        if cached > 0 {
            buffer.append(",\"input_cached_tokens\":" as StaticString)
            buffer.append(decimal: cached)
        }
        if written > 0 {
            buffer.append(",\"input_cache_creation\":" as StaticString)
            buffer.append(decimal: written)
        }
        if reasoning > 0 {
            buffer.append(",\"output_reasoning_tokens\":" as StaticString)
            buffer.append(decimal: reasoning)
        }
        buffer.append(",\"total\":" as StaticString)
        let (sum, overflowed) = max(usage.inputTokens, 0).addingReportingOverflow(
            max(usage.outputTokens, 0))
        buffer.append(decimal: overflowed ? .max : sum)
        buffer.append("}" as StaticString)
    }
}

extension JSONWriter {
    fileprivate mutating func field(_ name: StaticString, slice bytes: [UInt8]) {
        bytes.withUnsafeBytes { field(name, ByteSlice($0)) }
    }

    /// A member whose text `write` appends, already escaped.
    fileprivate mutating func string(
        _ name: StaticString, _ write: (inout ByteBuffer) -> Void
    ) {
        key(name)
        string(write)
    }
}
