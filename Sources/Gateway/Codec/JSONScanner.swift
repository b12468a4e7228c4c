// JSONScanner.swift — one pass over a JSON text that validates all of it and yields byte ranges.
// Pure, not recursive, allocates nothing. For whoever needs a few members of a document whose bytes
// travel on as they are; a document that is taken apart is read by JSONTree. Grammar: RFC 8259.

import ReactorCore

/// What a JSON value is.
package enum JSONKind: Sendable {
    case object, array, string, number, `true`, `false`, null
}

/// The name of a member.
package struct JSONKey: Sendable {
    /// The bytes between the quotes, escapes as they stand.
    package let range: Range<Int>
    package let hasEscapes: Bool
}

/// Which name of a list a member has.
package struct JSONName: Sendable {
    /// The name's place in the list.
    package let index: Int
    /// Whether the member spells it with escapes.
    package let hasEscapes: Bool
}

/// A value that was scanned to its end.
package struct JSONSpan: Sendable {
    package let kind: JSONKind
    /// All its bytes: a string's quotes and a container's brackets too.
    package let range: Range<Int>
    /// Whether a string has escapes. False for every other kind.
    package let hasEscapes: Bool

    /// The bytes between the quotes of a string, or the brackets of a container.
    @inlinable
    package var inside: Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }

    /// The same span in a document that has this one's at `offset`.
    package func moved(by offset: Int) -> JSONSpan {
        JSONSpan(
            kind: kind, range: range.lowerBound + offset..<range.upperBound + offset,
            hasEscapes: hasEscapes)
    }
}

/// A name with its value.
package struct JSONMember: Sendable {
    package let key: JSONKey
    package let value: JSONSpan
}

