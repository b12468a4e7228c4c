// ByteBuffer+Digits.swift — numbers as digits, eight at a time. Part of ByteBuffer.

extension ByteBuffer {
    /// Appends `value` in decimal digits.
    public mutating func append(decimal value: Int) { append(upTo: 24) { $0.put(decimal: value) } }

    /// Appends `value` in lower-case hexadecimal digits without leading zeros.
    public mutating func append(hex value: Int) {
        precondition(value >= 0)
        let bits = Int.bitWidth - value.leadingZeroBitCount
        let digits = max(1, (bits + 3) / 4)
        reserve(digits)
        let start = base.unsafelyUnwrapped + used
        for index in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: value >> ((digits - 1 - index) * 4)) & 0xF
            start[index] = nibble < 10 ? ASCII.zero + nibble : 0x61 + nibble - 10
        }
        used += digits
    }

    /// Appends the sixteen lower-case hexadecimal digits of `word`.
    public mutating func append(hexWord word: UInt64) {
        append(upTo: 16) { $0.put(hexWord: word) }
    }
}
