import GatewayCodec
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct ArgumentCheckerTests {
    private func check(_ text: String) -> ArgumentChecker {
        var checker = ArgumentChecker()
        text.withByteSlice { checker.take($0) }
        return checker
    }

    private func closing(_ checker: ArgumentChecker) -> String {
        var buffer = ByteBuffer()
        checker.appendClosing(to: &buffer)
        return buffer.string
    }

    @Test(arguments: [
        #"{"a":[1,2,{"b":null}],"c":"x\"y\u00e9","d":-1.5e+3,"e":true}"#, "{}", " [] ", "12", "0",
        #""é \ud83d\ude00""#, #"{"":{}}"#,
    ])
    func completeTextsAreComplete(_ text: String) {
        #expect(check(text).verdict == .complete)
        #expect(closing(check(text)) == "")
    }

    @Test func closesWhateverItIsCutAt() {
        let texts = [
            #"{"a":[1,2.5,{"b":null,"k":false}],"c\u00e9":"x\"y\u00e9\ud83d\ude00z","d":-1.5e+3}"#,
            #"{ "tr" : true , "list" : [ [] , {} , "" , -0.0E-1 ] }"#,
        ]
        for text in texts {
            let bytes = Array(text.utf8)
            for cut in 0...bytes.count {
                var checker = ArgumentChecker()
                var whole = ByteBuffer()
                bytes[..<cut].withUnsafeBytes {
                    checker.take(ByteSlice($0))
                    whole.append(ByteSlice($0))
                }
                // A character that is cut is not the checker's: text comes whole.
                guard cut == bytes.count || bytes[cut] & 0xC0 != 0x80 else { continue }
                #expect(checker.verdict != .broken)
                checker.appendClosing(to: &whole)
                #expect(throws: Never.self, "\(whole.string)") {
                    try JSONScanner.validate(whole.slice)
                }
            }
        }
    }

    @Test func isTheSameHoweverTheTextIsCut() {
        let text = Array(#"{"a":[1,{"b":"\ud83d\ude00\n"}],"c":fals"#.utf8)
        for cut in 0...text.count {
            var checker = ArgumentChecker()
            text[..<cut].withUnsafeBytes { checker.take(ByteSlice($0)) }
            text[cut...].withUnsafeBytes { checker.take(ByteSlice($0)) }
            #expect(checker.verdict == .open)
            #expect(closing(checker) == "e}")
        }
    }

    @Test(arguments: [
        "{a", "{'a'", #"{"a":1,}"#, "[1}", #"{"a" 1"#, "01", "tru ", #"{"a":"\x"#, #"{"a":"\udc00"#,
        #"{"a":"\ud800x"#, #"{"a":"\ud800\u0041"#, "{}x", "{}{}", "}", "1.e", "--1", "{\"a\":\"\n",
    ])
    func knowsWhatNothingCanMend(_ text: String) {
        #expect(check(text).verdict == .broken)
        #expect(closing(check(text)) == "")
    }

    @Test func boundsDepth() {
        let deepest = String(repeating: "[", count: ArgumentChecker.depthMax)
        #expect(check(deepest).verdict == .open)
        #expect(closing(check(deepest)) == String(repeating: "]", count: 128))
        #expect(check(deepest + "[").verdict == .broken)
        let mixed = String(repeating: #"{"a":["#, count: 60)
        #expect(closing(check(mixed)) == String(repeating: "]}", count: 60))
    }

    @Test func findsTheEndOfAValue() {
        var checker = ArgumentChecker()
        let taken = #"{"a":"}"}</tool_call>"#.withByteSlice { checker.takeValue($0) }
        #expect(taken == 9)
        #expect(checker.verdict == .complete && checker.isObject)
        #expect(check(#"{"a":"<"#).isInString)
        #expect(!check(#"{"a":"<""#).isInString)
    }

    @Test func nothingIsAnEmptyObject() {
        #expect(check(" \n").verdict == .empty)
        #expect(closing(check("")) == "{}")
    }
}
