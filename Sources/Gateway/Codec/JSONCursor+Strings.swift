// JSONCursor+Strings.swift — the inside of JSON strings: plain runs, escapes, UTF-8 (RFC 8259 section
// 7). Part of JSONCursor, with the same rule: every read is guarded by a comparison with `end`.

import CUV
import ReactorCore

extension JSONCursor {
    /// From inside a string to the byte behind its closing quote, and whether a backslash was met.
    /// Out of line and by value, so that the caller's cursor can stay in registers; its own place
    /// is a local for the same reason.
    @inline(never)
    func stringEnd(
        from first: UnsafePointer<UInt8>
    ) throws(JSONFailure) -> (UnsafePointer<UInt8>, Bool) {
        var place = first
        var escaped = false
        while end - place >= 16 {
            // 64 bytes cost hardly three times what 16 do; but most strings end within two looks.
            let isWide = place - first >= 32 && end - place >= 64
            var stops = isWide ? Self.wideStops(in: place) : UInt64(Self.stops(in: place))
            var next = place + (isWide ? 64 : 16)
            while stops != 0 {
                let lane = stops.trailingZeroBitCount
                let stop = place + lane
                if stop.pointee == ASCII.quote { return (stop + 1, escaped) }
                escaped = escaped || stop.pointee == ASCII.backslash
                let count = plainEscapeCount(at: stop)
                let behind = count > 0 ? stop + count : try unusualEnd(from: stop)
                // What is escaped, and the rest of a character, look like stops.
                let done = behind - place
                stops = done < 64 ? stops & (.max &<< UInt64(truncatingIfNeeded: done)) : 0
                if behind > next { next = behind }
            }
            place = next
        }
        return try shortEnd(from: place, escaped)
    }

    /// The same where less than sixteen bytes are left.
    private func shortEnd(
        from first: UnsafePointer<UInt8>, _ wasEscaped: Bool
    ) throws(JSONFailure) -> (UnsafePointer<UInt8>, Bool) {
        var place = first
        var escaped = wasEscaped
        while true {
            while place < end, !Self.isStop(place.pointee) { place += 1 }
            if place < end, place.pointee == ASCII.quote { return (place + 1, escaped) }
            let count = plainEscapeCount(at: place)
            if count > 0 {
                escaped = true
                place += count
            } else {
                escaped = escaped || (place < end && place.pointee == ASCII.backslash)
                place = try unusualEnd(from: place)
            }
        }
    }

    /// The bytes of the escape at `place` if it is one of the usual kind, which is not worth leaving
    /// the loop for; else 0.
    @inline(__always)
    private func plainEscapeCount(at place: UnsafePointer<UInt8>) -> Int {
        guard end - place >= 2, place.pointee == ASCII.backslash else { return 0 }
        if Self.isShortEscape(place[1]) { return 2 }
        let isUnit =
            end - place >= 6 && place[1] == UInt8(ascii: "u") && Self.isPlainUnit(place + 2)
        return isUnit ? 6 : 0
    }

    /// Behind what ends a plain run and is neither a quote nor a usual escape.
    @inline(never)
    private func unusualEnd(
        from place: UnsafePointer<UInt8>
    ) throws(JSONFailure) -> UnsafePointer<UInt8> {
        var rest = self
        rest.at = place
        guard place < end else { throw rest.failure(.unexpectedEnd) }
        if place.pointee == ASCII.backslash {
            try rest.skipEscape()
        } else if place.pointee >= 0x80 {
            try rest.skipForeign()
        } else {
            throw rest.failure(.invalidString)
        }
        return rest.at
    }

    /// Whether four hexadecimal digits are at `digits` that are no half of a surrogate pair.
    @inline(__always)
    private static func isPlainUnit(_ digits: UnsafePointer<UInt8>) -> Bool {
        for index in 0..<4 {
            let byte = digits[index]
            guard byte &- ASCII.zero < 10 || (byte | 0x20) &- 0x61 < 6 else { return false }
        }
        return digits[0] | 0x20 != UInt8(ascii: "d") || digits[1] < UInt8(ascii: "8")
    }

    /// Whether a backslash and this byte are an escape by themselves: `"\\/bfnrt`.
    @inline(__always)
    private static func isShortEscape(_ byte: UInt8) -> Bool {
        // A bit for each, from 0x20 and from 0x60 on; 0x5C has none and is asked for.
        let low: UInt64 = 1 << 0x02 | 1 << 0x0F
        let high: UInt64 = 1 << 0x02 | 1 << 0x06 | 1 << 0x0E | 1 << 0x12 | 1 << 0x14
        if byte >= 0x60 { return byte < 0x80 && high >> UInt64(byte - 0x60) & 1 == 1 }
        return byte == ASCII.backslash || (byte >= 0x20 && low >> UInt64(byte - 0x20) & 1 == 1)
    }

    // MARK: Sixteen bytes at a time

    /// Whether a byte ends a plain run: a quote, a backslash, a control, or not ASCII. As signed
    /// numbers, controls and the bytes of non-ASCII characters are those below 0x20.
    @inline(__always)
    static func isStop(_ byte: UInt8) -> Bool {
        Int8(bitPattern: byte) < 0x20 || byte == ASCII.quote || byte == ASCII.backslash
    }

