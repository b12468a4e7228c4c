// ResponsesProof.swift — a provider's opaque proof of thought, as the encrypted content of a
// reasoning item, and back.
// Pure. The dialect has one opaque place; what we put there says that it is ours and whose proof it
// is, so that it goes back to the provider that made it and to no other.
//
//     proof := "gw1." kind "." provider ":" payload        kind := "s" (signature) | "r" (redacted)

import ReactorCore

/// What the encrypted content of a reasoning item holds.
enum ResponsesProof {
    case signature(ByteSlice)
    case redacted(ByteSlice)

    private static let signed: StaticString = "gw1.s."
    private static let redactedPrefix: StaticString = "gw1.r."

    /// Takes apart what `append` wrote for the same provider; nil for anything else.
    init?(_ content: ByteSlice, of provider: ByteSlice) {
        let isSigned = content.hasPrefix(Self.signed)
        guard isSigned || content.hasPrefix(Self.redactedPrefix) else { return nil }
        let rest = content.dropFirst(Self.signed.utf8CodeUnitCount)
        guard let colon = rest.firstIndex(of: ASCII.colon), rest.prefix(colon) == provider else {
            return nil
        }
        let payload = rest.dropFirst(colon + 1)
        guard !payload.isEmpty else { return nil }
        self = isSigned ? .signature(payload) : .redacted(payload)
    }

    /// Appends what comes before the payload.
    static func appendHead(
        isRedacted: Bool, of provider: ByteSlice, to buffer: inout ByteBuffer
    ) {
        buffer.append(isRedacted ? redactedPrefix : signed)
        buffer.append(provider)
        buffer.append(ASCII.colon)
    }
}
