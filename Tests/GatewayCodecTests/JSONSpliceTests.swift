import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONSpliceTests {
    @Test func replacesInWhateverOrder() {
        let document = ByteSlice(#"{"a":1,"b":2,"c":3}"#)
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            var splice = JSONSplice()
            for edit in order {
                switch edit {
                case 0: splice.insert(#""z":0,"#, behindBraceAt: 0)
                case 1: splice.replace(5..<6, with: .string(ByteSlice("x\"y")))
                case 2: splice.replace(11..<12, with: .raw(ByteSlice("[]")))
                default: splice.replace(17..<18, with: .raw(.empty))
                }
            }
            var buffer = ByteBuffer()
            buffer.append("> " as StaticString)
            splice.append(document, to: &buffer)
            let text = buffer.string
            #expect(text == #"> {"z":0,"a":"x\"y","b":[],"c":}"#)
        }
    }

    @Test func copiesWhatIsNotEdited() {
        var buffer = ByteBuffer()
        JSONSplice().append(ByteSlice("{ \"a\" : 1 }"), to: &buffer)
        let text = buffer.string
        #expect(text == "{ \"a\" : 1 }")
    }
}
