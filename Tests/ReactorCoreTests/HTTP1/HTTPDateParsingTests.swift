import ReactorCore
import Testing

@Suite struct HTTPDateParsingTests {
    @Test func readsWhatIsWritten() {
        for seconds in stride(from: 0, to: 4_300_000_000, by: 9_876_543) {
            var text = ByteBuffer()
            HTTPDate.append(secondsSince1970: seconds, to: &text)
            #expect(HTTPDate.parse(text.slice) == seconds)
            let dashed = Array(text.string).enumerated().map { index, character in
                index == 7 || index == 11 ? "-" : character
            }
            #expect(String(dashed).withByteSlice { HTTPDate.parse($0) } == seconds)
        }
    }

    @Test(
        arguments: [
            "", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nop 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06-Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:-1:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
        ])
    func refusesAnythingElse(_ text: String) {
        #expect(text.withByteSlice { HTTPDate.parse($0) } == nil)
    }
}
