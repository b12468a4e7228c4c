// NewKey.swift — keys for clients, and their hashes. Pure but for `random`.

import GatewayModel
import ReactorCore

/// A key that was made here.
package enum NewKey {
    package static let randomBytes = 32
    package static let prefix = "sk-gw-"

    /// A key from 32 random bytes: letters, digits, `-` and `_` behind `prefix`.
    package static func text(from random: ByteSlice) -> String {
        precondition(random.count == randomBytes)
        var buffer = ByteBuffer()
        buffer.append(prefix)
        Base64.url.encode(random, into: &buffer)
        return buffer.string
    }

    package static func random() -> String {
        withUnsafeTemporaryAllocation(byteCount: randomBytes, alignment: 1) { memory in
            SecureRandom.fill(memory)
            return text(from: ByteSlice(UnsafeRawBufferPointer(memory)))
        }
    }

    /// What `auth.keys` wants as `sha256`.
    package static func hash(of key: String) -> String {
        key.withByteSlice { SHA256Digest(of: $0).description }
    }

    /// Why nobody could present it in a header; nil if somebody can.
    package static func fault(in key: String) -> String? {
        if key.isEmpty { return "the key is empty" }
        let isVisible = key.utf8.allSatisfy { ASCII.isVisible($0) }
        return isVisible ? nil : "the key holds a space or another character that no key can hold"
    }
}
