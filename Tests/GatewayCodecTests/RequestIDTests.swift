import GatewayCodec
import ReactorCore
import Testing

@Suite struct RequestIDTests {
    private struct Fixed: RandomNumberGenerator {
        var words: [UInt64]
        mutating func next() -> UInt64 { words.removeFirst() }
    }

    @Test func writesEveryBit() {
        var buffer = ByteBuffer()
        var fixed = Fixed(words: [0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210])
        RequestID.append(to: &buffer, using: &fixed)
        let text = buffer.string
        #expect(text == "req_0123456789abcdeffedcba9876543210")
        #expect(text.utf8.count == RequestID.bytesMade)
        let isSane = RequestID.isSane(buffer.slice)
        #expect(isSane)
    }

    @Test(arguments: [
        ("a", true), ("A-z_0.9:x", true), (String(repeating: "a", count: 128), true),
        (String(repeating: "a", count: 129), false), ("", false), ("a b", false), ("a\r\nx", false),
        ("é", false), ("a/b", false), ("\"", false), ("{", false),
    ])
    func judgesAClientsID(_ id: String, _ isSane: Bool) {
        #expect(id.withByteSlice { RequestID.isSane($0) } == isSane)
    }
}
