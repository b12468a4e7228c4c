// SharedFile.swift — a small file that outlives the process and that all workers share. Opens, locks
// and renames local files and waits for none of it, unless it is asked to wait for the disk.
// Imported by TokenFile, ModelListFile and BudgetFile.
//
// Invariants: nobody but us can read the file (0600) at any moment; it is replaced as a whole, so a
// reader finds the old content or the new one; only who holds the lock writes.

import Glibc
import ReactorCore

/// One file, and the lock beside it.
package final class SharedFile {
    /// What became of trying to lock.
    package enum LockOutcome: Equatable {
        case taken
        /// Another process, or another file object of this one, has it.
        case busy
        /// There is no locking here: why.
        case unavailable(String)
    }

    private let path: String
    private let bytesMax: Int
    private let isDurable: Bool
    /// The locked file; below 0 while there is none. Not the file itself, which is replaced.
    private var lockDescriptor: Int32 = -1

    /// - Parameters:
    ///   - path: in a directory that exists when it is locked or written.
    ///   - bytesMax: of a file that is read.
    ///   - isDurable: whether writing it waits for the disk, so that it is there after a loss of power
    ///     too: for what nobody can ask for again.
    package init(path: String, bytesMax: Int, isDurable: Bool = false) {
        self.path = path
        self.bytesMax = bytesMax
        self.isDurable = isDurable
    }

    deinit { unlock() }

    // MARK: Lock

    package var isLocked: Bool { lockDescriptor >= 0 }

    /// Takes the lock if nobody has it. The kernel gives it back when its holder dies.
    package func lock() -> LockOutcome {
        precondition(!isLocked, "a shared file was locked twice")
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let descriptor = open(path + ".lock", flags, 0o600)
        guard descriptor >= 0 else { return .unavailable(StateDirectory.text(errno)) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
            lockDescriptor = descriptor
            return .taken
        }
        let code = errno
        close(descriptor)
        return code == EWOULDBLOCK || code == EINTR
            ? .busy : .unavailable(StateDirectory.text(code))
    }

    package func unlock() {
        guard isLocked else { return }
        close(lockDescriptor)
        lockDescriptor = -1
    }

    // MARK: Reading

    /// Whether there is anything of this name.
    package var exists: Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// What `decode` makes of the content: nil if there is no file, or it is readable by others, not
    /// ours, too long or no file at all.
    package func read<Content>(_ decode: (ByteSlice) -> Content?) -> Content? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o077 == 0, status.st_uid == geteuid(),
            (1...bytesMax).contains(Int(status.st_size))
        else { return nil }
        var bytes = ByteBuffer()
        // One byte more than there should be: a file that has grown is not read in part.
        bytes.append(room: Int(status.st_size) + 1) { memory, _ in
            max(0, Glibc.read(descriptor, memory, Int(status.st_size) + 1))
        }
        guard bytes.count == Int(status.st_size) else { return nil }
        return decode(bytes.slice)
    }

    // MARK: Writing

    /// Writes the file that `publish` then puts into its place. It has a fixed name: one that a
    /// process left when it died is overwritten by the next. Returns why not, if it cannot.
    package func writeAside(_ bytes: ByteSlice) -> String? {
        // Made anew, so that it has these rights whatever was there.
        unlink(aside)
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return StateDirectory.text(errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes.base, bytes.count) == bytes.count else {
            let code = errno
            unlink(aside)
            return StateDirectory.text(code)
        }
        if isDurable, fsync(descriptor) != 0 { return StateDirectory.text(errno) }
        return nil
    }

    package func publish() -> String? {
        guard rename(aside, path) == 0 else { return StateDirectory.text(errno) }
        return isDurable ? syncDirectory() : nil
    }

    /// The new name is on the disk when the directory is.
    private func syncDirectory() -> String? {
        let end = path.lastIndex(of: "/")
        let descriptor = open(
            end.map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return StateDirectory.text(errno) }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? nil : StateDirectory.text(errno)
    }

    private var aside: String { path + ".new" }
}
