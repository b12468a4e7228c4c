import GatewayCodec
import GatewayWire
import ReactorCore
import Testing

@Suite struct ErrorWireTests {
    @Test func writesAllFourMembers() {
        var buffer = ByteBuffer()
        ErrorWire.append(
            message: ByteSlice("a \"b\"\n\u{1}"), type: ByteSlice("t"), parameter: nil,
            code: ByteSlice("c"), to: &buffer)
        let text = buffer.string
        #expect(
            text
                == #"{"error":{"message":"a \"b\"\n\u0001","type":"t","param":null,"code":"c"}}"#)
    }

    @Test func isValidWhateverTheBytes() throws {
        let bytes: [UInt8] = [0xFF, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x22, 0x5C, 0x00]
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes {
            let slice = ByteSlice($0)
            ErrorWire.append(
                message: slice, type: slice, parameter: slice, code: slice, to: &buffer)
        }
        let kind = try? JSONScanner.validate(buffer.slice)
        #expect(kind == .object)
    }
}
