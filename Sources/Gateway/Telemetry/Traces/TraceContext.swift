// TraceContext.swift — a request's place in a trace, as W3C's `traceparent` carries it from hop to hop.
// Pure; random words are handed in. Source: W3C Trace Context, Recommendation of 23 November 2021.
// Imported by Exchange, which reads and writes the fields, and by the exporters beside it.

import ReactorCore

/// 16 bytes that all spans of one trace share; never all zero.
package struct TraceID: Equatable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package var isValid: Bool { high != 0 || low != 0 }
}

/// 8 bytes of one span; 0 is none.
package typealias SpanID = UInt64

/// What a hop tells the next one.
package struct TraceContext: Equatable, Sendable {
    package var trace: TraceID
    package var span: SpanID
    /// Whether whoever began the trace records it.
    package var isSampled: Bool

    /// The bytes of a `traceparent` of version 00.
    package static let fieldBytes = 55

    /// Reads a `traceparent`; nil where it is to be ignored, and a trace begun instead.
    ///
    /// Digits are lower case (section 2.2.2); later versions may append fields behind a hyphen
    /// (section 4.3).
    package init?(parsing field: ByteSlice) {
        let hyphen = UInt8(ascii: "-")
        guard field.count >= Self.fieldBytes, field[2] == hyphen, field[35] == hyphen,
            field[52] == hyphen, let version = Self.word(field[0..<2]), version != 0xFF,
            let high = Self.word(field[3..<19]), let low = Self.word(field[19..<35]),
            let span = Self.word(field[36..<52]), let flags = Self.word(field[53..<55])
        else { return nil }
        if field.count > Self.fieldBytes {
            guard version != 0, field[Self.fieldBytes] == hyphen else { return nil }
        }
        trace = TraceID(high: high, low: low)
        self.span = span
        isSampled = flags & 1 == 1
        guard trace.isValid, span != 0 else { return nil }
    }

    private static func word(_ digits: ByteSlice) -> UInt64? {
        var word: UInt64 = 0
        for index in 0..<digits.count {
            let digit = digits[index]
            switch digit {
            case ASCII.zero...UInt8(ascii: "9"): word = word << 4 | UInt64(digit - ASCII.zero)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): word = word << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return word
    }
}

extension ByteBuffer {
    /// Appends 32 digits.
    package mutating func append(_ trace: TraceID) {
        append(hexWord: trace.high)
        append(hexWord: trace.low)
    }
}

/// Which requests are recorded.
package struct TraceSampling: Equatable, Sendable {
    /// The share of traces begun here, 0...1.
    package var share: Double
    /// Whether what the client says of its own trace is followed.
    package var followsClient: Bool

    package init(share: Double = 1, followsClient: Bool = true) {
        self.share = share
        self.followsClient = followsClient
    }

    /// Decides by the trace's id, so that every hop that samples this way decides alike.
    /// - Parameter client: what the client says of its trace; nil without one.
    package func takes(_ trace: TraceID, client: Bool?) -> Bool {
        if followsClient, let client { return client }
        if share >= 1 { return true }
        // The last seven bytes are the random ones (W3C Trace Context level 2, section 3.2.2.3).
        let random = Double(trace.low & 0xFF_FFFF_FFFF_FFFF) / Double(1 << 56 as UInt64)
        return random < share
    }
}
