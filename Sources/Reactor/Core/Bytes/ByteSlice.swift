// ByteSlice.swift — a borrowed run of bytes, the currency of every parser and machine.
// Imported by everyone. Owns nothing: whoever hands one out says how long it lives.

#if canImport(Glibc)
    import Glibc
#endif

/// Bytes that belong to somebody else: a pointer and a count.
///
/// A slice is valid only as long as its owner says; the usual contract is "during this call".
/// Subscripts are bounds-checked in release builds too, because most slices hold a peer's bytes.
@frozen
public struct ByteSlice: @unchecked Sendable {
    // @unchecked: a slice is a borrowed pointer; its owner guarantees that one thread reads it.

    /// The first byte. Never dereferenced when `count` is 0.
    public let base: UnsafePointer<UInt8>
    /// How many bytes, >= 0.
    public let count: Int

    /// Borrows `count` bytes at `base`.
    @inlinable @inline(__always)
    public init(_ base: UnsafePointer<UInt8>, count: Int) {
        self.base = base
        self.count = count
    }

    /// Borrows a raw buffer; an empty buffer may have no base address.
    @inlinable @inline(__always)
    public init(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else {
            self = .empty
            return
        }
        self.init(start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    }

    /// The bytes of a literal, which live as long as the program.
    @inlinable @inline(__always)
    public init(_ literal: StaticString) {
        self.init(literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    /// No bytes.
    @inlinable
    public static var empty: ByteSlice { ByteSlice("" as StaticString) }

    /// Whether there are no bytes.
    @inlinable @inline(__always)
    public var isEmpty: Bool { count == 0 }

    /// One past the last byte.
    @inlinable @inline(__always)
    public var end: UnsafePointer<UInt8> { base + count }

    /// The byte at `index`; traps outside 0..<count.
    @inlinable @inline(__always)
    public subscript(index: Int) -> UInt8 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "byte index out of range")
        return base[index]
    }

    /// The bytes in `range`; traps when it leaves 0...count.
    @inlinable @inline(__always)
    public subscript(range: Range<Int>) -> ByteSlice {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "byte range out of range")
        return ByteSlice(base + range.lowerBound, count: range.count)
    }

    /// All bytes from `start` on; traps when `start` is above `count`.
    @inlinable @inline(__always)
    public func dropFirst(_ start: Int) -> ByteSlice { self[start..<count] }

    /// The first `length` bytes; traps when there are fewer.
    @inlinable @inline(__always)
    public func prefix(_ length: Int) -> ByteSlice { self[0..<length] }

    /// The same bytes for C and standard library calls.
    @inlinable @inline(__always)
    public var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The index of the first `byte`, or nil.
    @inlinable @inline(__always)
    public func firstIndex(of byte: UInt8) -> Int? {
        guard count > 0, let found = memchr(base, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Byte-for-byte equality.
    @inlinable @inline(__always)
    public static func == (left: ByteSlice, right: ByteSlice) -> Bool {
        left.count == right.count
            && (left.count == 0 || memcmp(left.base, right.base, left.count) == 0)
    }

    /// Whether any byte differs.
    @inlinable @inline(__always)
    public static func != (left: ByteSlice, right: ByteSlice) -> Bool { !(left == right) }

    /// Byte-for-byte equality with a literal.
    @inlinable @inline(__always)
    public static func == (left: ByteSlice, right: StaticString) -> Bool {
        left == ByteSlice(right)
    }

    /// Whether the bytes begin with the literal.
    @inlinable @inline(__always)
    public func hasPrefix(_ literal: StaticString) -> Bool {
        count >= literal.utf8CodeUnitCount
            && memcmp(base, literal.utf8Start, literal.utf8CodeUnitCount) == 0
    }

    /// Equality with a lower-case ASCII literal, the slice's A-Z counting as a-z
    /// (field names, RFC 9110 section 5.1).
    @inlinable
    public func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let other = lowercase.utf8Start
        // Eight at a time, the last eight perhaps a second time.
        if count >= 8 {
            var place = 0
            while true {
                let word = UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
                let wanted = UnsafeRawPointer(other + place).loadUnaligned(as: UInt64.self)
                guard ASCII.lowercased(word) == wanted else { return false }
                if place == count - 8 { return true }
                place = min(place + 8, count - 8)
            }
        }
        for index in 0..<count where ASCII.lowercased(base[index]) != other[index] {
            return false
        }
        return true
    }

    /// Without leading and trailing SP and HTAB (optional whitespace, RFC 9110 section 5.6.3).
    @inlinable
    public var trimmed: ByteSlice {
        var first = 0
        var last = count
        while first < last, base[first] == ASCII.space || base[first] == ASCII.tab { first += 1 }
        while last > first, base[last - 1] == ASCII.space || base[last - 1] == ASCII.tab {
            last -= 1
        }
        return self[first..<last]
    }

    /// The value of one or more decimal digits and nothing else; nil otherwise or above Int.max.
    @inlinable
    public var decimalValue: Int? {
        guard count > 0 else { return nil }
        var value = 0
        // So few digits cannot overflow.
        if count <= 18 {
            for index in 0..<count {
                let digit = base[index] &- ASCII.zero
                guard digit < 10 else { return nil }
                value = value &* 10 &+ Int(digit)
            }
            return value
        }
        for index in 0..<count {
            let digit = Int(base[index]) - Int(ASCII.zero)
            guard digit >= 0, digit <= 9 else { return nil }
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = scaled.addingReportingOverflow(digit)
            guard !tooLarge, !carried else { return nil }
            value = sum
        }
        return value
    }

    /// A copy as text, ill-formed UTF-8 replaced. For messages and tests, not for the hot path.
    public var string: String { String(decoding: raw, as: UTF8.self) }
}

extension String {
    /// Calls `body` with the UTF-8 bytes of this string; the slice is valid during the call.
    @inlinable
    public func withByteSlice<Result>(_ body: (ByteSlice) throws -> Result) rethrows -> Result {
        var copy = self
        return try copy.withUTF8 { try body(ByteSlice(UnsafeRawBufferPointer($0))) }
    }
}
