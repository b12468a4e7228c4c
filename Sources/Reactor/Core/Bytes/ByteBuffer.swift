// ByteBuffer.swift — one growable run of bytes with a single owner.
// Imported by everyone. Appending is memcpy; nothing here allocates but growth.

#if canImport(Glibc)
    import Glibc
#endif

/// A growable byte buffer with a single owner; its memory is freed with it.
///
/// Invariant: `count <= capacity`, and `base` is nil exactly when `capacity` is 0.
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    /// Bytes written.
    public private(set) var count = 0
    /// Bytes that fit before the next growth.
    public private(set) var capacity = 0

    /// An empty buffer that holds no memory.
    public init() {}

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) { reserve(capacity) }

    deinit { free(base) }

    /// Whether nothing has been written.
    public var isEmpty: Bool { count == 0 }

    /// The bytes written, valid until the next change of the buffer.
    public var slice: ByteSlice {
        guard let base else { return .empty }
        return ByteSlice(UnsafePointer(base), count: count)
    }

    /// Makes room for `more` bytes behind those written. Growth doubles, so appending is linear.
    public mutating func reserve(_ more: Int) {
        precondition(more >= 0)
        let needed = count + more
        guard needed > capacity else { return }
        let grown = max(needed, capacity * 2, 64)
        guard let memory = realloc(base, grown) else {
            fatalError("out of memory: \(grown) bytes")
        }
        base = memory.assumingMemoryBound(to: UInt8.self)
        capacity = grown
    }

    /// Writes through `fill`, which gets at least `room` bytes of memory and says how many it used.
    public mutating func append(
        room: Int, _ fill: (UnsafeMutablePointer<UInt8>, Int) -> Int
    ) {
        reserve(room)
        guard let base else { return }
        let used = fill(base + count, capacity - count)
        precondition(used >= 0 && used <= capacity - count)
        count += used
    }

    /// Appends a copy of `bytes`.
    public mutating func append(_ bytes: ByteSlice) {
        guard bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base.unsafelyUnwrapped + count, bytes.base, bytes.count)
        count += bytes.count
    }

    /// Appends a literal.
    public mutating func append(_ literal: StaticString) { append(ByteSlice(literal)) }

    /// Appends the UTF-8 of `text`.
    public mutating func append(_ text: String) {
        reserve(text.utf8.count)
        text.withByteSlice { append($0) }
    }

    /// Appends one byte.
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.unsafelyUnwrapped[count] = byte
        count += 1
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
        var rest = value
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        reserve(digits)
        rest = value
        let start = base.unsafelyUnwrapped + count
        var index = digits
        repeat {
            index -= 1
            start[index] = ASCII.zero + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while index > 0
        count += digits
    }

    /// Appends `value` in lower-case hexadecimal digits without leading zeros.
    public mutating func append(hex value: Int) {
        precondition(value >= 0)
        let bits = Int.bitWidth - value.leadingZeroBitCount
        let digits = max(1, (bits + 3) / 4)
        reserve(digits)
        let start = base.unsafelyUnwrapped + count
        for index in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: value >> ((digits - 1 - index) * 4)) & 0xF
            start[index] = nibble < 10 ? ASCII.zero + nibble : 0x61 + nibble - 10
        }
        count += digits
    }

    /// Overwrites the bytes at `offset`, which must all have been written.
    public mutating func overwrite(at offset: Int, with bytes: ByteSlice) {
        precondition(offset >= 0 && offset + bytes.count <= count)
        guard bytes.count > 0 else { return }
        memcpy(base.unsafelyUnwrapped + offset, bytes.base, bytes.count)
    }

    /// Forgets the first `length` bytes and moves the rest to the front.
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= count)
        guard length > 0 else { return }
        count -= length
        if count > 0, let base { memmove(base, base + length, count) }
    }

    /// Forgets everything behind the first `length` bytes.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count)
        count = length
    }

    /// Forgets all bytes and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Forgets all bytes and gives the memory back.
    public mutating func release() {
        free(base)
        base = nil
        count = 0
        capacity = 0
    }

    /// A copy as text. For messages and tests.
    public var string: String { slice.string }

    /// A copy as an array. For tests.
    public var array: [UInt8] { Array(slice.raw) }
}
