// SpanDigits.swift — the ids and times of one request as the digits that its spans hold, several of them
// the same ones. Pure.

import ReactorCore

/// Sixteen hexadecimal digits.
struct HexDigits {
    private let first: UInt64
    private let last: UInt64

    init() { (first, last) = (DigitWord.asciiZeros, DigitWord.asciiZeros) }

    @inline(__always)
    init(_ word: UInt64) {
        first = DigitWord.hexadecimal(word &>> 32)
        last = DigitWord.hexadecimal(word)
    }

    @inline(__always)
    func put(to cursor: inout ByteCursor) {
        cursor.put(word: first)
        cursor.put(word: last)
    }
}

/// Nanoseconds since 1970 as 19 decimal digits, with zeros in front before 2001.
struct TimeDigits {
    /// The first three, of which each changes but once in months; as characters.
    private let first: UInt32
    private let middle: UInt64
    private let last: UInt64

    init() { (first, middle, last) = (0x303030, DigitWord.asciiZeros, DigitWord.asciiZeros) }

    init(_ nanoseconds: Int) {
        let time = UInt(max(nanoseconds, 0))
        let upper = time / 100_000_000
        let months = upper / 100_000_000
        last = DigitWord.decimal(time &- upper &* 100_000_000) | DigitWord.asciiZeros
        middle = DigitWord.decimal(upper &- months &* 100_000_000) | DigitWord.asciiZeros
        first = UInt32(
            truncatingIfNeeded: (DigitWord.short(months) | DigitWord.asciiZeros) &>> 40)
    }

    @inline(__always)
    func put(to cursor: inout ByteCursor) {
        cursor.put(first, count: 3)
        cursor.put(word: middle)
        cursor.put(word: last)
    }
}

/// The ids of one request.
struct IDDigits {
    let trace: (HexDigits, HexDigits)
    let serverSpan: HexDigits
    let modelSpan: HexDigits
    /// Zeros where there is none.
    let clientSpan: HexDigits

    /// All zeros.
    init() {
        trace = (HexDigits(), HexDigits())
        (serverSpan, modelSpan, clientSpan) = (HexDigits(), HexDigits(), HexDigits())
    }

    init(_ record: TraceRecord) {
        trace = (HexDigits(record.trace.high), HexDigits(record.trace.low))
        serverSpan = HexDigits(record.serverSpan)
        modelSpan = HexDigits(record.modelSpan)
        clientSpan = record.clientSpan == 0 ? HexDigits() : HexDigits(record.clientSpan)
    }
}

/// The times of one request.
struct SpanTimes {
    let began: TimeDigits
    let dispatched: TimeDigits
    let ended: TimeDigits

    /// All zeros.
    init() { (began, dispatched, ended) = (TimeDigits(), TimeDigits(), TimeDigits()) }

    init(_ record: TraceRecord) {
        began = TimeDigits(record.began)
        dispatched = record.reachedModel ? TimeDigits(record.dispatched) : began
        ended = TimeDigits(record.ended)
    }
}