/// A pull scanner. The caller walks the levels it cares for, and what it skips is validated all the
/// same: when `finish` returns, every byte has been checked once (grammar, UTF-8, depth, and that
/// no number is beyond the doubles).
///
///     var scanner = JSONScanner(body)
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() {
///         switch ... { default: _ = try scanner.value() }
///     }
///     try scanner.finish()
///
/// After a failure the scanner is not used again. Offsets count from the slice's first byte.
package struct JSONScanner {
    /// The deepest nesting that the record of open containers has room for.
    package static let depthLimit = 128

    private enum Position: UInt8 {
        /// A value must come. -> first or later.
        case value
        /// Behind an opening bracket. -> value, or later.
        case first
        /// Behind a value. -> value.
        case later
    }

    private var cursor: JSONCursor
    private var open: OpenContainers
    private var position = Position.value

    /// A scanner at the first byte of `bytes`, which it borrows.
    package init(_ bytes: ByteSlice, depthMax: Int = JSONScanner.depthLimit) {
        precondition(depthMax > 0 && depthMax <= Self.depthLimit)
        cursor = JSONCursor(bytes)
        open = OpenContainers(depthMax: depthMax)
        cursor.skipSpace()
    }

    /// Scans a whole document. - Returns: what its outermost value is.
    @discardableResult
    package static func validate(
        _ bytes: ByteSlice, depthMax: Int = JSONScanner.depthLimit
    ) throws(JSONFailure) -> JSONKind {
        var scanner = JSONScanner(bytes, depthMax: depthMax)
        let kind = try scanner.value().kind
        try scanner.finish()
        return kind
    }

    /// Where the string ends whose inside begins at `start`: the index of its closing quote, or nil
    /// if it is not valid.
    package static func endOfString(in bytes: ByteSlice, from start: Int) -> Int? {
        precondition(start > 0 && start <= bytes.count)
        var cursor = JSONCursor(bytes)
        // The cursor stands at an opening quote and looks only behind it.
        cursor.at = bytes.base + (start - 1)
        do throws(JSONFailure) { _ = try cursor.skipString() } catch { return nil }
        return cursor.offset - 1
    }

    /// Bytes read.
    package var offset: Int { cursor.offset }

    /// The bytes at a range that this scanner gave out.
    @inline(__always)
    package func bytes(_ range: Range<Int>) -> ByteSlice {
        precondition(range.lowerBound >= 0 && range.upperBound <= cursor.end - cursor.start)
        return ByteSlice(cursor.start + range.lowerBound, count: range.count)
    }

    /// What the value to come is by its first byte; nil where none begins so.
    package var valueKind: JSONKind? {
        switch cursor.next {
        case ASCII.openBrace: .object
        case ASCII.openBracket: .array
        case ASCII.quote: .string
        case UInt8(ascii: "-"), ASCII.zero...UInt8(ascii: "9"): .number
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: nil
        }
    }

    /// Whether the value to come is an object.
    package var comesObject: Bool { cursor.next == ASCII.openBrace }

    /// Whether the value to come is an array.
    package var comesArray: Bool { cursor.next == ASCII.openBracket }

    /// Enters the object that comes; anything else is a failure.
    package mutating func beginObject() throws(JSONFailure) {
        try begin(ASCII.openBrace, isObject: true)
    }

    /// Enters the array that comes; anything else is a failure.
    package mutating func beginArray() throws(JSONFailure) {
        try begin(ASCII.openBracket, isObject: false)
    }

    /// The name of the innermost object's next member, whose value is to be read next; nil at the
    /// object's end, which is left thereby.
    package mutating func nextKey() throws(JSONFailure) -> JSONKey? {
        precondition(open.innermostIsObject, "no object is open")
        guard try advance(to: ASCII.closeBrace) else { return nil }
        let start = cursor.offset + 1
        let (end, escaped) = try cursor.skipKey()
        position = .value
        let range = Range(uncheckedBounds: (start, end - cursor.start))
        return JSONKey(range: range, hasEscapes: escaped)
    }

    /// The innermost object's next member whose name is in the list, its value to be read next; nil
    /// at the object's end, which is left thereby. Members in between are validated.
    package mutating func nextName(in names: JSONNames) throws(JSONFailure) -> JSONName? {
        precondition(open.innermostIsObject, "no object is open")
        precondition(position != .value, "a value is due")
        // In locals, which the compiler keeps in registers.
        var cursor = self.cursor
        var mayEnd = true
        cursor.skipSpace()
        if position == .later, cursor.next == ASCII.comma {
            cursor.at += 1
            cursor.skipSpace()
            mayEnd = false
        } else if position == .later, cursor.next != ASCII.closeBrace {
            throw cursor.failure(.unexpectedByte)
        }
        while true {
            if mayEnd, cursor.next == ASCII.closeBrace { break }
            let start = cursor.at + 1
            let (end, hasEscapes) = try cursor.skipKey()
            if let index = cursor.name(from: start, to: end, hasEscapes, in: names) {
                self.cursor = cursor
                position = .value
                return JSONName(index: index, hasEscapes: hasEscapes)
            }
            switch cursor.next {
            case ASCII.openBrace, ASCII.openBracket:
                self.cursor = cursor
                try skipContainer()
                cursor = self.cursor
            case ASCII.quote: _ = try cursor.skipString()
            default: try cursor.skipScalar()
            }
            cursor.skipSpace()
            guard cursor.next == ASCII.comma else {
                guard cursor.next == ASCII.closeBrace else {
                    throw cursor.failure(.unexpectedByte)
                }
                break
            }
            cursor.at += 1
            cursor.skipSpace()
            mayEnd = false
        }
        cursor.at += 1
        self.cursor = cursor
        open.pop()
        position = .later
        return nil
    }

    /// The same, where peers send the members in a usual order: asks first for the name in place
    /// `likely`, which costs half of a look-up.
    package mutating func nextName(
        in names: JSONNames, likely: Int
    ) throws(JSONFailure) -> JSONName? {
        precondition(open.innermostIsObject, "no object is open")
        precondition(position != .value, "a value is due")
        var place = cursor.at
        if position == .later {
            switch cursor.next {
            case ASCII.comma: place += 1
            case ASCII.closeBrace:
                cursor.at += 1
                open.pop()
                return nil
            // The look-up says what is wrong with it.
            default: return try nextName(in: names)
            }
        }
        let count = names.memberCount(likely, at: place, before: cursor.end)
        guard count > 0 else { return try nextName(in: names) }
        cursor.at = place + count
        position = .value
        return JSONName(index: likely, hasEscapes: false)
    }

    /// Whether the innermost array has one more value, to be read next; at the array's end it is
    /// left.
    package mutating func nextElement() throws(JSONFailure) -> Bool {
        precondition(open.depth > 0 && !open.innermostIsObject, "no array is open")
        guard try advance(to: ASCII.closeBracket) else { return false }
        position = .value
        return true
    }

    /// The innermost object's next member with its value; nil at the end, which is left thereby.
    package mutating func nextMember() throws(JSONFailure) -> JSONMember? {
        guard let key = try nextKey() else { return nil }
        return JSONMember(key: key, value: try value())
    }

    /// Scans the value that comes, to its end.
    @discardableResult
    package mutating func value() throws(JSONFailure) -> JSONSpan {
        precondition(position == .value, "no value is due")
        position = .later
        let start = cursor.offset
        var kind = JSONKind.string
        var hasEscapes = false
        switch cursor.next {
        case ASCII.quote:
            hasEscapes = try cursor.skipString()
        case ASCII.openBrace:
            kind = .object
            try skipContainer()
        case ASCII.openBracket:
            kind = .array
            try skipContainer()
        case UInt8(ascii: "-"), ASCII.zero...UInt8(ascii: "9"):
            kind = .number
            try cursor.skipNumber()
        case UInt8(ascii: "t"):
            kind = .true
            try cursor.skipLiteral("true")
        case UInt8(ascii: "f"):
            kind = .false
            try cursor.skipLiteral("false")
        case UInt8(ascii: "n"):
            kind = .null
            try cursor.skipLiteral("null")
        default:
            throw noValue()
        }
        let range = Range(uncheckedBounds: (start, cursor.offset))
        return JSONSpan(kind: kind, range: range, hasEscapes: hasEscapes)
    }

    /// Scans the value that comes. - Returns: the whole number without a sign that it is; nil for any
    /// other value.
    package mutating func count() throws(JSONFailure) -> Int? {
        precondition(position == .value, "no value is due")
        var place = cursor.at
        var count = 0
        while place < cursor.end, place.pointee &- ASCII.zero < 10, place - cursor.at < 15 {
            count = count &* 10 &+ Int(place.pointee &- ASCII.zero)
            place += 1
        }
        let digits = place - cursor.at
        // What is behind it tells whether that was all of it.
        if digits > 0, place < cursor.end, digits == 1 || cursor.next != ASCII.zero {
            switch place.pointee {
            case ASCII.comma, ASCII.closeBrace, ASCII.closeBracket:
                cursor.at = place
                position = .later
                return count
            default: break
            }
        }
        let span = try value()
        return span.kind == .number ? bytes(span.range).decimalValue : nil
    }

    /// Checks that nothing but white space is left. The outermost value must have been read.
    package mutating func finish() throws(JSONFailure) {
        precondition(open.depth == 0 && position == .later, "finished inside the document")
        cursor.skipSpace()
        guard cursor.at == cursor.end else {
            throw JSONFailure(kind: .trailingContent, offset: cursor.offset)
        }
    }

    private mutating func begin(_ bracket: UInt8, isObject: Bool) throws(JSONFailure) {
        precondition(position == .value, "no value is due")
        guard cursor.next == bracket else { throw noValue() }
        guard open.push(isObject: isObject) else { throw cursor.failure(.tooDeep) }
        cursor.at += 1
        position = .first
    }

    private func noValue() -> JSONFailure {
        let isEmpty = cursor.at == cursor.end && open.depth == 0
        return isEmpty ? JSONFailure(kind: .empty, offset: 0) : cursor.failure(.unexpectedByte)
    }

    /// To the first byte of the next member or element; false at the closing bracket, behind which
    /// the container is left.
    @inline(__always)
    private mutating func advance(to closing: UInt8) throws(JSONFailure) -> Bool {
        precondition(position != .value, "a value is due")
        cursor.skipSpace()
        if cursor.next == closing {
            cursor.at += 1
            open.pop()
            position = .later
            return false
        }
        if position == .later {
            guard cursor.next == ASCII.comma else { throw cursor.failure(.unexpectedByte) }
            cursor.at += 1
            cursor.skipSpace()
        }
        return true
    }

    /// The container at hand, whatever is in it. The loop's state is in locals, which the compiler
    /// keeps in registers.
    private mutating func skipContainer() throws(JSONFailure) {
        var cursor = self.cursor
        var open = self.open
        let floor = open.depth
        values: while true {
            // A value must come.
            switch cursor.next {
            case ASCII.quote:
                _ = try cursor.skipString()
            case ASCII.openBrace:
                guard open.push(isObject: true) else { throw cursor.failure(.tooDeep) }
                cursor.at += 1
                cursor.skipSpace()
                if cursor.next != ASCII.closeBrace {
                    _ = try cursor.skipKey()
                    continue values
                }
            case ASCII.openBracket:
                guard open.push(isObject: false) else { throw cursor.failure(.tooDeep) }
                cursor.at += 1
                cursor.skipSpace()
                if cursor.next != ASCII.closeBracket { continue values }
            default: try cursor.skipScalar()
            }
            // Behind a value or in an empty container: close what ends here, then a comma.
            while true {
                cursor.skipSpace()
                let isObject = open.innermostIsObject
                if cursor.next == ASCII.comma {
                    cursor.at += 1
                    cursor.skipSpace()
                    if isObject { _ = try cursor.skipKey() }
                    continue values
                }
                guard cursor.next == (isObject ? ASCII.closeBrace : ASCII.closeBracket) else {
                    throw cursor.failure(.unexpectedByte)
                }
                cursor.at += 1
                open.pop()
                if open.depth == floor { break values }
            }
        }
        self.cursor = cursor
    }
}

/// Which containers are open, one bit each, the innermost in the lowest place.
private struct OpenContainers {
    private(set) var depth = 0
    private let depthMax: Int
    private var inner: UInt64 = 0
    /// The bits of the outermost 64, while there are more.
    private var outer: UInt64 = 0

    init(depthMax: Int) { self.depthMax = depthMax }

    @inline(__always)
    var innermostIsObject: Bool { inner & 1 == 1 }

    @inline(__always)
    mutating func push(isObject: Bool) -> Bool {
        guard depth < depthMax else { return false }
        if depth == 64 { outer = inner }
        depth &+= 1
        inner = inner &<< 1 | (isObject ? 1 : 0)
        return true
    }

    @inline(__always)
    mutating func pop() {
        depth &-= 1
        inner = depth == 64 ? outer : inner &>> 1
    }
}
