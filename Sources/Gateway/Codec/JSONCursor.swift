// JSONCursor.swift — the words of JSON: white space, strings, numbers, literals (RFC 8259).
// Pure; reads nothing outside start..<end, which every dereference is guarded by. Only JSONScanner
// uses it: the scanner knows the grammar of values, the cursor that of one word.

import ReactorCore

/// A place in a JSON text. Unchecked pointers, because this loop is run over every byte of every
/// body: each read is guarded by an explicit comparison with `end`.
struct JSONCursor {
    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var at: UnsafePointer<UInt8>

    init(_ bytes: ByteSlice) {
        start = bytes.base
        end = bytes.end
        at = bytes.base
    }

    @inline(__always)
    var offset: Int { at - start }

    /// The next byte; 0, which begins no word, at the end.
    @inline(__always)
    var next: UInt8 { at < end ? at.pointee : 0 }

    @inline(never)
    func failure(_ kind: JSONFailure.Kind) -> JSONFailure {
        JSONFailure(kind: at == end ? .unexpectedEnd : kind, offset: offset)
    }

    @inline(__always)
    mutating func skipSpace() {
        // One comparison decides for compact JSON.
        if at < end, at.pointee <= ASCII.space { at = spaceEnd() }
    }

    @inline(never)
    private func spaceEnd() -> UnsafePointer<UInt8> {
        var place = at
        while place < end {
            let byte = place.pointee
            guard
                byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab
            else { break }
            place += 1
        }
        return place
    }

    /// From the opening quote of a member's name to its value.
    /// - Returns: the place of the closing quote, and whether a backslash was met.
    @inline(__always)
    mutating func skipKey() throws(JSONFailure) -> (end: UnsafePointer<UInt8>, escaped: Bool) {
        // A short name with its colon and nothing between, which is nearly every one.
        if end - at >= 20, at.pointee == ASCII.quote {
            let close = at + 1 + Self.stop(in: at + 1)
            if close - at <= 16, close[0] == ASCII.quote, close[1] == ASCII.colon,
                close[2] > ASCII.space
            {
                at = close + 2
                return (close, false)
            }
        }
        let (place, close, escaped) = try keyEnd()
        at = place
        return (close, escaped)
    }

    @inline(never)
    private func keyEnd() throws(JSONFailure) -> (
        place: UnsafePointer<UInt8>, close: UnsafePointer<UInt8>, escaped: Bool
    ) {
        var rest = self
        guard rest.next == ASCII.quote else { throw rest.failure(.unexpectedByte) }
        let escaped = try rest.skipString()
        let close = rest.at - 1
        rest.skipSpace()
        guard rest.next == ASCII.colon else { throw rest.failure(.unexpectedByte) }
        rest.at += 1
        rest.skipSpace()
        return (rest.at, close, escaped)
    }

    /// From the opening quote to the byte behind the closing quote.
    /// - Returns: whether a backslash was met.
    @inline(__always)
    mutating func skipString() throws(JSONFailure) -> Bool {
        var place = at + 1
        if end - place >= 16 {
            let stop = Self.stop(in: place)
            place += stop
            if stop < 16, place.pointee == ASCII.quote {
                at = place + 1
                return false
            }
        }
        let (close, escaped) = try stringEnd(from: place)
        at = close
        return escaped
    }

    /// Out of line and by value, so that the caller's cursor can stay in registers; its own place
    /// is a local for the same reason.
    @inline(never)
    private func stringEnd(
        from first: UnsafePointer<UInt8>
    ) throws(JSONFailure) -> (UnsafePointer<UInt8>, Bool) {
        var place = first
        var escaped = false
        while true {
            place = plainEnd(from: place)
            if place < end, place.pointee == ASCII.quote { return (place + 1, escaped) }
            if end - place >= 2, place.pointee == ASCII.backslash {
                escaped = true
                // Nearly every escape is one of these; they are not worth leaving the loop for.
                if Self.isShortEscape(place[1]) {
                    place += 2
                    continue
                }
                if end - place >= 6, place[1] == UInt8(ascii: "u"), Self.isPlainUnit(place + 2) {
                    place += 6
                    continue
                }
            }
            var rest = self
            rest.at = place
            try rest.skipUnusual()
            escaped = escaped || place.pointee == ASCII.backslash
            place = rest.at
        }
    }

