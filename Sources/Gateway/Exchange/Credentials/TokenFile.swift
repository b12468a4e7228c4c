// TokenFile.swift — a token in a file that outlives the process and that all workers share. Opens,
// locks and renames small local files and waits for none of it. Imported by TokenSource.
//
// Invariants: nobody but us can read the file (0600) at any moment; it is replaced as a whole, so a
// reader finds the old token or the new one; only who holds the lock writes.

import GatewayCodec
import GatewayModel
import GatewayWire
import Glibc
import ReactorCore

/// One credential's file.
package final class TokenFile {
    /// Bytes of a file that is read.
    static let bytesMax = 256 << 10

    /// What became of trying to lock.
    package enum LockOutcome: Equatable {
        case taken
        /// Another process, or another file object of this one, has it.
        case busy
        /// There is no locking here: why.
        case unavailable(String)
    }

    private let path: String
    private let identity: String
    /// The locked file; below 0 while there is none. Not the token's own, which is replaced.
    private var lockDescriptor: Int32 = -1

    /// - Parameters:
    ///   - directory: an existing one.
    ///   - identity: whose tokens these are; the file's are ignored if they are another's.
    package init(directory: String, name: String, identity: SHA256Digest) {
        path = "\(directory)/\(name)"
        self.identity = identity.description
    }

    deinit { unlock() }

    // MARK: Lock

    package var isLocked: Bool { lockDescriptor >= 0 }

    /// Takes the lock if nobody has it. The kernel gives it back when its holder dies.
    package func lock() -> LockOutcome {
        precondition(!isLocked, "a token file was locked twice")
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

    /// The token in the file: nil if there is none, it is another's, or the file is not as we write
    /// it, is readable by others, or no file.
    package func read() -> AccessToken? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o077 == 0, status.st_uid == geteuid(),
            (1...Self.bytesMax).contains(Int(status.st_size))
        else { return nil }
        var bytes = ByteBuffer()
        // One byte more than there should be: a file that has grown is not read in part.
        bytes.append(room: Int(status.st_size) + 1) { memory, _ in
            max(0, Glibc.read(descriptor, memory, Int(status.st_size) + 1))
        }
        guard bytes.count == Int(status.st_size) else { return nil }
        return decode(bytes.slice)
    }

    private func decode(_ bytes: ByteSlice) -> AccessToken? {
        guard let tree = try? JSONArena().read(bytes, depthMax: 8),
            let owner = tree.root[TokenFileWire.identity]?.string,
            identity.withByteSlice({ $0 == owner }),
            let secret = tree.root[TokenFileWire.accessToken]?.string, !secret.isEmpty,
            secret.raw.allSatisfy(ASCII.isVisible),
            let createdAt = tree.root[TokenFileWire.createdAt]?.int,
            let expiresAt = tree.root[TokenFileWire.expiresAt]?.int,
            // No arithmetic with them can overflow.
            (0...1 << 40).contains(createdAt), (createdAt...1 << 40).contains(expiresAt)
        else { return nil }
        let host = tree.root[TokenFileWire.apiHost]?.string?.string
        if let host, host.isEmpty || !host.utf8.allSatisfy(Self.mayBeInHost) { return nil }
        return AccessToken(
            secret: Secret(secret), createdAt: createdAt, expiresAt: expiresAt, apiHost: host)
    }

    private static func mayBeInHost(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || ".-:[]".utf8.contains(byte)
    }

    // MARK: Writing

    /// Replaces the file. The lock must be held. Returns why not, if it cannot.
    package func write(_ token: AccessToken) -> String? {
        precondition(isLocked, "a token file was written without its lock")
        return writeAside(token) ?? publish()
    }

    /// Writes the file that `publish` then puts into its place. It has a fixed name: one that a
    /// process left when it died is overwritten by the next.
    package func writeAside(_ token: AccessToken) -> String? {
        var json = ByteBuffer()
        json.writeJSON { json in
            json.beginObject()
            token.secret.withBytes { json.field(TokenFileWire.accessToken, $0) }
            json.field(TokenFileWire.createdAt, token.createdAt)
            json.field(TokenFileWire.expiresAt, token.expiresAt)
            if let host = token.apiHost { json.field(TokenFileWire.apiHost, text: host) }
            json.field(TokenFileWire.identity, text: identity)
            json.endObject()
        }
        json.append(ASCII.lf)
        // Made anew, so that it has these rights whatever was there.
        unlink(aside)
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return StateDirectory.text(errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, json.slice.base, json.count) == json.count else {
            let code = errno
            unlink(aside)
            return StateDirectory.text(code)
        }
        return nil
    }

    package func publish() -> String? {
        rename(aside, path) == 0 ? nil : StateDirectory.text(errno)
    }

    private var aside: String { path + ".new" }
}
