// SpanDigits.swift — the ids and times of one request as the digits that its spans hold, several of them
// the same ones. Pure.

import ReactorCore

/// Sixteen hexadecimal digits.
struct HexDigits {
    private let first: UInt64
    private let last: UInt64

    init(_ word: UInt64) {
        first = DigitWord.hexadecimal(word &>> 32)
        last = DigitWord.hexadecimal(word)
    }

    static let none = HexDigits(0)

    @inline(__always)
    func put(to cursor: inout ByteCursor) {
        cursor.put(word: first)
        cursor.put(word: last)
    }
}

/// Nanoseconds since 1970 as 19 decimal digits, with zeros in front before 2001.
struct TimeDigits {
    private let first: UInt64
    private let middle: UInt64
    private let last: UInt64

    init(_ nanoseconds: Int) {
        let time = UInt(max(nanoseconds, 0))
        let thousands = time / 1000
        let upper = thousands / 100_000_000
        // Three digits at the end, and with them five of the second word once more.
        first = DigitWord.decimal(upper) | DigitWord.asciiZeros
        middle = DigitWord.decimal(thousands &- upper &* 100_000_000) | DigitWord.asciiZeros
        last = DigitWord.decimal(time % 100_000_000) | DigitWord.asciiZeros
    }

    @inline(__always)
    func put(to cursor: inout ByteCursor) {
        cursor.put(word: first)
        cursor.put(word: middle)
        cursor.back(5)
        cursor.put(word: last)
    }
}

/// The digits of one request.
struct SpanDigits {
    let trace: (HexDigits, HexDigits)
    let serverSpan: HexDigits
    let modelSpan: HexDigits
    /// Where there is one.
    let clientSpan: HexDigits
    let hasClientSpan: Bool
    let began: TimeDigits
    let dispatched: TimeDigits
    let ended: TimeDigits

    init(_ trace: TraceRecord) {
        self.trace = (HexDigits(trace.trace.high), HexDigits(trace.trace.low))
        serverSpan = HexDigits(trace.serverSpan)
        modelSpan = HexDigits(trace.modelSpan)
        hasClientSpan = trace.clientSpan != 0
        clientSpan = hasClientSpan ? HexDigits(trace.clientSpan) : HexDigits.none
        began = TimeDigits(trace.began)
        dispatched = trace.reachedModel ? TimeDigits(trace.dispatched) : began
        ended = TimeDigits(trace.ended)
    }
}
