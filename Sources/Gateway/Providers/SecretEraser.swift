// SecretEraser.swift — takes a provider's credential out of what the provider says.
// Pure; allocates, for errors are rare. Imported by Exchange, for errors inside an answer.

import GatewayModel
import ReactorCore

/// Takes a credential, and what is left of one in a masked quotation, out of a text.
package enum SecretEraser {
    /// So many first bytes of a credential are taken for it.
    private static let prefixBytes = 8
    /// So many last ones, behind asterisks or dots.
    private static let suffixBytes = 4

    /// A failure whose words came from an upstream, without `secret` in any of them.
    package static func erase(_ secret: Secret, from failure: Failure) -> Failure {
        var clean = failure
        clean.message = erase(secret, from: failure.message)
        clean.parameter = failure.parameter.map { erase(secret, from: $0) }
        clean.reportedType = failure.reportedType.map { erase(secret, from: $0) }
        clean.reportedCode = failure.reportedCode.map { erase(secret, from: $0) }
        return clean
    }

    /// A text without `secret` in it.
    package static func erase(_ secret: Secret, from text: String) -> String {
        secret.withBytes { key in
            guard key.count > 0 else { return text }
            return text.withByteSlice { erase(key, from: $0) }
        }
    }

    /// Words are what stands between white space, quotes and brackets; a word that holds a part
    /// of the credential is replaced as a whole.
    private static func erase(_ key: ByteSlice, from text: ByteSlice) -> String {
        var plain = ByteBuffer(capacity: text.count)
        var index = 0
        while index < text.count {
            if text.dropFirst(index).starts(with: key) {
                plain.append("***" as StaticString)
                index += key.count
                continue
            }
            guard isWord(text[index]) else {
                plain.append(text[index])
                index += 1
                continue
            }
            var end = index
            // A credential may hold bytes that end a word: it is looked for at each place.
            while end < text.count, isWord(text[end]), !text.dropFirst(end).starts(with: key) {
                end += 1
            }
            let word = text[index..<end]
            if betrays(key, word) {
                plain.append("***" as StaticString)
            } else {
                plain.append(word)
            }
            index = end
        }
        return plain.string
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
            UInt8(ascii: "}"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ","),
            UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: "="):
            false
        default: byte > ASCII.space && byte != 0x7F
        }
    }

    private static func betrays(_ key: ByteSlice, _ word: ByteSlice) -> Bool {
        let head = key.prefix(min(prefixBytes, key.count))
        let tail = key.dropFirst(max(0, key.count - suffixBytes))
        var isMasked = false
        for index in 0..<word.count {
            let rest = word.dropFirst(index)
            if head.count >= 4, rest.starts(with: head) { return true }
            if rest.hasPrefix("**") || rest.hasPrefix("..") || rest.hasPrefix("…") {
                isMasked = true
            }
            if isMasked, rest.starts(with: tail) { return true }
        }
        return false
    }
}

extension ByteSlice {
    fileprivate func starts(with other: ByteSlice) -> Bool {
        count >= other.count && prefix(other.count) == other
    }
}
