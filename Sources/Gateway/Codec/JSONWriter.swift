// JSONWriter.swift — JSON appended to a byte buffer, always valid UTF-8.
// Touches the buffer it is given; allocates nothing but the buffer's growth. Imported by every
// floor that encodes. Source of the grammar: RFC 8259.

import CUV
import ReactorCore

/// Writes one JSON text; made by `ByteBuffer.writeJSON`.
///
/// It keeps no stack: whether a comma is due depends only on what was written last. Opening and
/// closing in the right order, and a key before each member, is the caller's part.
package struct JSONWriter: ~Copyable {
    private let out: UnsafeMutablePointer<ByteBuffer>
    private var commaIsDue = false

    fileprivate init(_ out: UnsafeMutablePointer<ByteBuffer>) { self.out = out }

    package mutating func beginObject() { open(ASCII.openBrace) }
    package mutating func endObject() { close(ASCII.closeBrace) }
    package mutating func beginArray() { open(ASCII.openBracket) }
    package mutating func endArray() { close(ASCII.closeBracket) }

    /// A member's name, which must need no escape; its value is written next.
    package mutating func key(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        let comma = commaIsDue ? 1 : 0
        out.pointee.append(room: count + 4) { memory, _ in
            memory[0] = ASCII.comma
            let start = memory + comma
            start[0] = ASCII.quote
            Self.copy(name.utf8Start, count, to: start + 1)
            start[count &+ 1] = ASCII.quote
            start[count &+ 2] = ASCII.colon
            return count &+ comma &+ 3
        }
        commaIsDue = false
    }

    /// Names are short: a loop over words is done before a call of memcpy has found its way.
    @inline(__always)
    fileprivate static func copy(
        _ from: UnsafePointer<UInt8>, _ count: Int, to memory: UnsafeMutablePointer<UInt8>
    ) {
        let source = UnsafeRawPointer(from)
        let target = UnsafeMutableRawPointer(memory)
        guard count >= 4 else {
            for index in 0..<count { memory[index] = from[index] }
            return
        }
        if count < 8 {
            let last = count &- 4
            let tail = source.loadUnaligned(fromByteOffset: last, as: UInt32.self)
            target.storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
            target.storeBytes(of: tail, toByteOffset: last, as: UInt32.self)
            return
        }
        var index = 0
        let last = count &- 8
        while index < last {
            target.storeBytes(
                of: source.loadUnaligned(fromByteOffset: index, as: UInt64.self),
                toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        target.storeBytes(
            of: source.loadUnaligned(fromByteOffset: last, as: UInt64.self), toByteOffset: last,
            as: UInt64.self)
    }

    /// A member's name, whatever its bytes; its value is written next.
    package mutating func key(_ name: ByteSlice) {
        separate()
        out.pointee.append(jsonString: name)
        out.pointee.append(ASCII.colon)
        commaIsDue = false
    }

    package mutating func null() {
        separate()
        out.pointee.append("null" as StaticString)
    }

    package mutating func value(_ value: Bool) {
        separate()
        out.pointee.append(value ? "true" : "false" as StaticString)
    }

    package mutating func value(_ value: Int) {
        separate()
        out.pointee.append(decimal: value)
    }

    /// NaN and infinities, which JSON cannot say, become `null`.
    package mutating func value(_ value: Double) {
        separate()
        out.pointee.append(json: value)
    }

    /// The shortest decimal that reads back as the same float32; `null` if it is not finite.
    package mutating func value(_ value: Float) {
        separate()
        out.pointee.append(json: value)
    }

    /// A string that must need no escape.
    package mutating func value(_ literal: StaticString) {
        let count = literal.utf8CodeUnitCount
        let comma = commaIsDue ? 1 : 0
        out.pointee.append(room: count + 3) { memory, _ in
            memory[0] = ASCII.comma
            let start = memory + comma
            start[0] = ASCII.quote
            Self.copy(literal.utf8Start, count, to: start + 1)
            start[count &+ 1] = ASCII.quote
            return count &+ comma &+ 2
        }
        commaIsDue = true
    }

    package mutating func value(_ text: ByteSlice) {
        separate()
        out.pointee.append(jsonString: text)
    }

    /// For text that is a String already; the hot path has slices.
    package mutating func value(text: String) {
        separate()
        text.withByteSlice { out.pointee.append(jsonString: $0) }
    }

    /// A value that is JSON already.
    package mutating func raw(_ json: ByteSlice) {
        separate()
        out.pointee.append(json)
    }

    /// A value of a document that was read: its members in their order, strings escaped anew.
    package mutating func value(_ json: JSONValue) {
        switch json.kind {
        case .null: null()
        case .bool: value(json.bool ?? false)
        case .number:
            if let int = json.int { value(int) } else { value(json.double ?? 0) }
        case .string: value(json.string ?? .empty)
        case .array:
            beginArray()
            for element in json.elements { value(element) }
            endArray()
        case .object:
            beginObject()
            for (name, member) in json.members {
                key(name)
                value(member)
            }
            endObject()
        }
    }

    package mutating func field(_ name: StaticString, _ json: JSONValue) {
        key(name)
        value(json)
    }

    /// A string whose inside `write` appends piece by piece with `append(jsonEscaping:)`.
    package mutating func string(_ write: (inout ByteBuffer) -> Void) {
        separate()
        out.pointee.append(ASCII.quote)
        write(&out.pointee)
        out.pointee.append(ASCII.quote)
    }

    package mutating func null(_ name: StaticString) {
        key(name)
        null()
    }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        self.value(value)
    }

    package mutating func field(_ name: StaticString, _ value: Int) {
        key(name)
        self.value(value)
    }

    package mutating func field(_ name: StaticString, _ value: Double) {
        key(name)
        self.value(value)
    }

    package mutating func field(_ name: StaticString, _ literal: StaticString) {
        key(name)
        value(literal)
    }

    package mutating func field(_ name: StaticString, _ text: ByteSlice) {
        key(name)
        value(text)
    }

    /// For text that is a String already; the hot path has slices.
    package mutating func field(_ name: StaticString, text: String) {
        key(name)
        value(text: text)
    }

    /// Begins a member that is an object.
    package mutating func beginObject(_ name: StaticString) {
        key(name)
        beginObject()
    }

    /// Begins a member that is an array.
    package mutating func beginArray(_ name: StaticString) {
        key(name)
        beginArray()
    }

    private mutating func separate() {
        if commaIsDue { out.pointee.append(ASCII.comma) }
        commaIsDue = true
    }

    private mutating func open(_ bracket: UInt8) {
        let comma = commaIsDue ? 1 : 0
        out.pointee.append(room: 2) { memory, _ in
            memory[0] = ASCII.comma
            memory[comma] = bracket
            return comma &+ 1
        }
        commaIsDue = false
    }

    private mutating func close(_ bracket: UInt8) {
        out.pointee.append(bracket)
        commaIsDue = true
    }
}

extension ByteBuffer {
    /// Appends the JSON that `body` writes.
    package mutating func writeJSON(_ body: (inout JSONWriter) -> Void) {
        withUnsafeMutablePointer(to: &self) { target in
            var writer = JSONWriter(target)
            body(&writer)
        }
    }

    /// Appends `text` as a JSON string, quotes included. Ill-formed UTF-8 becomes U+FFFD.
    package mutating func append(jsonString text: ByteSlice) {
        // Plain nearly always.
        guard JSONText.isPlain(text) else {
            append(ASCII.quote)
            append(jsonEscaping: text)
            append(ASCII.quote)
            return
        }
        append(room: text.count + 2) { memory, _ in
            memory[0] = ASCII.quote
            if text.count <= 64 {
                JSONWriter.copy(text.base, text.count, to: memory + 1)
            } else {
                (memory + 1).update(from: text.base, count: text.count)
            }
            memory[text.count &+ 1] = ASCII.quote
            return text.count &+ 2
        }
    }

    /// Appends `text` as the inside of a JSON string. Each maximal part of an ill-formed UTF-8
    /// sequence becomes one U+FFFD, so pieces of one string must be cut between characters.
    package mutating func append(jsonEscaping text: ByteSlice) {
        var rest = text
        while true {
            var passed = 0
            append(upTo: 2 * rest.count + 16) { passed = $0.put(quoting: rest) }
            guard passed < rest.count else { return }
            let byte = rest.base[passed]
            if byte >= 0x80 {
                let sequence = UTF8Sequence(at: passed, in: rest)
                if sequence.isWellFormed {
                    append(rest[passed..<passed + sequence.count])
                } else {
                    append("\u{FFFD}" as StaticString)
                }
                rest = rest.dropFirst(passed + sequence.count)
            } else {
                append(jsonEscapeOf: byte)
                rest = rest.dropFirst(passed + 1)
            }
        }
    }

    /// Appends the shortest decimal that reads back as `value`; `null` if it is not finite.
    package mutating func append(json value: Double) {
        guard value.isFinite else {
            append("null" as StaticString)
            return
        }
        if append(shortDecimal: value) { return }
        // yyjson's shortest-digits writer asks its allocator for one small block: the stack's.
        var number = yyjson_val()
        unsafe_yyjson_set_real(&number, value)
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 16) { memory in
            var allocator = yyjson_alc()
            var length = 0
            guard yyjson_alc_pool_init(&allocator, memory.baseAddress, memory.count),
                let digits = yyjson_val_write_opts(
                    &number, YYJSON_WRITE_NOFLAG, &allocator, &length, nil)
            else { preconditionFailure("a double needs more than \(memory.count) bytes") }
            append(ByteSlice(UnsafeRawBufferPointer(start: digits, count: length)))
        }
    }

    /// Appends a number of few digits, at most three of them behind the point: of all decimals that
    /// read back as `value` there is none shorter, because no other has so few digits.
    /// - Returns: whether it was one.
    private mutating func append(shortDecimal value: Double) -> Bool {
        let thousands = (value * 1000).rounded()
        guard abs(thousands) < 1e9, thousands / 1000 == value, value.sign == .plus else {
            return false
        }
        let (whole, rest) = Int(thousands).quotientAndRemainder(dividingBy: 1000)
        append(decimal: whole)
        append(UInt8(ascii: "."))
        append(ASCII.zero + UInt8(rest / 100))
        if rest % 100 > 0 {
            append(ASCII.zero + UInt8(rest / 10 % 10))
            if rest % 10 > 0 { append(ASCII.zero + UInt8(rest % 10)) }
        }
        return true
    }

    /// Appends the shortest decimal that reads back as the same float32; `null` if it is not finite.
    package mutating func append(json value: Float) {
        guard value.isFinite else {
            append("null" as StaticString)
            return
        }
        // At most 15 bytes, which a String holds without memory of its own.
        var digits = value.description
        digits.withUTF8 { append(ByteSlice(UnsafeRawBufferPointer($0))) }
    }

    private mutating func append(jsonEscapeOf byte: UInt8) {
        append(ASCII.backslash)
        switch byte {
        case ASCII.quote, ASCII.backslash: append(byte)
        case ASCII.lf: append(UInt8(ascii: "n"))
        case ASCII.cr: append(UInt8(ascii: "r"))
        case ASCII.tab: append(UInt8(ascii: "t"))
        case 0x08: append(UInt8(ascii: "b"))
        case 0x0C: append(UInt8(ascii: "f"))
        default:
            append(byte < 0x10 ? "u000" : "u00" as StaticString)
            append(hex: Int(byte))
        }
    }
}

