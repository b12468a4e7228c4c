// LogSink.swift — where log lines go: a file descriptor, written from a buffer and never waited
// for.

import Glibc
import Reactor
import ReactorCore

/// Buffers lines and writes them when there are enough or after a moment.
package final class LogSink {
    /// Bytes gathered before they are written without waiting for the timer.
    static let batchBytes = 32 * 1024
    /// Bytes that may wait for a slow reader; above it lines are dropped and counted.
    static let pendingBytesMax = 4 * 1024 * 1024
    static let delay: Duration = .milliseconds(200)
    /// PIPE_BUF: what several processes write to one pipe is kept whole up to here.
    static let atomicBytes = 4096

    private let descriptor: Int32
    private let isFile: Bool
    private unowned(unsafe) let loop: EventLoop
    private var buffer = ByteBuffer()
    private var timer: LoopTimer?
    /// Lines that were dropped because nobody took them.
    package private(set) var droppedCount = 0

    /// Writes to `descriptor`. A pipe is made non-blocking: a reader that stands still must not
    /// stop the loop.
    package init(_ loop: EventLoop, descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
        var info = stat()
        let isKnown = fstat(descriptor, &info) == 0
        isFile = isKnown && info.st_mode & S_IFMT == S_IFREG
        if isKnown, info.st_mode & S_IFMT == S_IFIFO {
            let flags = fcntl(descriptor, F_GETFL)
            _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        }
        timer = LoopTimer(loop) { [unowned(unsafe) self] in flush() }
    }

    /// Adds what `write` appends: one or more whole lines.
    package func append(_ write: (inout ByteBuffer) -> Void) {
        guard buffer.count < Self.pendingBytesMax else {
            droppedCount += 1
            return
        }
        write(&buffer)
        if buffer.count >= Self.batchBytes {
            flush()
        } else if timer?.deadline == .never {
            timer?.set(loop.now + Self.delay)
        }
    }

    /// Adds a line of the gateway's own: an event with a few fields, already encoded.
    package func line(_ text: String) {
        append {
            $0.append(text)
            $0.append(ASCII.lf)
        }
    }

    /// Writes what there is, as far as it is taken.
    package func flush() {
        while !buffer.isEmpty {
            let written = write(descriptor, buffer.slice.base, nextCount)
            if written > 0 {
                buffer.removeFirst(written)
            } else if written < 0, errno == EINTR {
                continue
            } else {
                if written < 0, errno == EAGAIN { timer?.set(loop.now + Self.delay) }
                return
            }
        }
        if buffer.capacity > 4 * Self.batchBytes { buffer.release() }
    }

    /// How much to write at once. Workers share the log: on a file each write is whole by itself,
    /// on anything else only as many whole lines as the kernel does not tear (a longer line may be).
    private var nextCount: Int {
        guard !isFile, buffer.count > Self.atomicBytes else { return buffer.count }
        let bytes = buffer.slice
        var count = Self.atomicBytes
        while count > 0, bytes[count - 1] != ASCII.lf { count -= 1 }
        if count > 0 { return count }
        return bytes.firstIndex(of: ASCII.lf).map { $0 + 1 } ?? bytes.count
    }

    /// Writes the rest and stops the timer.
    package func close() {
        flush()
        timer?.cancel()
        timer = nil
    }
}
