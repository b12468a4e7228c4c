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
