// Base64.swift — RFC 4648: base64 with padding, and the URL-safe alphabet without.
// Pure. For signatures, tokens and binary parts; decoding is strict, so that one text means one
// run of bytes and nothing else does.

/// The two alphabets of RFC 4648 that protocols use.
public enum Base64: Sendable {
    /// Section 4: `+` and `/`, padded with `=` to a multiple of four.
    case standard
    /// Section 5: `-` and `_`, without padding.
    case url

    /// How many characters `count` bytes take.
    public func encodedCount(of count: Int) -> Int {
        switch self {
        case .standard: (count + 2) / 3 * 4
        case .url: (count * 8 + 5) / 6
        }
    }

    /// Appends `bytes` as text.
    public func encode(_ bytes: ByteSlice, into buffer: inout ByteBuffer) {
        let letters = ByteSlice(alphabet)
        buffer.reserve(encodedCount(of: bytes.count))
        var index = 0
        while index < bytes.count {
            let left = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if left > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[index + 2]) }
            for place in 0...left {
                buffer.append(letters[Int(group >> UInt32(18 - 6 * place) & 63)])
            }
            if self == .standard { for _ in left..<3 { buffer.append(0x3D as UInt8) } }
            index += 3
        }
    }

    /// Appends what `text` stands for. Returns false, and appends nothing, if it is not the one
    /// encoding of some bytes: a foreign character, a wrong length or padding, bits left over.
    public func decode(_ text: ByteSlice, into buffer: inout ByteBuffer) -> Bool {
        var letters = text
        if self == .standard {
            guard text.count % 4 == 0 else { return false }
            for _ in 0..<2 where !letters.isEmpty && letters[letters.count - 1] == 0x3D {
                letters = letters.prefix(letters.count - 1)
            }
        }
        guard letters.count % 4 != 1 else { return false }
        let start = buffer.count
        buffer.reserve(letters.count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits = 0
        for index in 0..<letters.count {
            guard let value = value(of: letters[index]) else {
                buffer.truncate(to: start)
                return false
            }
            group = (group << 6 | UInt32(value)) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                buffer.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        guard group & (1 << UInt32(bits) - 1) == 0 else {
            buffer.truncate(to: start)
            return false
        }
        return true
    }

    private var alphabet: StaticString {
        switch self {
        case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        case .url: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        }
    }

    private func value(of letter: UInt8) -> UInt8? {
        switch letter {
        case 0x41...0x5A: letter - 0x41
        case 0x61...0x7A: letter - 0x61 + 26
        case 0x30...0x39: letter - 0x30 + 52
        case 0x2B where self == .standard: 62
        case 0x2F where self == .standard: 63
        case 0x2D where self == .url: 62
        case 0x5F where self == .url: 63
        default: nil
        }
    }
}