    /// Which of the 16 bytes at `pointer` end a plain run.
    @inline(__always)
    private static func stopLanes(_ pointer: UnsafePointer<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        let bytes = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Int8>.self)
        return (bytes .< SIMD16(repeating: 0x20))
            .| (bytes .== SIMD16(repeating: Int8(bitPattern: ASCII.quote)))
            .| (bytes .== SIMD16(repeating: Int8(bitPattern: ASCII.backslash)))
    }

    @inline(__always)
    private static func bits(_ lanes: SIMDMask<SIMD16<Int8>>) -> UInt32 {
        cuv_lane_bits(unsafeBitCast(lanes, to: SIMD16<Int8>.self))
    }

    /// One bit for each of the 16 bytes at `pointer` that ends a plain run, the first one's lowest.
    @inline(__always)
    static func stops(in pointer: UnsafePointer<UInt8>) -> UInt32 { bits(stopLanes(pointer)) }

    /// Whether `text` is as long as most ids are, from 16 to 48 bytes, and none of them ends a plain run.
    @inline(__always)
    static func isPlainName(_ text: ByteSlice) -> Bool {
        let count = text.count
        guard count >= 16, count <= 48 else { return false }
        var lanes = stopLanes(text.base)
        if count > 32 { lanes = lanes .| stopLanes(text.base + 16) }
        // Some of the last sixteen perhaps a second time.
        return bits(lanes .| stopLanes(text.base + (count &- 16))) == 0
    }

    /// One bit for each of the 64 bytes at `pointer` that ends a plain run, the first one's lowest.
    @inline(__always)
    private static func wideStops(in pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(stops(in: pointer)) | UInt64(stops(in: pointer + 16)) &<< 16
            | UInt64(stops(in: pointer + 32)) &<< 32 | UInt64(stops(in: pointer + 48)) &<< 48
    }

    /// The index of the first of the 16 bytes at `pointer` that ends a plain run; 16 if none does.
    @inline(__always)
    static func stop(in pointer: UnsafePointer<UInt8>) -> Int {
        (stops(in: pointer) | 1 << 16).trailingZeroBitCount
    }

    // MARK: Escapes and characters

    /// One escape sequence. A surrogate must have its other half: what has none cannot be UTF-8.
    private mutating func skipEscape() throws(JSONFailure) {
        at += 1
        switch next {
        case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        case UInt8(ascii: "u"):
            at += 1
            let first = try fourDigits()
            if first & 0xF800 != 0xD800 { return }
            guard first & 0xFC00 == 0xD800, next == ASCII.backslash else {
                throw failure(.invalidString)
            }
            at += 1
            guard next == UInt8(ascii: "u") else { throw failure(.invalidString) }
            at += 1
            guard try fourDigits() & 0xFC00 == 0xDC00 else {
                throw JSONFailure(kind: .invalidString, offset: offset - 6)
            }
        default:
            throw failure(.invalidString)
        }
    }

    private mutating func fourDigits() throws(JSONFailure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = ASCII.hexValue(next) else { throw failure(.invalidString) }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    /// A run of non-ASCII characters (well-formed UTF-8, Unicode table 3-7).
    private mutating func skipForeign() throws(JSONFailure) {
        while at < end, at.pointee >= 0x80 {
            if skipThreeByteCharacters() { continue }
            let lead = at.pointee
            let length: Int
            // The first continuation byte tells overlong forms, surrogates and what is above
            // U+10FFFF from characters.
            var least: UInt8 = 0x80
            var most: UInt8 = 0xBF
            switch lead {
            case 0xE1...0xEC, 0xEE, 0xEF: length = 3
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, least) = (3, 0xA0)
            case 0xED: (length, most) = (3, 0x9F)
            case 0xF0: (length, least) = (4, 0x90)
            case 0xF1...0xF3: length = 4
            case 0xF4: (length, most) = (4, 0x8F)
            default: throw failure(.invalidString)
            }
            guard end - at >= length else { throw cutCharacter() }
            var isWellFormed = at[1] >= least && at[1] <= most
            if length > 2 { isWellFormed = isWellFormed && at[2] & 0xC0 == 0x80 }
            if length > 3 { isWellFormed = isWellFormed && at[3] & 0xC0 == 0x80 }
            guard isWellFormed else { throw failure(.invalidString) }
            at += length
        }
    }

    /// The characters between U+0800 and U+FFFF, by far the most common beyond Latin.
    /// - Returns: whether there was one.
    @inline(__always)
    private mutating func skipThreeByteCharacters() -> Bool {
        let first = at
        while end - at >= 4 {
            let word = UInt32(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt32.self))
            guard word & 0xC0_C0F0 == 0x80_80E0 else { break }
            // Four bits of the lead and the highest of the second byte: none set is an overlong
            // form, and these are a surrogate's.
            let high = word & 0x200F
            guard high != 0, high != 0x200D else { break }
            at += 3
        }
        return at > first
    }

    /// The text ends inside a character, or what stands there is none.
    private func cutCharacter() -> JSONFailure {
        var tail = at + 1
        while tail < end, tail.pointee & 0xC0 == 0x80 { tail += 1 }
        return tail == end
            ? JSONFailure(kind: .unexpectedEnd, offset: end - start) : failure(.invalidString)
    }
}
