// ByteCursor.swift — writes piece by piece into room that was made before: what a literal costs is its
// copy. Made by ByteBuffer.append(upTo:). For records of which every request writes a few.

import CUV

#if canImport(Glibc)
    import Glibc
#endif

/// Where the next byte goes. Nothing is checked on the way: whoever asked for the room has reckoned
/// the most that it writes.
@frozen
public struct ByteCursor {
    @usableFromInline var place: UnsafeMutableRawPointer

    @inlinable @inline(__always)
    init(_ place: UnsafeMutableRawPointer) { self.place = place }

    /// Puts a literal. Inlined, its length is a constant and the copy a few moves.
    @inlinable @inline(__always)
    public mutating func put(_ literal: StaticString) {
        memcpy(place, literal.utf8Start, literal.utf8CodeUnitCount)
        place += literal.utf8CodeUnitCount
    }

    /// Puts a copy of `bytes`.
    @inlinable @inline(__always)
    public mutating func put(_ bytes: ByteSlice) {
        memcpy(place, bytes.base, bytes.count)
        place += bytes.count
    }

    /// Puts a copy of an id, a name or a number: before a call has found its way, so few are moved.
    @inlinable @inline(__always)
    public mutating func put(short bytes: ByteSlice) {
        let count = bytes.count
        guard count <= 48 else { return put(bytes) }
        // The last ones of each kind of move perhaps a second time.
        if count >= 16 {
            memcpy(place, bytes.base, 16)
            if count > 32 { memcpy(place + 16, bytes.base + 16, 16) }
            memcpy(place + (count &- 16), bytes.base + (count &- 16), 16)
        } else if count >= 8 {
            memcpy(place, bytes.base, 8)
            memcpy(place + (count &- 8), bytes.base + (count &- 8), 8)
        } else if count >= 4 {
            memcpy(place, bytes.base, 4)
            memcpy(place + (count &- 4), bytes.base + (count &- 4), 4)
        } else if count > 0 {
            put(bytes, at: 0)
            put(bytes, at: count &>> 1)
            put(bytes, at: count &- 1)
        }
        place += count
    }

    /// Puts the sixteen bytes at `bytes`.
    @inlinable @inline(__always)
    public mutating func put(sixteen bytes: UnsafePointer<UInt8>) {
        memcpy(place, bytes, 16)
        place += 16
    }

    /// Puts one byte.
    @inlinable @inline(__always)
    public mutating func put(_ byte: UInt8) {
        place.storeBytes(of: byte, as: UInt8.self)
        place += 1
    }

    /// Puts `value` in decimal digits, 20 at most.
    @inlinable @inline(__always)
    public mutating func put(decimal value: Int) {
        if value >= 0, value < 100_000_000 {
            let digits =
                value < 10_000
                ? DigitWord.short(UInt(bitPattern: value))
                : DigitWord.decimal(UInt(bitPattern: value))
            // Zeros in front are the lowest bytes; the last digit stays whatever it is.
            let zeros = (digits | 1 &<< 56).trailingZeroBitCount & ~7
            place.storeBytes(
                of: ((digits | DigitWord.asciiZeros) &>> UInt64(truncatingIfNeeded: zeros))
                    .littleEndian, as: UInt64.self)
            place += 8 &- zeros &>> 3
        } else {
            put(long: value)
        }
    }

    @usableFromInline @inline(never)
    mutating func put(long value: Int) {
        if value < 0 { put(UInt8(ascii: "-")) }
        let (upper, lower) = value.magnitude.quotientAndRemainder(dividingBy: 100_000_000)
        guard upper > 0 else { return put(decimal: Int(lower)) }
        // At most 11 digits: one such step more.
        put(decimal: Int(upper))
        put(eightDigits: lower)
    }

    /// Puts `value`, below 10^8, with zeros in front.
    @inlinable @inline(__always)
    public mutating func put(eightDigits value: UInt) {
        put(word: DigitWord.decimal(value) | DigitWord.asciiZeros)
    }

    /// Puts the sixteen lower-case hexadecimal digits of `word`.
    @inlinable @inline(__always)
    public mutating func put(hexWord word: UInt64) { put(sixteen: DigitWord.hexadecimal(word)) }

    /// Puts the eight bytes of `word`, the lowest first.
    @inlinable @inline(__always)
    public mutating func put(word: UInt64) {
        place.storeBytes(of: word.littleEndian, as: UInt64.self)
        place += 8
    }

    /// Puts one of them where it belongs, the first being the next.
    @inlinable @inline(__always)
    func put(_ bytes: ByteSlice, at index: Int) {
        place.storeBytes(of: bytes.base[index], toByteOffset: index, as: UInt8.self)
    }

    /// Puts sixteen bytes.
    @inlinable @inline(__always)
    public mutating func put(sixteen bytes: SIMD16<Int8>) {
        place.storeBytes(of: bytes, as: SIMD16<Int8>.self)
        place += 16
    }

    /// Puts the lowest `count` bytes of `word`, the lowest first.
    @inlinable @inline(__always)
    public mutating func put(_ word: UInt32, count: Int) {
        place.storeBytes(of: word.littleEndian, as: UInt32.self)
        place += count
    }

    /// Takes back the last `count` bytes.
    @inlinable @inline(__always)
    public mutating func back(_ count: Int) { place -= count }
}

extension ByteBuffer {
    /// Appends what `write` puts, at most `room` bytes.
    @inlinable @inline(__always)
    public mutating func append(upTo room: Int, _ write: (inout ByteCursor) -> Void) {
        // A short number is stored as a whole word.
        reserve(room + 8)
        guard let base else { return }
        let start = UnsafeMutableRawPointer(base + used)
        var cursor = ByteCursor(start)
        write(&cursor)
        let written = cursor.place - start
        precondition(written >= 0 && written <= room, "more was written than there was room for")
        used &+= written
    }
}

/// Eight digits as the bytes of a word, the first in the lowest.
@frozen
public enum DigitWord {
    /// What makes characters of numbers.
    @inlinable @inline(__always)
    public static var asciiZeros: UInt64 { 0x3030_3030_3030_3030 }

    /// The decimal digits of `value`, below 10^8, as numbers.
    @inlinable @inline(__always)
    public static func decimal(_ value: UInt) -> UInt64 {
        // Halves, quarters and digits, each in a lane of its own, are parted by multiplications.
        let upper = UInt64(value) / 10_000
        let halves = upper | (UInt64(value) &- upper &* 10_000) &<< 32
        let hundreds = (halves &* 10_486) &>> 20 & 0x0000_007F_0000_007F
        let quarters = (halves &- hundreds &* 100) &<< 16 | hundreds
        let tens = (quarters &* 103) &>> 10 & 0x000F_000F_000F_000F
        return (quarters &- tens &* 10) &<< 8 | tens
    }

    /// The decimal digits of `value`, below 10^4, as numbers behind four zeros.
    @inlinable @inline(__always)
    public static func short(_ value: UInt) -> UInt64 {
        let hundreds = (UInt64(value) &* 10_486) &>> 20
        let halves = (UInt64(value) &- hundreds &* 100) &<< 16 | hundreds
        let tens = (halves &* 103) &>> 10 & 0x000F_000F
        return ((halves &- tens &* 10) &<< 8 | tens) &<< 32
    }

    /// The sixteen hexadecimal digits of `word`, as lower-case characters.
    @inlinable @inline(__always)
    public static func hexadecimal(_ word: UInt64) -> SIMD16<Int8> { cuv_hex_digits(word) }
}
