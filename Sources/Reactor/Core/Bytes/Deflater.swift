// Deflater.swift — bytes as gzip data, whole pieces at once. Touches CUV for zlib only. For bodies that
// are sent to servers which want them small.

import CUV

/// Encodes one gzip member (RFC 1952).
///
/// It is quick rather than small (level 1): who compresses holds the loop meanwhile, and text of JSON
/// shrinks to a tenth all the same.
public struct Deflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    /// An encoder at the start of a member. It takes 256 KiB while it lives.
    public init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for gzip's own head.
        let code = deflateInit2_(
            stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "deflateInit2 failed: \(code)")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Encodes `bytes`; what is ready is appended to `output`.
    public func deflate(_ bytes: ByteSlice, into output: inout ByteBuffer) {
        guard !bytes.isEmpty else { return }
        run(bytes, Z_NO_FLUSH, &output)
    }

    /// Appends what is left and the member's end. Once.
    public func finish(into output: inout ByteBuffer) { run(.empty, Z_FINISH, &output) }

    private func run(_ bytes: ByteSlice, _ flush: Int32, _ output: inout ByteBuffer) {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.base)
        stream.pointee.avail_in = UInt32(bytes.count)
        let room = 16 * 1024
        repeat {
            output.append(room: room) { memory, count in
                stream.pointee.next_out = memory
                stream.pointee.avail_out = UInt32(count)
                let code = CUV.deflate(stream, flush)
                precondition(
                    code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR,
                    "deflate failed: \(code)")
                return count - Int(stream.pointee.avail_out)
            }
        } while stream.pointee.avail_out == 0
    }
}
