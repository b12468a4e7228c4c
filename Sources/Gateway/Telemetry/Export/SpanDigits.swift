// SpanDigits.swift — the ids and times of one request as the digits that its spans hold, several of them
// the same ones. Pure.

import ReactorCore

/// Sixteen hexadecimal digits.
struct HexDigits {
    private let digits: SIMD16<Int8>

    init() { digits = SIMD16(repeating: Int8(bitPattern: ASCII.zero)) }

    @inline(__always)
    init(_ word: UInt64) { digits = DigitWord.hexadecimal(word) }

    @inline(__always)
    func put(to cursor: inout ByteCursor) { cursor.put(sixteen: digits) }
}

/// The 32 digits of a trace's id.
package struct TraceDigits {
    private let high: HexDigits
    private let low: HexDigits

    /// All zeros.
    init() { (high, low) = (HexDigits(), HexDigits()) }

    @inline(__always)
    package init(_ id: TraceID) { (high, low) = (HexDigits(id.high), HexDigits(id.low)) }

    @inline(__always)
    func put(to cursor: inout ByteCursor) {
        high.put(to: &cursor)
        low.put(to: &cursor)
    }
}

/// Nanoseconds since 1970 as 19 decimal digits, with zeros in front before 2001.
struct TimeDigits {
    /// The time with zeros for its last eight digits: a tenth of a second.
    private var tenth: UInt = 0
    /// The first three, of which each changes but once in months; as characters.
    private var first: UInt32 = 0x303030
    private var middle = DigitWord.asciiZeros
    private var last = DigitWord.asciiZeros

    /// All zeros.
    init() {}

    /// Becomes those of another time. One of the same tenth of a second has but its last eight digits
    /// made.
    @inline(__always)
    mutating func become(_ nanoseconds: Int) {
        let time = UInt(max(nanoseconds, 0))
        if time &- tenth >= Self.partsOfTenth { becomeTenth(of: time) }
        last = DigitWord.decimal(time &- tenth) | DigitWord.asciiZeros
    }

    private static let partsOfTenth: UInt = 100_000_000

    private mutating func becomeTenth(of time: UInt) {
        let count = time / Self.partsOfTenth
        tenth = count &* Self.partsOfTenth
        let months = count / 100_000_000
        middle = DigitWord.decimal(count &- months &* 100_000_000) | DigitWord.asciiZeros
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
    let trace: TraceDigits
    let serverSpan: HexDigits
    let modelSpan: HexDigits
    /// Zeros where there is none.
    let clientSpan: HexDigits

    /// All zeros.
    init() {
        trace = TraceDigits()
        (serverSpan, modelSpan, clientSpan) = (HexDigits(), HexDigits(), HexDigits())
    }

    @inline(__always)
    init(_ record: TraceRecord) {
        trace = TraceDigits(record.trace)
        serverSpan = HexDigits(record.serverSpan)
        modelSpan = HexDigits(record.modelSpan)
        clientSpan = record.clientSpan == 0 ? HexDigits() : HexDigits(record.clientSpan)
    }
}

/// The times of one request.
struct SpanTimes {
    private(set) var began = TimeDigits()
    private(set) var dispatched = TimeDigits()
    private(set) var ended = TimeDigits()

    /// Becomes those of another request, which is likely to be near.
    @inline(__always)
    mutating func become(began: Int, dispatched: Int, ended: Int) {
        self.began.become(began)
        self.dispatched.become(dispatched)
        self.ended.become(ended)
    }
}
