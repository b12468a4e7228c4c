// JSONString.swift — the text of a JSON string that has escapes. Off the hot path.

import ReactorCore

/// Unescaping (RFC 8259 section 7).
package enum JSONString {
    /// The text between a string's quotes with its escapes resolved; nil when one is broken.
    package static func unescaped(_ inside: ByteSlice) -> String? {
        var units: [UInt8] = []
        var index = 0
        func hex(_ at: Int) -> UInt32? {
            guard at + 4 <= inside.count else { return nil }
            var value: UInt32 = 0
            for offset in 0..<4 {
                guard let digit = ASCII.hexValue(inside[at + offset]) else { return nil }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
        while index < inside.count {
            let byte = inside[index]
            guard byte == ASCII.backslash else {
                units.append(byte)
                index += 1
                continue
            }
            guard index + 1 < inside.count else { return nil }
            switch inside[index + 1] {
            case ASCII.quote, ASCII.backslash, 0x2F: units.append(inside[index + 1])
            case 0x62: units.append(0x08)
            case 0x66: units.append(0x0C)
            case 0x6E: units.append(ASCII.lf)
            case 0x72: units.append(ASCII.cr)
            case 0x74: units.append(ASCII.tab)
            case 0x75:
                guard var scalar = hex(index + 2) else { return nil }
                index += 4
                if (0xD800..<0xDC00).contains(scalar), index + 3 < inside.count,
                    inside[index + 2] == ASCII.backslash, inside[index + 3] == 0x75,
                    let low = hex(index + 4), (0xDC00..<0xE000).contains(low)
                {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                    index += 6
                }
                units.append(contentsOf: Array(String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8))
            default: return nil
            }
            index += 2
        }
        return String(decoding: units, as: UTF8.self)
    }
}