    /// What ends a plain run and is neither a quote nor a common escape.
    @inline(never)
    private mutating func skipUnusual() throws(JSONFailure) {
        guard at < end else { throw failure(.unexpectedEnd) }
        if at.pointee == ASCII.backslash {
            try skipEscape()
        } else if at.pointee >= 0x80 {
            try skipForeign()
        } else {
            throw failure(.invalidString)
        }
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

    /// The first byte from `first` on that is a quote, a backslash, a control or not ASCII, or the
    /// end.
    @inline(__always)
    private func plainEnd(from first: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var place = first
        while end - place >= 16 {
            let stop = Self.stop(in: place)
            place += stop
            if stop < 16 { return place }
            // The text seems to be plain and long: 64 at a time, until a block is not.
            while place - first >= 48, end - place >= 64 {
                let stops =
                    Self.stops(place) .| Self.stops(place + 16) .| Self.stops(place + 32)
                    .| Self.stops(place + 48)
                let words = unsafeBitCast(stops, to: SIMD2<UInt64>.self)
                if words[0] | words[1] != 0 { break }
                place += 64
            }
        }
        while place < end {
            let byte = place.pointee
            if Int8(bitPattern: byte) < 0x20 || byte == ASCII.quote || byte == ASCII.backslash {
                break
            }
            place += 1
        }
        return place
    }

    /// Which of the 16 bytes at `pointer` end a plain run. As signed numbers, control characters
    /// and the bytes of non-ASCII characters are those below 0x20.
    @inline(__always)
    static func stops(_ pointer: UnsafePointer<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        let bytes = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Int8>.self)
        return (bytes .< SIMD16(repeating: 0x20))
            .| (bytes .== SIMD16(repeating: Int8(bitPattern: ASCII.quote)))
            .| (bytes .== SIMD16(repeating: Int8(bitPattern: ASCII.backslash)))
    }

    /// The index of the first of the 16 bytes at `pointer` that ends a plain run; 16 if none does.
    @inline(__always)
    static func stop(in pointer: UnsafePointer<UInt8>) -> Int {
        let words = unsafeBitCast(stops(pointer), to: SIMD2<UInt64>.self)
        if words[0] != 0 { return UInt64(littleEndian: words[0]).trailingZeroBitCount >> 3 }
        if words[1] != 0 { return 8 + UInt64(littleEndian: words[1]).trailingZeroBitCount >> 3 }
        return 16
    }

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

    @inline(__always)
    mutating func skipNumber() throws(JSONFailure) {
        let first = at
        if at.pointee == UInt8(ascii: "-") { at += 1 }
        if next == ASCII.zero {
            at += 1
        } else {
            try skipDigits()
        }
        // What follows a whole number mostly: a comma, a bracket, white space.
        let follower = next
        if follower == UInt8(ascii: ".") || follower | 0x20 == UInt8(ascii: "e")
            || at - first > JSONMagnitude.digitsSafe
        {
            at = try fractionEnd(of: first)
        }
    }

    @inline(__always)
    private mutating func skipDigits() throws(JSONFailure) {
        guard ASCII.isDigit(next) else { throw failure(.invalidNumber) }
        repeat { at += 1 } while at < end && ASCII.isDigit(at.pointee)
    }

    @inline(never)
    private func fractionEnd(
        of first: UnsafePointer<UInt8>
    ) throws(JSONFailure) -> UnsafePointer<UInt8> {
        var rest = self
        if rest.next == UInt8(ascii: ".") {
            rest.at += 1
            try rest.skipDigits()
        }
        var hasExponent = false
        if rest.next | 0x20 == UInt8(ascii: "e") {
            hasExponent = true
            rest.at += 1
            if rest.next == UInt8(ascii: "+") || rest.next == UInt8(ascii: "-") { rest.at += 1 }
            try rest.skipDigits()
        }
        let number = ByteSlice(first, count: rest.at - first)
        if hasExponent || number.count > JSONMagnitude.digitsSafe,
            JSONMagnitude.isTooLarge(number)
        {
            throw JSONFailure(kind: .invalidNumber, offset: first - start)
        }
        return rest.at
    }

    /// A number or a literal; everything else is a failure.
    @inline(__always)
    mutating func skipScalar() throws(JSONFailure) {
        switch next {
        case UInt8(ascii: "-"), ASCII.zero...UInt8(ascii: "9"): try skipNumber()
        case UInt8(ascii: "n"): try skipLiteral("null")
        case UInt8(ascii: "t"): try skipLiteral("true")
        case UInt8(ascii: "f"): try skipLiteral("false")
        default: throw failure(.unexpectedByte)
        }
    }

    /// Which of `names` the key between two quotes is; a value follows it.
    @inline(__always)
    func name(
        from first: UnsafePointer<UInt8>, to last: UnsafePointer<UInt8>, _ hasEscapes: Bool,
        in names: JSONNames
    ) -> Int? {
        if !hasEscapes, end - first >= 8 {
            return names.index(ofEightReadable: first, length: last - first)
        }
        return names.index(of: ByteSlice(first, count: last - first), hasEscapes: hasEscapes)
    }

    /// `true`, `false` or `null`, whose first letter is at hand.
    @inline(__always)
    mutating func skipLiteral(_ word: StaticString) throws(JSONFailure) {
        let length = word.utf8CodeUnitCount
        let tail = UnsafeRawPointer(word.utf8Start + length - 4)
        guard end - at >= length,
            UnsafeRawPointer(at + length - 4).loadUnaligned(as: UInt32.self)
                == tail.loadUnaligned(as: UInt32.self)
        else { throw misspelling(of: word) }
        at += length
    }

    @inline(never)
    private func misspelling(of word: StaticString) -> JSONFailure {
        var rest = self
        var index = 0
        while index < word.utf8CodeUnitCount, rest.next == word.utf8Start[index] {
            rest.at += 1
            index += 1
        }
        return rest.failure(.invalidLiteral)
    }
}
