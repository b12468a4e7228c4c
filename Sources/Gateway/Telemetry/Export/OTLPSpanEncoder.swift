// OTLPSpanEncoder.swift — a request as spans of OpenTelemetry: one for what the gateway served, and
// within it one for the call of the model. Pure. What does not change from request to request comes from
// the template of its kind. Names: OpenTelemetry's semantic conventions for HTTP and, where they are for
// models, those of the GenAI group, which are still marked as in development.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Writes spans, to stand within `ExportFrame.spans`.
package enum OTLPSpanEncoder {
    /// Appends the spans of one request, with a comma between two.
    package static func append(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ template: inout RecordTemplate, to buffer: inout ByteBuffer
    ) {
        trace.makeDigits()
        if template.serverSpan.isEmpty { makeServerSpan(record, &template.serverSpan) }
        let isError = !template.isOK && isServerError(record)
        buffer.append(
            upTo: SpanPiece.roomMax + template.serverSpan.count + record.requestID.count
        ) { cursor in
            SpanPiece.begin(trace, trace.ids.serverSpan, &cursor)
            if trace.clientSpan != 0 { SpanPiece.put(parent: trace.ids.clientSpan, &cursor) }
            SpanPiece.put(from: trace.times.began, to: trace.times.ended, &cursor)
            cursor.put(template.serverSpan.slice)
            cursor.put(decimal: record.requestBytes)
            cursor.put("\"}}")
            cursor.put(
                #",{"key":"gateway.request.id","value":{"stringValue":""#,
                escaped: record.requestID)
            guard !isError else { return }
            SpanPiece.end(&cursor)
            if trace.reachedModel { cursor.put(ASCII.comma) }
        }
        if isError {
            SpanPiece.end(record, isError: true, &buffer)
            if trace.reachedModel { buffer.append(ASCII.comma) }
        }
        guard trace.reachedModel else { return }
        appendModelSpan(trace, record, &template, &buffer)
    }

    /// By the conventions a server's span is in error for what the server did wrong.
    private static func isServerError(_ record: AccessRecord) -> Bool {
        record.status >= 500 || (record.status < 400 && record.outcome.isSame(as: "error"))
    }

    /// Up to the value of its first number.
    private static func makeServerSpan(
        _ record: AccessRecord, _ buffer: inout ByteBuffer
    ) {
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(jsonEscaping: record.method)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: record.path)
        buffer.append("\",\"kind\":2,\"attributes\":[" as StaticString)
        buffer.withAttributes { attributes in
            attributes.text("http.request.method", record.method)
            attributes.text("url.path", record.path)
            attributes.number("http.response.status_code", record.status)
            attributes.word("gateway.outcome", record.outcome)
            if !record.key.isEmpty { attributes.text("gateway.key.name", record.key) }
            if record.attempts > 0 { attributes.number("gateway.attempts", record.attempts) }
            if isServerError(record) {
                attributes.escaped("error.type") { $0.append(decimal: record.status) }
            }
        }
        buffer.append(#",{"key":"http.request.body.size","value":{"intValue":""# as StaticString)
    }

    private static func appendModelSpan(
        _ trace: TraceRecord, _ record: AccessRecord, _ template: inout RecordTemplate,
        _ buffer: inout ByteBuffer
    ) {
        if template.modelSpan.isEmpty { makeModelSpan(trace, record, &template.modelSpan) }
        let texts =
            trace.responseID.count + trace.session.count + trace.user.count
        let isError = !template.isOK && record.outcome.isSame(as: "error")
        // Content is long.
        let isWhole = !isError && trace.inputMessages.isEmpty && trace.outputMessages.isEmpty
        buffer.append(upTo: SpanPiece.roomMax + template.modelSpan.count + 6 * texts) { cursor in
            SpanPiece.begin(trace, trace.ids.modelSpan, &cursor)
            SpanPiece.put(parent: trace.ids.serverSpan, &cursor)
            SpanPiece.put(from: trace.times.dispatched, to: trace.times.ended, &cursor)
            cursor.put(template.modelSpan.slice)
            putCounts(trace, record, &cursor)
            putNames(trace, &cursor)
            if isWhole { SpanPiece.end(&cursor) }
        }
        guard !isWhole else { return }
        SpanPiece.append(
            #",{"key":"gen_ai.input.messages","value":{"stringValue":""#, trace.inputMessages,
            &buffer)
        SpanPiece.append(
            #",{"key":"gen_ai.output.messages","value":{"stringValue":""#, trace.outputMessages,
            &buffer)
        SpanPiece.end(record, isError: isError, &buffer)
    }

    private static func makeModelSpan(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ buffer: inout ByteBuffer
    ) {
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(record.operation.name)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: record.upstreamModel)
        buffer.append("\",\"kind\":3,\"attributes\":[" as StaticString)
        buffer.withAttributes { attributes in
            attributes.word("gen_ai.operation.name", record.operation.name)
            attributes.text("gen_ai.provider.name", trace.system)
            attributes.text("gen_ai.request.model", record.upstreamModel)
            attributes.flag("gen_ai.request.stream", record.streams)
            if !trace.temperature.isEmpty {
                attributes.double("gen_ai.request.temperature", trace.temperature)
            }
            if !trace.topP.isEmpty { attributes.double("gen_ai.request.top_p", trace.topP) }
            if !record.reportedModel.isEmpty {
                attributes.text("gen_ai.response.model", record.reportedModel)
            }
            if let reason = record.finishReason {
                attributes.words("gen_ai.response.finish_reasons", reason.name)
            }
            if !trace.host.isEmpty {
                attributes.text("server.address", trace.host)
                attributes.number("server.port", trace.port)
            }
            attributes.text("gateway.provider", record.provider)
            attributes.text("gateway.requested_model", record.requestedModel)
            if record.outcome.isSame(as: "error") {
                attributes.escaped("error.type") { $0.append(decimal: record.status) }
            }
        }
    }

    /// Puts the attributes that are numbers.
    @inline(__always)
    private static func putCounts(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ cursor: inout ByteCursor
    ) {
        if let usage = record.usage {
            cursor.put(
                #",{"key":"gen_ai.usage.input_tokens","value":{"intValue":""#, usage.inputTokens)
            cursor.put(
                #",{"key":"gen_ai.usage.output_tokens","value":{"intValue":""#, usage.outputTokens)
            if usage.cachedTokens > 0 {
                cursor.put(
                    #",{"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":""#,
                    usage.cachedTokens)
            }
            if usage.cacheWriteTokens > 0 {
                cursor.put(
                    #",{"key":"gen_ai.usage.cache_creation.input_tokens","value":{"intValue":""#,
                    usage.cacheWriteTokens)
            }
            if usage.reasoningTokens > 0 {
                cursor.put(
                    #",{"key":"gen_ai.usage.reasoning.output_tokens","value":{"intValue":""#,
                    usage.reasoningTokens)
            }
        }
        if let cost = record.cost {
            cursor.put(#",{"key":"gen_ai.usage.cost","value":{"doubleValue":"#, billionths: cost)
        }
        if trace.firstEvent != 0 {
            cursor.put(
                #",{"key":"gen_ai.response.time_to_first_chunk","value":{"doubleValue":"#,
                billionths: max(trace.firstEvent - trace.dispatched, 0))
        }
    }

    /// Puts the attributes that clients and providers choose for each request.
    @inline(__always)
    private static func putNames(_ trace: TraceRecord, _ cursor: inout ByteCursor) {
        if let bound = trace.outputTokensMax {
            cursor.put(#",{"key":"gen_ai.request.max_tokens","value":{"intValue":""#, bound)
        }
        cursor.put(
            #",{"key":"gen_ai.response.id","value":{"stringValue":""#, escaped: trace.responseID)
        cursor.put(#",{"key":"gen_ai.conversation.id","value":{"stringValue":""#, trace.session)
        cursor.put(#",{"key":"user.id","value":{"stringValue":""#, trace.user)
    }
}
