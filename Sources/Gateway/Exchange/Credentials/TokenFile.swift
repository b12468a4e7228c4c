// TokenFile.swift — a token in a file that outlives the process and that all workers share.
// Imported by TokenSource.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One credential's file.
package final class TokenFile {
    /// Bytes of a file that is read.
    static let bytesMax = 256 << 10

    private let file: SharedFile
    private let identity: String

    /// - Parameters:
    ///   - directory: an existing one.
    ///   - identity: whose tokens these are; the file's are ignored if they are another's.
    package init(directory: String, name: String, identity: SHA256Digest) {
        file = SharedFile(path: "\(directory)/\(name)", bytesMax: Self.bytesMax)
        self.identity = identity.description
    }

    // MARK: Lock

    package var isLocked: Bool { file.isLocked }

    /// Takes the lock if nobody has it.
    package func lock() -> SharedFile.LockOutcome { file.lock() }

    package func unlock() { file.unlock() }

    // MARK: Reading

    /// The token in the file: nil if there is none, it is another's, or the file is not as we write
    /// it, is readable by others, or no file.
    package func read() -> AccessToken? { file.read(decode) }

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

    /// Writes the file that `publish` then puts into its place.
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
        return file.writeAside(json.slice)
    }

    package func publish() -> String? { file.publish() }
}
