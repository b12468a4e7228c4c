// ASCII.swift — the octets that protocol grammars are made of.

/// Octets by name, and the character classes of RFC 9110 and RFC 5234.
public enum ASCII {
    /// HTAB.
    public static let tab: UInt8 = 0x09
    /// LF.
    public static let lf: UInt8 = 0x0A
    /// CR.
    public static let cr: UInt8 = 0x0D
    /// SP.
    public static let space: UInt8 = 0x20
    /// `"`.
    public static let quote: UInt8 = 0x22
    /// `,`.
    public static let comma: UInt8 = 0x2C
    /// `0`.
    public static let zero: UInt8 = 0x30
    /// `:`.
    public static let colon: UInt8 = 0x3A
    /// `\\`.
    public static let backslash: UInt8 = 0x5C
    /// `{`.
    public static let openBrace: UInt8 = 0x7B
    /// `}`.
    public static let closeBrace: UInt8 = 0x7D
    /// `[`.
    public static let openBracket: UInt8 = 0x5B
    /// `]`.
    public static let closeBracket: UInt8 = 0x5D

    /// A-Z as a-z, everything else unchanged.
    @inlinable @inline(__always)
    public static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The same for eight bytes at once.
    @inlinable @inline(__always)
    public static func lowercased(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // The high bit of each byte: whether its other bits are at least A, and whether above Z.
        let rest = word & (ones &* 0x7F)
        let fromA = rest &+ (ones &* (0x80 - 0x41))
        let aboveZ = rest &+ (ones &* (0x7F - 0x5A))
        return word | ((fromA ^ aboveZ) & ~word & (ones &* 0x80)) &>> 2
    }

    /// 0-9.
    @inlinable @inline(__always)
    public static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

    /// A-Z, a-z.
    @inlinable @inline(__always)
    public static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// The value of a hexadecimal digit, or nil.
    @inlinable
    public static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - zero }
        let letter = byte | 0x20
        return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : nil
    }

    /// VCHAR: 0x21-0x7E.
    @inlinable @inline(__always)
    public static func isVisible(_ byte: UInt8) -> Bool { byte &- 0x21 < 0x5E }

    /// A character of a token (RFC 9110 section 5.6.2).
    @inlinable
    public static func isToken(_ byte: UInt8) -> Bool {
        if isDigit(byte) || isLetter(byte) { return true }
        switch byte {
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C,
            0x7E:
            return true
        default:
            return false
        }
    }
}
