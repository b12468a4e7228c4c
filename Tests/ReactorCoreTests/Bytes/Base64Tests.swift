import ReactorCore
import Testing

@Suite struct Base64Tests {
    private func encode(_ alphabet: Base64, _ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes { alphabet.encode(ByteSlice($0), into: &buffer) }
        #expect(buffer.count == alphabet.encodedCount(of: bytes.count))
        return buffer.string
    }

    private func decode(_ alphabet: Base64, _ text: String) -> [UInt8]? {
        var buffer = ByteBuffer()
        buffer.append("x" as StaticString)
        let isDecoded = text.withByteSlice { alphabet.decode($0, into: &buffer) }
        #expect(isDecoded || buffer.count == 1)
        return isDecoded ? Array(buffer.array.dropFirst()) : nil
    }

    /// RFC 4648, section 10.
    @Test(
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ])
    func knowsTheExamples(_ plain: String, _ text: String) {
        let bytes = Array(plain.utf8)
        #expect(encode(.standard, bytes) == text)
        #expect(decode(.standard, text) == bytes)
        let unpadded = String(text.filter { $0 != "=" })
        #expect(encode(.url, bytes) == unpadded)
        #expect(decode(.url, unpadded) == bytes)
    }

    @Test func theAlphabetsDifferInTwoLetters() {
        let bytes: [UInt8] = [0xFB, 0xEF, 0xFF]
        #expect(encode(.standard, bytes) == "++//")
        #expect(encode(.url, bytes) == "--__")
        #expect(decode(.standard, "--__") == nil)
        #expect(decode(.url, "++//") == nil)
    }

    @Test func everyByteGoesThereAndBack() {
        for count in 0...258 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(decode(.url, encode(.url, bytes)) == bytes)
            #expect(decode(.standard, encode(.standard, bytes)) == bytes)
        }
    }

    @Test(
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm=v", "Zh==", "Zm9=", "Zm9v\n", "Zm 9",
        ])
    func refusesWhatIsNotTheEncoding(_ text: String) {
        #expect(decode(.standard, text) == nil)
    }

    @Test(arguments: ["Z", "Zh", "Zm9", "Zg==", "Zm9v=", "Zm9vY", "Zm\u{0}v"])
    func refusesWhatIsNotTheUnpaddedEncoding(_ text: String) {
        #expect(decode(.url, text) == nil)
    }
}
