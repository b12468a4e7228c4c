// JSONUnescape.swift — the inside of a JSON string as the text it stands for.
// Touches the buffer it is given. Its input has been validated by JSONScanner, which is why there
// is nothing to refuse here. Imported by whoever reads a string out of a scanned document.

import ReactorCore

extension ByteBuffer {
    /// Appends the characters that `text`, the validated inside of a JSON string, stands for.
    package mutating func append(jsonUnescaping text: ByteSlice) {
        var rest = text
        while let escape = rest.firstIndex(of: ASCII.backslash) {
            append(rest.prefix(escape))
            rest = rest.dropFirst(escape + 1)
            let letter = rest[0]
            rest = rest.dropFirst(1)
            switch letter {
            case UInt8(ascii: "b"): append(0x08 as UInt8)
            case UInt8(ascii: "f"): append(0x0C as UInt8)
            case UInt8(ascii: "n"): append(ASCII.lf)
            case UInt8(ascii: "r"): append(ASCII.cr)
            case UInt8(ascii: "t"): append(ASCII.tab)
            case UInt8(ascii: "u"): append(scalar: Self.scalar(of: &rest))
            default: append(letter)
            }
        }
        append(rest)
    }

    /// One code point behind `\u`: four digits, and four more behind a second `\u` for the rest of
    /// a surrogate pair.
    private static func scalar(of rest: inout ByteSlice) -> UInt32 {
        let first = fourDigits(of: &rest)
        guard first & 0xFC00 == 0xD800 else { return first }
        rest = rest.dropFirst(2)
        let second = fourDigits(of: &rest)
        return 0x10000 + (first & 0x3FF) << 10 + second & 0x3FF
    }

    private static func fourDigits(of rest: inout ByteSlice) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<4 {
            guard let digit = ASCII.hexValue(rest[index]) else {
                preconditionFailure("unescaping a string that was not validated")
            }
            value = value << 4 | UInt32(digit)
        }
        rest = rest.dropFirst(4)
        return value
    }

    private mutating func append(scalar: UInt32) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | (scalar >> shift) & 0x3F) }
        switch scalar {
        case ..<0x80:
            append(UInt8(scalar))
        case ..<0x800:
            append(UInt8(0xC0 | scalar >> 6))
            append(tail(0))
        case ..<0x10000:
            append(UInt8(0xE0 | scalar >> 12))
            append(tail(6))
            append(tail(0))
        default:
            append(UInt8(0xF0 | scalar >> 18))
            append(tail(12))
            append(tail(6))
            append(tail(0))
        }
    }
}
