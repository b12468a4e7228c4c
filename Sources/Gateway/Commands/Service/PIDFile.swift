// PIDFile.swift — the file that says which process serves: its id in the first line, its URL in the
// second once it listens. The process holds a lock on it, so that a file which was left behind is
// told from one that is meant.

import Glibc
import ReactorCore

/// What is written in a PID file.
package struct PIDRecord: Equatable, Sendable {
    package var process: Int32
    /// Nil: it does not listen yet.
    package var url: String?

    package init(process: Int32, url: String? = nil) {
        self.process = process
        self.url = url
    }

    /// Nil where the first line is no process id.
    package init?(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let process = Int32(first), process > 0 else { return nil }
        self.process = process
        url = lines.count > 1 && !lines[1].isEmpty ? String(lines[1]) : nil
    }

    package var text: String { "\(process)\n" + (url.map { $0 + "\n" } ?? "") }
}

/// Why a PID file cannot be had.
package struct PIDFileFailure: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// A PID file that this process holds.
package final class PIDFile {
    package enum State: Equatable {
        case none
        /// Left behind by a process that is gone.
        case stale(PIDRecord?)
        case running(PIDRecord)
    }

    private static let bytesMax = 4096

    package let path: String
    private var descriptor: Int32

    /// Takes the file, makes it where it is missing, and writes this process's id. Throws if another
    /// process holds it.
    package init(taking path: String) throws(PIDFileFailure) {
        self.path = path
        var tries = 0
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard file >= 0 else { throw Self.failure(path, "cannot be opened") }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                defer { close(file) }
                let id = Self.read(file).map { " (process \($0.process))" } ?? ""
                throw PIDFileFailure(description: "\(path) is held: it runs already\(id)")
            }
            // Its holder may have taken the file away between the two calls.
            if Self.isSame(file, path) {
                descriptor = file
                break
            }
            close(file)
            tries += 1
            guard tries < 100 else { throw Self.failure(path, "changes all the time") }
        }
        try write(PIDRecord(process: getpid()))
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// It listens now.
    package func listening(at url: String) throws(PIDFileFailure) {
        try write(PIDRecord(process: getpid(), url: url))
    }

    private func write(_ record: PIDRecord) throws(PIDFileFailure) {
        let bytes = Array(record.text.utf8)
        // A reader sees the old text or the new one: both begin with the same line.
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count,
            ftruncate(descriptor, bytes.count) == 0
        else { throw Self.failure(path, "cannot be written") }
    }

    /// Takes the file away.
    package func remove() {
        guard descriptor >= 0 else { return }
        unlink(path)
        close(descriptor)
        descriptor = -1
    }

    // MARK: Looking

    package static func look(_ path: String) throws(PIDFileFailure) -> State {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return .none }
            throw failure(path, "cannot be read")
        }
        defer { close(file) }
        if flock(file, LOCK_SH | LOCK_NB) == 0 { return .stale(read(file)) }
        guard errno == EWOULDBLOCK else { throw failure(path, "cannot be locked") }
        // Held, and nothing in it yet: it is being started.
        return .running(read(file) ?? PIDRecord(process: 0))
    }

    private static func read(_ file: Int32) -> PIDRecord? {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = pread(file, &bytes, bytes.count, 0)
        return count > 0 ? PIDRecord(Array(bytes[..<count])) : nil
    }

    private static func isSame(_ file: Int32, _ path: String) -> Bool {
        var open = stat()
        var named = stat()
        return fstat(file, &open) == 0 && stat(path, &named) == 0 && open.st_ino == named.st_ino
            && open.st_dev == named.st_dev
    }

    private static func failure(_ path: String, _ what: String) -> PIDFileFailure {
        PIDFileFailure(description: "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
