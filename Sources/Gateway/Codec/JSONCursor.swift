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
        // A name of up to 32 bytes with its colon and nothing between, which is nearly every one.
        if end - at >= 20, at.pointee == ASCII.quote {
            var close = at + 1 + Self.stop(in: at + 1)
            if close - at == 17, end - at >= 36 { close += Self.stop(in: close) }
            if end - close > 2, close[0] == ASCII.quote, close[1] == ASCII.colon,
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
