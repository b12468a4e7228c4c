import ReactorCore
import Testing

@Suite struct ByteBufferTests {
    @Test func writesNumbers() {
        var buffer = ByteBuffer()
        for value in [0, 9, 10, 12345, Int.max] {
            buffer.append(decimal: value)
            buffer.append(" " as StaticString)
        }
        buffer.append(decimal: .min)
        #expect(buffer.string == "0 9 10 12345 9223372036854775807 -9223372036854775808")
        buffer.removeAll()
        for value in [0, 15, 16, 0xabcdef, Int.max] {
            buffer.append(hex: value)
            buffer.append(" " as StaticString)
        }
        #expect(buffer.string == "0 f 10 abcdef 7fffffffffffffff ")
    }

    @Test func digitsOfManyNumbers() {
        var random = SeededRandom(seed: 1)
        for bits in 0..<64 {
            for _ in 0..<200 {
                let value = Int(bitPattern: UInt(random.next() >> UInt64(63 - bits)))
                var buffer = ByteBuffer()
                buffer.append(decimal: value)
                #expect(buffer.string == "\(value)")
                buffer.removeAll()
                buffer.append(hexWord: UInt64(bitPattern: Int64(value)))
                let digits = String(UInt64(bitPattern: Int64(value)), radix: 16)
                #expect(buffer.string == String(repeating: "0", count: 16 - digits.count) + digits)
            }
        }
        for value in [99_999_999, 100_000_000, 9_999_999_999_999_999, 10_000_000_000_000_000] {
            var buffer = ByteBuffer()
            buffer.append(decimal: value)
            buffer.append(decimal: -value)
            #expect(buffer.string == "\(value)-\(value)")
        }
    }

    @Test func copiesOfAFewBytesAreWhole() {
        let bytes = (0..<80).map { UInt8($0) }
        for count in 0...80 {
            var buffer = ByteBuffer()
            bytes.withUnsafeBytes { all in
                let short = ByteSlice(all).prefix(count)
                buffer.append(upTo: 82) { cursor in
                    cursor.put(0xFF)
                    cursor.put(short: short)
                    cursor.put(0xFF)
                }
            }
            #expect(buffer.array == [0xFF] + bytes[..<count] + [0xFF])
        }
    }

    @Test func removesFromTheFront() {
        var buffer = ByteBuffer()
        buffer.append("abcdef" as StaticString)
        buffer.removeFirst(2)
        #expect(buffer.string == "cdef")
        buffer.overwrite(at: 1, with: ByteSlice("XY"))
        #expect(buffer.string == "cXYf")
        buffer.removeFirst(4)
        #expect(buffer.count == 0)
    }

    @Test(
        arguments: [
            ("0", 0), ("42", 42), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
            ("", nil),
            ("+1", nil), ("1 ", nil), ("0x1", nil),
        ] as [(String, Int?)])
    func readsDecimals(_ text: String, _ value: Int?) {
        #expect(text.withByteSlice { $0.decimalValue } == value)
    }
}
