// SpanPiece.swift — the pieces of a span that are written for each request: its head, single attributes,
// its end. Each attribute is one literal up to its value. Pure. Shared by the encoders of spans.

import GatewayCodec
import ReactorCore

/// Pieces of spans.
enum SpanPiece {
    /// What a span takes besides its template and texts of any length; its attributes are some 16, each
    /// of less than 110 bytes.
    static let roomMax = 2048

    /// Puts `{"traceId":...,"spanId":"...` up to the id's end; its digits have been made.
    @inline(__always)
    static func begin(_ trace: TraceRecord, _ span: HexDigits, _ cursor: inout ByteCursor) {
        cursor.put("{\"traceId\":\"")
        trace.ids.trace.put(to: &cursor)
        cursor.put("\",\"spanId\":\"")
        span.put(to: &cursor)
    }

    @inline(__always)
    static func put(parent: HexDigits, _ cursor: inout ByteCursor) {
        cursor.put("\",\"parentSpanId\":\"")
        parent.put(to: &cursor)
    }

    @inline(__always)
    static func put(from start: TimeDigits, to end: TimeDigits, _ cursor: inout ByteCursor) {
        cursor.put("\",\"startTimeUnixNano\":\"")
        start.put(to: &cursor)
        cursor.put("\",\"endTimeUnixNano\":\"")
        end.put(to: &cursor)
        cursor.put(ASCII.quote)
    }

    /// Puts the end of a span of which all is well, behind its attributes.
    @inline(__always)
    static func end(_ cursor: inout ByteCursor) { cursor.put("],\"status\":{\"code\":1}}") }

    /// Appends the end of a span behind its attributes. Only errors have a message.
    static func end(_ record: AccessRecord, isError: Bool, _ buffer: inout ByteBuffer) {
        guard isError else { return buffer.append(upTo: 24) { end(&$0) } }
        buffer.append("],\"status\":{\"code\":2,\"message\":" as StaticString)
        buffer.append(jsonString: record.error)
        buffer.append("}}" as StaticString)
    }

    /// Appends an attribute whose text may be long; none where there is no text.
    static func append(_ opening: StaticString, _ text: ByteSlice, _ buffer: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        buffer.append(opening)
        buffer.append(jsonEscaping: text)
        buffer.append("\"}}" as StaticString)
    }
}

extension ByteCursor {
    /// Puts a whole number, which OTLP has as a string.
    @inline(__always)
    mutating func put(_ opening: StaticString, _ value: Int) {
        put(opening)
        put(decimal: value)
        put("\"}}")
    }

    @inline(__always)
    mutating func put(_ opening: StaticString, billionths value: Int) {
        put(opening)
        put(billionths: value)
        put("}}")
    }

    /// Puts a text; nothing where there is none. It takes room for six times its bytes.
    @inline(__always)
    mutating func put(_ opening: StaticString, _ text: ByteSlice) {
        guard !text.isEmpty else { return }
        put(opening)
        put(jsonEscaping: text)
        put("\"}}")
    }

    /// Puts a text that needs no escapes, or has them; nothing where there is none.
    @inline(__always)
    mutating func put(_ opening: StaticString, escaped text: ByteSlice) {
        guard !text.isEmpty else { return }
        put(opening)
        put(short: text)
        put("\"}}")
    }
}
