// BufferPool.swift — memory of output buffers that goes round within one loop.

/// A bounded stack of buffer memory, last in, first out so that what is handed out is in cache.
///
/// A connection holds memory only while it has something to send.
public struct BufferPool: ~Copyable {
    private var slots: UnsafeMutablePointer<ByteBuffer>
    private var count = 0
    private let capacity: Int
    private let bufferBytesMax: Int

    /// Keeps at most `capacity` buffers of at most `bufferBytesMax` bytes each.
    public init(capacity: Int = 64, bufferBytesMax: Int = 128 * 1024) {
        self.capacity = capacity
        self.bufferBytesMax = bufferBytesMax
        slots = .allocate(capacity: capacity)
    }

    deinit {
        slots.deinitialize(count: count)
        slots.deallocate()
    }

    /// An empty buffer with some memory of its own, from the pool or new.
    public mutating func take() -> ByteBuffer {
        guard count > 0 else { return ByteBuffer(capacity: 4096) }
        count -= 1
        return (slots + count).move()
    }

    /// Frees the memory of all buffers but `kept` of ordinary size, which the next requests take.
    public mutating func releaseMemory(keeping kept: Int = 4) {
        var ordinary = 0
        for index in 0..<count {
            let buffer = (slots + index).move()
            guard ordinary < kept, buffer.capacity <= Self.ordinaryBytesMax else { continue }
            (slots + ordinary).initialize(to: buffer)
            ordinary += 1
        }
        count = ordinary
    }

    /// What one request needs.
    private static let ordinaryBytesMax = 16 * 1024

    /// Takes `buffer`'s memory back, or frees it where the pool is full or it has grown too large.
    public mutating func give(_ buffer: consuming ByteBuffer) {
        guard count < capacity, buffer.capacity > 0, buffer.capacity <= bufferBytesMax else {
            return
        }
        buffer.removeAll()
        (slots + count).initialize(to: buffer)
        count += 1
    }
}
