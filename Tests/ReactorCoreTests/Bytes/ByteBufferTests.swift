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
