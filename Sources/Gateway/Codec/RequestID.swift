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
        buffer.append(room: 32) { memory, _ in
            let place = UnsafeMutableRawPointer(memory)
            place.storeBytes(of: digits(high >> 32), as: UInt64.self)
            place.storeBytes(of: digits(high), toByteOffset: 8, as: UInt64.self)
            place.storeBytes(of: digits(low >> 32), toByteOffset: 16, as: UInt64.self)
            place.storeBytes(of: digits(low), toByteOffset: 24, as: UInt64.self)
            return 32
        }
    }

    /// The eight hexadecimal digits of the lower half of `word`, the first at the lowest address.
    private static func digits(_ word: UInt64) -> UInt64 {
        // Each nibble into a byte of its own.
        var bytes = word & 0xFFFF_FFFF
        bytes = (bytes | bytes << 16) & 0x0000_FFFF_0000_FFFF
        bytes = (bytes | bytes << 8) & 0x00FF_00FF_00FF_00FF
        bytes = (bytes | bytes << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (bytes + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (bytes + 0x3030_3030_3030_3030 + letters * 0x27).bigEndian
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
