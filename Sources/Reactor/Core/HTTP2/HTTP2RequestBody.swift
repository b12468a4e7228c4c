// HTTP2RequestBody.swift — a request's body on its way into DATA frames.

/// Owns a message and hands out its body in pieces.
final class HTTP2RequestBody {
    private let message: ByteBuffer
    private var sent: Int

    init(_ message: consuming ByteBuffer, from start: Int) {
        self.message = message
        sent = start
    }

    /// Copies the next bytes, at most `room`.
    /// - Returns: how many, and whether they were the last.
    func next(into memory: UnsafeMutablePointer<UInt8>, room: Int) -> (count: Int, isLast: Bool) {
        let bytes = message.slice.dropFirst(sent).prefix(min(room, message.count - sent))
        memory.update(from: bytes.base, count: bytes.count)
        sent += bytes.count
        return (bytes.count, sent == message.count)
    }
}
