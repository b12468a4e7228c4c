// ByteBuffer.swift — one growable run of bytes with a single owner.
// Imported by everyone. Appending is memcpy; nothing here allocates but growth.

#if canImport(Glibc)
    import Glibc
#endif

/// A growable byte buffer with a single owner; its memory is freed with it.
///
/// Invariant: `count <= capacity`, and `base` is nil exactly when `capacity` is 0.
@frozen
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    @usableFromInline var used = 0
    @usableFromInline var size = 0

    /// Bytes written.
    @inlinable
    public var count: Int { used }

    /// Bytes that fit before the next growth.
    @inlinable
    public var capacity: Int { size }

    /// An empty buffer that holds no memory.
    @inlinable
    public init() {}

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) { reserve(capacity) }

    @inlinable
    deinit { if let base { free(base) } }

    /// Whether nothing has been written.
    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// The bytes written, valid until the next change of the buffer.
    @inlinable
    public var slice: ByteSlice {
        guard let base else { return .empty }
        return ByteSlice(UnsafePointer(base), count: used)
    }

    /// Makes room for `more` bytes behind those written. Growth doubles, so appending is linear.
    @inlinable @inline(__always)
    public mutating func reserve(_ more: Int) {
        precondition(more >= 0)
        if size &- used < more { grow(more) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ more: Int) {
        let grown = max(used + more, size * 2, 64)
        guard let memory = realloc(base, grown) else {
            fatalError("out of memory: \(grown) bytes")
        }
        base = memory.assumingMemoryBound(to: UInt8.self)
        size = grown
    }

    /// Writes through `fill`, which gets at least `room` bytes of memory and says how many it used.
    @inlinable @inline(__always)
    public mutating func append(
        room: Int, _ fill: (UnsafeMutablePointer<UInt8>, Int) -> Int
    ) {
        reserve(room)
        guard let base else { return }
        let filled = fill(base + used, size - used)
        precondition(filled >= 0 && filled <= size - used)
        used += filled
    }

    /// Appends a copy of `bytes`.
    @inlinable @inline(__always)
    public mutating func append(_ bytes: ByteSlice) {
        guard bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base.unsafelyUnwrapped + used, bytes.base, bytes.count)
        used &+= bytes.count
    }

    /// Appends a literal. Inlined, its length is a constant and the copy a few moves.
    @inlinable @inline(__always)
    public mutating func append(_ literal: StaticString) { append(ByteSlice(literal)) }

    /// Appends the UTF-8 of `text`.
    public mutating func append(_ text: String) {
        reserve(text.utf8.count)
        text.withByteSlice { append($0) }
    }

    /// Appends one byte.
    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.unsafelyUnwrapped[used] = byte
        used &+= 1
    }

    /// Appends `value` in decimal digits.
    public mutating func append(decimal value: Int) {
        guard value >= 0 else {
            append(0x2D as UInt8)
            append(magnitude: value.magnitude)
            return
        }
        append(magnitude: UInt(value))
    }

    private mutating func append(magnitude value: UInt) {
        reserve(20)
        let start = base.unsafelyUnwrapped + used
        if value < 10 {
            start[0] = ASCII.zero &+ UInt8(truncatingIfNeeded: value)
            used &+= 1
            return
        }
        // By comparison: a division costs more, and most numbers are short.
        var digits = 2
        var bound: UInt = 100
        while digits < 20, value >= bound {
            digits &+= 1
            // Wraps behind the twentieth digit, where it is not asked for any more.
            bound = bound &* 10
        }
        // Two at a time.
        var index = digits
        var rest = value
        while rest >= 100 {
            index &-= 2
            let hundredth = rest / 100
            Self.write(pair: rest &- hundredth &* 100, to: start + index)
            rest = hundredth
        }
        if index == 2 {
            Self.write(pair: rest, to: start)
        } else {
            start[0] = ASCII.zero &+ UInt8(truncatingIfNeeded: rest)
        }
        used &+= digits
    }

    @inline(__always)
    private static func write(pair value: UInt, to place: UnsafeMutablePointer<UInt8>) {
        let tens = (value &* 103) &>> 10
        place[0] = ASCII.zero &+ UInt8(truncatingIfNeeded: tens)
        place[1] = ASCII.zero &+ UInt8(truncatingIfNeeded: value &- tens &* 10)
    }

    /// Appends `value` in lower-case hexadecimal digits without leading zeros.
    public mutating func append(hex value: Int) {
        precondition(value >= 0)
        let bits = Int.bitWidth - value.leadingZeroBitCount
        let digits = max(1, (bits + 3) / 4)
        reserve(digits)
        let start = base.unsafelyUnwrapped + used
        for index in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: value >> ((digits - 1 - index) * 4)) & 0xF
            start[index] = nibble < 10 ? ASCII.zero + nibble : 0x61 + nibble - 10
        }
        used += digits
    }

    /// Overwrites the bytes at `offset`, which must all have been written.
    public mutating func overwrite(at offset: Int, with bytes: ByteSlice) {
        precondition(offset >= 0 && offset + bytes.count <= used)
        guard bytes.count > 0 else { return }
        memcpy(base.unsafelyUnwrapped + offset, bytes.base, bytes.count)
    }

    /// Puts what `body` makes of each byte from `offset` on in its place.
    @inlinable @inline(__always)
    public mutating func replace(from offset: Int, _ body: (UInt8) -> UInt8) {
        precondition(offset >= 0 && offset <= used)
        guard let base else { return }
        var index = offset
        while index < used {
            base[index] = body(base[index])
            index &+= 1
        }
    }

    /// Forgets the first `length` bytes and moves the rest to the front.
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= used)
        guard length > 0 else { return }
        used -= length
        if used > 0, let base { memmove(base, base + length, used) }
    }

    /// Forgets everything behind the first `length` bytes.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= used)
        used = length
    }

    /// Forgets all bytes and keeps the memory.
    @inlinable
    public mutating func removeAll() { used = 0 }

    /// Forgets all bytes and gives the memory back.
    public mutating func release() {
        if let base { free(base) }
        base = nil
        used = 0
        size = 0
    }

    /// A copy as text. For messages and tests.
    public var string: String { slice.string }

    /// A copy as an array. For tests.
    public var array: [UInt8] { Array(slice.raw) }
}
