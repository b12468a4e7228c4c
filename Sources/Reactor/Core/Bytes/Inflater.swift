// Inflater.swift — gzip and zlib data as a machine: compressed bytes in, plain bytes out, bounded.
// Touches CUV for zlib only. For answers that come compressed though nobody asked for it.

import CUV

/// Decodes one gzip (RFC 1952) or zlib (RFC 1950) stream, told apart by its first bytes.
public final class Inflater {
    /// Why decoding cannot go on.
    public enum Failure: Error, Equatable, Sendable {
        /// The data is not what it says, or goes on behind its end.
        case malformed
        /// It grows more than a thousandfold: made to fill memory.
        case tooDense
    }

    /// Plain bytes allowed per compressed one, beyond a first mebibyte.
    static let ratioMax = 1032
    private static let slack = 1 << 20

    private var stream = z_stream()
    private var input = 0
    private var output = 0
    /// Whether the end of the stream and its checksum have been read.
    public private(set) var isFinished = false

    /// A decoder at the start of a stream.
    public init() {
        // 15 bits of window, and 32 to detect the format.
        let code = inflateInit2_(
            &stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "inflateInit2 failed: \(code)")
    }

    deinit { inflateEnd(&stream) }

    /// Decodes `bytes`, handing plain bytes to `body` in pieces that are valid during its call.
    public func inflate(_ bytes: ByteSlice, _ body: (ByteSlice) -> Void) throws(Failure) {
        guard !bytes.isEmpty else { return }
        guard !isFinished else { throw .malformed }
        input += bytes.count
        stream.next_in = UnsafeMutablePointer(mutating: bytes.base)
        stream.avail_in = UInt32(bytes.count)
        let piece = UnsafeMutablePointer<UInt8>.allocate(capacity: 16 * 1024)
        defer { piece.deallocate() }
        repeat {
            stream.next_out = piece
            stream.avail_out = 16 * 1024
            let code = CUV.inflate(&stream, Z_NO_FLUSH)
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                throw .malformed
            }
            let count = 16 * 1024 - Int(stream.avail_out)
            output += count
            guard output <= input * Self.ratioMax + Self.slack else { throw .tooDense }
            if count > 0 { body(ByteSlice(UnsafePointer(piece), count: count)) }
            if code == Z_STREAM_END {
                isFinished = true
                guard stream.avail_in == 0 else { throw .malformed }
                return
            }
            if code == Z_BUF_ERROR { return }
        } while stream.avail_in > 0 || stream.avail_out == 0
    }
}
