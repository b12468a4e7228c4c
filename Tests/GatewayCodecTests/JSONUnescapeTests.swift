import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONUnescapeTests {
    @Test(arguments: [
        ("", ""), ("plain é", "plain é"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#"\u0041\u00e9\u6F22\ud83d\uDE00\u0000z"#, "Aé漢😀\0z"), (#"a\u0042c\n"#, "aBc\n"),
    ])
    func reads(_ escaped: String, _ plain: String) {
        var buffer = ByteBuffer()
        escaped.withByteSlice { buffer.append(jsonUnescaping: $0) }
        let text = buffer.string
        #expect(text == plain)
    }

    /// What was escaped is read back, whatever the scalar.
    @Test func undoesTheWriter() {
        for value in stride(from: UInt32(0), to: 0x110000, by: 7) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let plain = "<\(Character(scalar))>"
            var buffer = ByteBuffer()
            plain.withByteSlice { buffer.append(jsonEscaping: $0) }
            var back = ByteBuffer()
            back.append(jsonUnescaping: buffer.slice)
            let text = back.string
            #expect(text.unicodeScalars.elementsEqual(plain.unicodeScalars), "U+\(value)")
        }
    }
}