extension ByteCursor {
    /// Puts `text` as the inside of a JSON string, as `ByteBuffer.append(jsonEscaping:)` does: up to six
    /// times its bytes.
    package mutating func put(jsonEscaping text: ByteSlice) {
        if JSONCursor.isPlainName(text) { return put(short: text) }
        let passed = put(quoting: text)
        guard passed < text.count else { return }
        var escaped = ByteBuffer()
        escaped.append(jsonEscaping: text.dropFirst(passed))
        put(escaped.slice)
    }

    /// Puts `text` with its quotes and backslashes escaped, up to the first byte that is a control or
    /// not ASCII; up to twice its bytes and 16.
    /// - Returns: how many bytes of it that were.
    fileprivate mutating func put(quoting text: ByteSlice) -> Int {
        let count = text.count
        if count < 16, JSONText.isPlain(text) {
            put(text)
            return count
        }
        var index = 0
        while count &- index >= 16 {
            let from = text.base + index
            // All sixteen, of which those from the first stop on are written over.
            put(sixteen: from)
            let stop = JSONCursor.stop(in: from)
            index &+= stop
            guard stop < 16 else { continue }
            back(16 &- stop)
            guard put(quoted: text.base[index]) else { return index }
            index &+= 1
        }
        if index < count, count >= 16 {
            // The last sixteen, some of which have been put already: as they stand, if all are plain.
            let from = text.base + (count &- 16)
            if JSONCursor.stops(in: from) == 0 {
                back(16 &- (count &- index))
                put(sixteen: from)
                return count
            }
        }
        while index < count {
            let byte = text.base[index]
            if JSONCursor.isStop(byte) {
                guard put(quoted: byte) else { return index }
            } else {
                put(byte)
            }
            index &+= 1
        }
        return index
    }

