import ReactorCore
import Testing

@Suite struct EventStreamWriterTests {
    private func written(_ body: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        body(&buffer)
        return buffer.string
    }

    @Test(
        arguments: [
            ("", "{}", "data: {}\n\n"),
            ("ping", "{}", "event: ping\ndata: {}\n\n"),
            ("", "", "data: \n\n"),
            ("", "a\nb", "data: a\ndata: b\n\n"),
            ("", "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n"),
            ("", "\n\ndata: [DONE]", "data: \ndata: \ndata: data: [DONE]\n\n"),
            ("", "a\r", "data: a\ndata: \n\n"),
        ])
    func writesEvents(_ name: String, _ data: String, _ expected: String) {
        let text = written { buffer in
            name.withByteSlice { name in
                data.withByteSlice { EventStreamWriter.event(name: name, data: $0, to: &buffer) }
            }
        }
        #expect(text == expected)
    }

    @Test func writesComments() {
        #expect(written { EventStreamWriter.comment("ka", to: &$0) } == ":ka\n\n")
        #expect(written { EventStreamWriter.comment("a\r\nb", to: &$0) } == ":a\n:b\n\n")
    }
}
