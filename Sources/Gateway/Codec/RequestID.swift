// RequestID.swift — ids of requests: made here, or taken over from a client that sends a sane one.

import ReactorCore

/// Ids as `x-request-id` carries them.
package enum RequestID {
    /// Bytes of a client's id that is taken over, at most.
    package static let byteCountMax = 128

    /// Whether a client's id can be echoed and logged as it is: 1 to 128 of `A-Za-z0-9._:-`.
    package static func isSane(_ id: ByteSlice) -> Bool {
        guard (1...byteCountMax).contains(id.count) else { return false }
        for index in 0..<id.count {
            let byte = id[index]
            if ASCII.isDigit(byte) || ASCII.isLetter(byte) { continue }
            switch byte {
            case 0x2D, 0x2E, 0x3A, 0x5F: continue
            default: return false
            }
        }
        return true
    }

    /// Appends `req_` and the 32 hexadecimal digits of two draws.
    package static func append(_ high: UInt64, _ low: UInt64, to buffer: inout ByteBuffer) {
        buffer.append("req_" as StaticString)
        for draw in [high, low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let nibble = UInt8(truncatingIfNeeded: draw >> UInt64(shift)) & 0xF
                buffer.append(nibble < 10 ? ASCII.zero + nibble : 0x61 + nibble - 10)
            }
        }
    }
}