    /// Puts a quote or a backslash, escaped; false where it is neither.
    @inline(__always)
    private mutating func put(quoted byte: UInt8) -> Bool {
        guard byte == ASCII.quote || byte == ASCII.backslash else { return false }
        put(ASCII.backslash)
        put(byte)
        return true
    }
}

/// What a JSON string may hold as it is.
private enum JSONText {
    /// Whether no byte ends a plain run: 16, eight or four at once, the last ones perhaps a second
    /// time.
    @inline(__always)
    static func isPlain(_ text: ByteSlice) -> Bool {
        let count = text.count
        if count >= 16 {
            var index = 0
            while index < count &- 16 {
                if JSONCursor.stops(in: text.base + index) != 0 { return false }
                index &+= 16
            }
            return JSONCursor.stops(in: text.base + (count &- 16)) == 0
        }
        let bytes = UnsafeRawPointer(text.base)
        if count >= 8 {
            return isPlain(bytes.loadUnaligned(as: UInt64.self))
                && isPlain(bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
        }
        if count >= 4 {
            let (first, last) = (
                bytes.loadUnaligned(as: UInt32.self),
                bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            )
            return isPlain(UInt64(first) &<< 32 | UInt64(last))
        }
        for index in 0..<count where JSONCursor.isStop(text.base[index]) { return false }
        return true
    }

    /// Whether none of eight bytes ends a plain run. Borrows of the subtractions can only come from
    /// bytes that do.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ ones &* UInt64(ASCII.quote)
        let backslashes = word ^ ones &* UInt64(ASCII.backslash)
        let stops =
            word | (word &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones)
        return stops & ones &* 0x80 == 0
    }
}

/// The bytes at one place taken as one UTF-8 sequence (Unicode, table 3-7).
private struct UTF8Sequence {
    /// Bytes of the character or, where it is ill-formed, of its maximal part: at least 1.
    let count: Int
    let isWellFormed: Bool

    init(at index: Int, in text: ByteSlice) {
        let lead = text.base[index]
        var second: ClosedRange<UInt8> = 0x80...0xBF
        let length: Int
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { second = 0xA0...0xBF }
            if lead == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { second = 0x90...0xBF }
            if lead == 0xF4 { second = 0x80...0x8F }
        default:
            self.count = 1
            self.isWellFormed = false
            return
        }
        var count = 1
        while count < length, index + count < text.count {
            let allowed = count == 1 ? second : 0x80...0xBF
            guard allowed.contains(text.base[index + count]) else { break }
            count += 1
        }
        self.count = count
        self.isWellFormed = count == length
    }
}
