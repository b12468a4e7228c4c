// CRC32.swift — the checksum of gzip, PNG and binary event frames (ISO 3309), by zlib.
// Pure.

import CUV

/// A checksum over bytes that come in pieces.
public struct CRC32: Sendable {
    /// The checksum of what has been added so far.
    public private(set) var value: UInt32 = 0

    /// The checksum of nothing.
    public init() {}

    /// The checksum of `bytes`.
    public init(of bytes: ByteSlice) { add(bytes) }

    /// Adds the next piece.
    public mutating func add(_ bytes: ByteSlice) {
        guard bytes.count > 0 else { return }
        value = UInt32(truncatingIfNeeded: crc32_z(UInt(value), bytes.base, bytes.count))
    }
}
