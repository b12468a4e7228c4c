// ProcessLink.swift — the line between the supervisor and one worker: frames over a socket pair.
// That one side is gone is heard by the other as the end of the stream.
//
//     frame   kind (1 byte), length of the payload (4 bytes, little-endian), payload

import CUV
import Glibc
import ReactorCore

/// What supervisor and workers tell each other.
enum LinkMessage: UInt8 {
    // To a worker.
    /// The payload that workers are set up with; the first frame, and then a new one to take.
    case payload = 1
    case replaced = 2
    case stopped = 3
    case stoppedAtOnce = 4
    // To the supervisor.
    case ready = 16
    case leaving = 17
    case reloaded = 18
    case refused = 19

    init(_ manner: LeaveManner) {
        switch manner {
        case .replaced: self = .replaced
        case .stopped: self = .stopped
        case .atOnce: self = .stoppedAtOnce
        }
    }
}

/// One end of the line, on a loop.
final class ProcessLink {
    /// A payload that is longer is a mistake.
    static let payloadBytesMax = 64 * 1024 * 1024
    private static let headBytes = 5

    private unowned(unsafe) let loop: EventLoop
    private let descriptor: Int32
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private var output = ByteBuffer()
    private var input = ByteBuffer()
    private var received: ((LinkMessage, ByteSlice) -> Void)?
    private var ended: (() -> Void)?
    private(set) var isClosed = false

    /// Owns `descriptor`. `received` and `ended` run within a turn.
    init(
        _ loop: EventLoop, descriptor: Int32, received: @escaping (LinkMessage, ByteSlice) -> Void,
        ended: @escaping () -> Void
    ) {
        self.loop = loop
        self.descriptor = descriptor
        self.received = received
        self.ended = ended
        handle = .allocate(capacity: 1)
        // Sets the descriptor non-blocking.
        let code = uv_poll_init(loop.uv, handle, descriptor)
        precondition(code == 0, "uv_poll_init failed: \(code)")
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        watch()
    }

    /// A connected pair: the supervisor's end, and the one to be inherited.
    static func pair() throws(SystemFailure) -> (own: Int32, inherited: Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw SystemFailure("making a socket pair", errno)
        }
        defer { ends.forEach { Glibc.close($0) } }
        let own = try InheritedDescriptor.lift(ends[0])
        do throws(SystemFailure) {
            return (own, try InheritedDescriptor.lift(ends[1]))
        } catch {
            Glibc.close(own)
            throw error
        }
    }

    /// Reads one frame, waiting for it. Nil if the other side is gone or talks nonsense.
    static func readFrame(_ descriptor: Int32) -> (LinkMessage, [UInt8])? {
        var head = [UInt8](repeating: 0, count: headBytes)
        guard readWhole(descriptor, &head), let kind = LinkMessage(rawValue: head[0]) else {
            return nil
        }
        let count = head[1...4].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= payloadBytesMax else { return nil }
        var payload = [UInt8](repeating: 0, count: count)
        guard readWhole(descriptor, &payload) else { return nil }
        return (kind, payload)
    }

    private static func readWhole(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.unsafelyUnwrapped + done, $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    func send(_ message: LinkMessage, payload: ByteSlice = .empty) {
        // A worker that reads nothing is killed in the end; until then nothing piles up for it.
        guard !isClosed, output.count <= Self.payloadBytesMax else { return }
        precondition(payload.count <= Self.payloadBytesMax, "the payload is too long")
        output.append(message.rawValue)
        for shift in [0, 8, 16, 24] {
            output.append(UInt8(truncatingIfNeeded: payload.count >> shift))
        }
        output.append(payload)
        flush()
        watch()
    }

    private func watch() {
        guard !isClosed else { return }
        var events = Int32(UV_READABLE.rawValue)
        if !output.isEmpty { events |= Int32(UV_WRITABLE.rawValue) }
        uv_poll_start(handle, events) { handle, status, events in
            Unmanaged<ProcessLink>.fromOpaque(handle.unsafelyUnwrapped.pointee.data)
                ._withUnsafeGuaranteedRef { link in
                    link.loop.withTurn { link.polled(status, events) }
                }
        }
    }

    private func polled(_ status: Int32, _ events: Int32) {
        guard status == 0 else { return end() }
        if events & Int32(UV_WRITABLE.rawValue) != 0 {
            flush()
            watch()
        }
        if events & Int32(UV_READABLE.rawValue) != 0 { readSome() }
    }

    private func flush() {
        while !output.isEmpty, !isClosed {
            let count = Glibc.send(
                descriptor, output.slice.base, output.count, Int32(MSG_NOSIGNAL))
            if count > 0 {
                output.removeFirst(count)
            } else if errno != EINTR {
                // Full: later. Broken: the end is read.
                if errno != EAGAIN { output.removeAll() }
                return
            }
        }
    }

    private func readSome() {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return end() }
        chunk.withUnsafeBytes { input.append(ByteSlice($0).prefix(count)) }
        while !isClosed, input.count >= Self.headBytes {
            let head = input.slice
            let length = (1...4).reversed().reduce(0) { $0 << 8 | Int(head[$1]) }
            guard let kind = LinkMessage(rawValue: head[0]), length <= Self.payloadBytesMax else {
                return end()
            }
            guard input.count >= Self.headBytes + length else { return }
            received?(kind, head.dropFirst(Self.headBytes).prefix(length))
            input.removeFirst(Self.headBytes + length)
        }
    }

    private func end() {
        let ended = self.ended
        close()
        ended?()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        received = nil
        ended = nil
        uv_poll_stop(handle)
        uv_close(cuv_poll_handle(handle)) { handle in
            guard let data = handle?.pointee.data else { return }
            let link = Unmanaged<ProcessLink>.fromOpaque(data)
            link._withUnsafeGuaranteedRef {
                Glibc.close($0.descriptor)
                $0.handle.deallocate()
            }
            link.release()
        }
    }
}
