// LogSink.swift — where log lines go: a file descriptor, written from a buffer and never waited
// for.

import GatewayTelemetry
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

    /// Tells workers that are started later where the log was at first.
    package static let pathVariable = "GATEWAY_LOG_PATH"

    /// The least important lines that are written.
    package var level = LogLevel.info
    /// How lines look that are not a request's own.
    package var format = LogFormat.json

    private let descriptor: Int32
    /// Where the file is, or was when the process began; nil for anything else.
    private let path: String?
    private let isFile: Bool
    private unowned(unsafe) let loop: EventLoop
    private var buffer = ByteBuffer()
    private var timer: LoopTimer?
    /// Whether the timer is set.
    private var isAwaited = false
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
        path = isFile ? Self.path(of: descriptor) : nil
        if isKnown, info.st_mode & S_IFMT == S_IFIFO {
            let flags = fcntl(descriptor, F_GETFL)
            _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        }
        timer = LoopTimer(loop) { [unowned(unsafe) self] in
            isAwaited = false
            flush()
        }
    }

    /// Whether lines of this level are written.
    @inline(__always)
    package func takes(_ level: LogLevel) -> Bool { level >= self.level }

    /// The name that a file was opened by. One that has been renamed since is known by its first
    /// name only to those who were told.
    private static func path(of descriptor: Int32) -> String? {
        if let told = getenv(pathVariable) { return String(cString: told) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String? in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/fd/\(descriptor)", start, buffer.count - 1)
            guard count > 0 else { return nil }
            buffer[count] = 0
            return String(cString: start)
        }
    }

    /// Tells the processes that this one starts where the log is.
    package func tellChildren() {
        if let path { setenv(Self.pathVariable, path, 1) }
    }

    /// Opens the file by its name again, after somebody has moved it away.
    /// - Returns: false if it cannot be; the old one stays.
    package func reopen() -> Bool {
        flush()
        guard let path else { return true }
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        defer { Glibc.close(file) }
        return dup2(file, descriptor) >= 0
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
        } else if !isAwaited {
            wait()
        }
    }

    private func wait() {
        isAwaited = true
        timer?.set(loop.now + Self.delay)
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
                if written < 0, errno == EAGAIN { wait() }
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
