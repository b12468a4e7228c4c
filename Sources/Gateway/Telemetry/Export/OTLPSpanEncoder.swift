// OTLPSpanEncoder.swift — a request as spans of OpenTelemetry: one for what the gateway served, and
// within it one for the call of the model. Pure. Names: OpenTelemetry's semantic conventions for HTTP
// and, where they are for models, those of the GenAI group, which are still marked as in development.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Writes spans, to stand within `ExportFrame.spans`.
package enum OTLPSpanEncoder {
    /// Appends the spans of one request, with a comma between two.
    package static func append(
        _ trace: TraceRecord, _ record: AccessRecord, to buffer: inout ByteBuffer
    ) {
        appendServerSpan(trace, record, &buffer)
        guard trace.reachedModel else { return }
        buffer.append(ASCII.comma)
        appendModelSpan(trace, record, &buffer)
    }

    /// Appends `{"traceId":..., "spanId":..., "parentSpanId":...`.
    static func begin(
        _ trace: TraceID, span: SpanID, parent: SpanID, _ buffer: inout ByteBuffer
    ) {
        buffer.append("{\"traceId\":\"" as StaticString)
        buffer.append(trace)
        buffer.append("\",\"spanId\":\"" as StaticString)
        buffer.append(hexWord: span)
        if parent != 0 {
            buffer.append("\",\"parentSpanId\":\"" as StaticString)
            buffer.append(hexWord: parent)
        }
        buffer.append(ASCII.quote)
    }

    /// Appends the end of a span behind its attributes. Only errors have a message.
    static func end(_ record: AccessRecord, isError: Bool, _ buffer: inout ByteBuffer) {
        if isError {
            buffer.append("],\"status\":{\"code\":2,\"message\":" as StaticString)
            (record.error ?? "").withByteSlice { buffer.append(jsonString: $0) }
            buffer.append("}}" as StaticString)
        } else {
            buffer.append("],\"status\":{\"code\":1}}" as StaticString)
        }
    }

    private static func appendServerSpan(
        _ trace: TraceRecord, _ record: AccessRecord, _ buffer: inout ByteBuffer
    ) {
        begin(trace.trace, span: trace.serverSpan, parent: trace.clientSpan, &buffer)
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(jsonEscaping: record.method)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: record.path)
        buffer.append("\",\"kind\":2" as StaticString)
        buffer.append(",\"startTimeUnixNano\":\"", time: trace.began)
        buffer.append(",\"endTimeUnixNano\":\"", time: trace.ended)
        buffer.append(",\"attributes\":[" as StaticString)
        // By the conventions a server's span is in error for what the server did wrong.
        let isError =
            record.status >= 500 || (record.status < 400 && record.outcome.isSame(as: "error"))
        buffer.withAttributes { attributes in
            attributes.text("http.request.method", record.method)
            attributes.text("url.path", record.path)
            attributes.number("http.response.status_code", record.status)
            attributes.number("http.request.body.size", record.requestBytes)
            attributes.text("gateway.request.id", record.requestID)
            attributes.word("gateway.outcome", record.outcome)
            if !record.key.isEmpty { attributes.text("gateway.key.name", record.key) }
            if record.attempts > 0 { attributes.number("gateway.attempts", record.attempts) }
            if isError {
                attributes.escaped("error.type") { $0.append(decimal: record.status) }
            }
        }
        end(record, isError: isError, &buffer)
    }

    private static func appendModelSpan(
        _ trace: TraceRecord, _ record: AccessRecord, _ buffer: inout ByteBuffer
    ) {
        begin(trace.trace, span: trace.modelSpan, parent: trace.serverSpan, &buffer)
        buffer.append(",\"name\":\"" as StaticString)
        buffer.append(trace.operation)
        buffer.append(ASCII.space)
        buffer.append(jsonEscaping: record.upstreamModel)
        buffer.append("\",\"kind\":3" as StaticString)
        buffer.append(",\"startTimeUnixNano\":\"", time: trace.dispatched)
        buffer.append(",\"endTimeUnixNano\":\"", time: trace.ended)
        buffer.append(",\"attributes\":[" as StaticString)
        appendModelAttributes(trace, record, &buffer)
        end(record, isError: record.outcome.isSame(as: "error"), &buffer)
    }

    /// Appends the attributes of the GenAI conventions.
    static func appendModelAttributes(
        _ trace: TraceRecord, _ record: AccessRecord, _ buffer: inout ByteBuffer
    ) {
        buffer.withAttributes { attributes in
            attributes.word("gen_ai.operation.name", trace.operation)
            attributes.text("gen_ai.provider.name", trace.system)
            attributes.text("gen_ai.request.model", record.upstreamModel)
            attributes.flag("gen_ai.request.stream", record.streams)
            if let bound = trace.outputTokensMax {
                attributes.number("gen_ai.request.max_tokens", bound)
            }
            if !trace.temperature.isEmpty {
                attributes.double("gen_ai.request.temperature", trace.temperature)
            }
            if !trace.topP.isEmpty { attributes.double("gen_ai.request.top_p", trace.topP) }
            if !trace.reportedModel.isEmpty {
                attributes.text("gen_ai.response.model", trace.reportedModel)
            }
            if !trace.responseID.isEmpty {
                attributes.text("gen_ai.response.id", trace.responseID)
            }
            if let reason = record.finishReason {
                attributes.words("gen_ai.response.finish_reasons", reason.name)
            }
            if let usage = record.usage {
                attributes.number("gen_ai.usage.input_tokens", usage.inputTokens)
                attributes.number("gen_ai.usage.output_tokens", usage.outputTokens)
                if usage.cachedTokens > 0 {
                    attributes.number(
                        "gen_ai.usage.cache_read.input_tokens", usage.cachedTokens)
                }
                if usage.cacheWriteTokens > 0 {
                    attributes.number(
                        "gen_ai.usage.cache_creation.input_tokens", usage.cacheWriteTokens)
                }
                if usage.reasoningTokens > 0 {
                    attributes.number(
                        "gen_ai.usage.reasoning.output_tokens", usage.reasoningTokens)
                }
            }
            if let cost = record.cost {
                attributes.double("gen_ai.usage.cost", billionths: cost)
            }
            if trace.firstEvent != 0 {
                attributes.double(
                    "gen_ai.response.time_to_first_chunk",
                    billionths: max(trace.firstEvent - trace.dispatched, 0))
            }
            if !trace.session.isEmpty {
                attributes.text("gen_ai.conversation.id", trace.session)
            }
            if !trace.user.isEmpty { attributes.text("user.id", trace.user) }
            if !trace.host.isEmpty {
                attributes.text("server.address", trace.host)
                attributes.number("server.port", trace.port)
            }
            attributes.text("gateway.provider", record.provider)
            attributes.text("gateway.requested_model", record.requestedModel)
            if record.outcome.isSame(as: "error") {
                attributes.escaped("error.type") { $0.append(decimal: record.status) }
            }
            if !trace.inputMessages.isEmpty {
                attributes.text("gen_ai.input.messages", trace.inputMessages)
            }
            if !trace.outputMessages.isEmpty {
                attributes.text("gen_ai.output.messages", trace.outputMessages)
            }
        }
    }
}
