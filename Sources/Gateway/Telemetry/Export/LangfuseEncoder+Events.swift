// LangfuseEncoder+Events.swift — the older of the two forms that Langfuse reads: a trace and its
// generation as events. Pure. Source: Langfuse's API definition, August 2026.

import GatewayCodec
import GatewayModel
import ReactorCore

extension LangfuseEncoder {
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
                trace, record.operation == .embeddings ? "embedding-create" : "generation-create",
                last: 1, &json)
            json.string("id") { $0.append(hexWord: trace.modelSpan) }
            Self.id("traceId", trace, &json)
            json.string("name") { name in
                name.append(record.operation.name)
                name.append(ASCII.space)
                name.append(jsonEscaping: Self.model(record))
            }
            timestamp("startTime", Self.start(trace), &json)
            timestamp("endTime", trace.ended, &json)
            if trace.firstEvent != 0 {
                timestamp("completionStartTime", trace.firstEvent, &json)
            }
            json.field(
                "model", record.reportedModel.isEmpty ? Self.model(record) : record.reportedModel)
            json.key("modelParameters")
            var piece = ByteBuffer()
            Self.append(parametersOf: trace, record, to: &piece)
            json.raw(piece.slice)
            if let usage = record.usage {
                json.beginObject("usageDetails")
                Self.write(UsageShares(usage), &json)
                json.endObject()
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
            if level != .usual { json.field("statusMessage", Self.message(record)) }
            common(&json)
            content(trace, &json)
            metadata(record, &json)
            json.endObject()
            json.endObject()
        }
    }

    /// Begins an event and its body. Its id is made of the random ids of the request's spans and stays
    /// with it, however often it is sent; a trace's and a generation's differ in the last digit.
    private func begin(
        _ trace: TraceRecord, _ type: StaticString, last: UInt64, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.string("id") { id in
            // Version 4, variant 1 (RFC 9562 section 5.4).
            var text = ByteBuffer()
            text.append(hexWord: Self.draw(from: trace.serverSpan) & ~0xF000 | 0x4000)
            text.append(
                hexWord: Self.draw(from: trace.modelSpan) & ~0xC000_0000_0000_0001
                    | 0x8000_0000_0000_0000 | last)
            for (start, end) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
                if start > 0 { id.append(UInt8(ascii: "-")) }
                id.append(text.slice[start..<end])
            }
        }
        timestamp("timestamp", trace.ended, &json)
        json.field("type", type)
        json.beginObject("body")
    }

    private static func draw(from span: SpanID) -> UInt64 {
        var random = SeededRandom(seed: span)
        return random.next()
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

    private static func write(_ usage: UsageShares, _ json: inout JSONWriter) {
        json.field("input", usage.input)
        json.field("output", usage.output)
        if usage.cached > 0 { json.field("input_cached_tokens", usage.cached) }
        if usage.written > 0 { json.field("input_cache_creation", usage.written) }
        if usage.reasoning > 0 { json.field("output_reasoning_tokens", usage.reasoning) }
        json.field("total", usage.total)
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
