// Inflater.swift — gzip and zlib data as a machine: compressed bytes in, plain bytes out.
// Touches CUV for zlib only. For answers that come compressed though nobody asked for it.

import CUV

/// Decodes one gzip (RFC 1952) or zlib (RFC 1950) stream, told apart by its first bytes.
///
/// Plain bytes are handed on in pieces and never gathered here, so what a dense stream may fill is
/// bounded by whoever takes them.
public final class Inflater {
    /// Why decoding cannot go on.
    public enum Failure: Error, Equatable, Sendable {
        /// The data is not what it says, or goes on behind its end.
        case malformed
    }

    private var stream = z_stream()
    /// Whether the end of the stream and its checksum have been read.
    public private(set) var isFinished = false

    /// A decoder at the start of a stream.
    public init() {
        // 15 bits of window, and 32 to detect the format.
        let code = inflateInit2_(
            &stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "inflateInit2 failed: \(code)")
    }

    /// A decoder for a content coding (RFC 9110 section 8.4.1); nil for any but these two.
    public convenience init?(coding: ByteSlice) {
        guard
            coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip")
                || coding.equalsIgnoringCase("deflate")
        else { return nil }
        self.init()
    }

    deinit { inflateEnd(&stream) }

    /// Decodes `bytes`, handing plain bytes to `body` in pieces that are valid during its call.
    public func inflate(_ bytes: ByteSlice, _ body: (ByteSlice) -> Void) throws(Failure) {
        guard !bytes.isEmpty else { return }
        guard !isFinished else { throw .malformed }
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
