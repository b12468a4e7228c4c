// RequestID.swift — names of requests: made here, or the client's own where it is a sane one.
// Pure; the generator is handed in. Imported by whoever begins a request.

import ReactorCore

package enum RequestID {
    /// How long a client's own id may be.
    package static let bytesMax = 128
    /// The length of an id made here.
    package static let bytesMade = 36

    /// Appends `req_` and 32 hexadecimal digits.
    @inlinable
    package static func append(
        to buffer: inout ByteBuffer, using generator: inout some RandomNumberGenerator
    ) {
        append(generator.next(), generator.next(), to: &buffer)
    }

    /// Appends `req_` and the digits of 128 random bits.
    @usableFromInline
    package static func append(_ high: UInt64, _ low: UInt64, to buffer: inout ByteBuffer) {
        buffer.append("req_" as StaticString)
        buffer.append(hexWord: high)
        buffer.append(hexWord: low)
    }

    /// Whether a client's id may be echoed, logged and sent on: 1 to 128 of `A-Za-z0-9._:-`.
    package static func isSane(_ id: ByteSlice) -> Bool {
        guard id.count > 0, id.count <= bytesMax else { return false }
        for index in 0..<id.count {
            let byte = id[index]
            if ASCII.isDigit(byte) || ASCII.isLetter(byte) { continue }
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"):
                continue
            default: return false
            }
        }
        return true
    }
}
