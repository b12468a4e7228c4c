// AnswerSketchTests.swift — ids, models and content of answers in all relayed dialects, however they are
// cut or broken.

import GatewayProviders
import ReactorCore
import Testing

@Suite struct AnswerSketchTests {
    private func sketch(_ json: String, wantsContent: Bool = false) -> [String] {
        json.withByteSlice {
            let sketch = AnswerSketch(of: $0, wantsContent: wantsContent)
            return [sketch.id.string, sketch.model.string, sketch.content.string]
        }
    }

    private static let answers: [(json: String, content: String)] = [
        (#"{"id":"x-1","object":"o","model":"m","choices":[{"a":1}],"usage":{}}"#, #"[{"a":1}]"#),
        (
            #"{"model":"m","id":"x-1","type":"message","content":[{"text":"t"}]}"#,
            #"[{"text":"t"}]"#
        ),
        (#"{"output":[1],"id":"x-1","status":"s","model":"m"}"#, "[1]"),
        (#"{"type":"message_start","message":{"id":"x-1","model":"m","content":[]}}"#, "[]"),
        (#"{"type":"response.completed","response":{"id":"x-1","model":"m","output":[2]}}"#, "[2]"),
    ]

    @Test func findsTheNamesOfEveryDialect() {
        for (json, content) in Self.answers {
            #expect(sketch(json) == ["x-1", "m", ""])
            #expect(sketch(json, wantsContent: true) == ["x-1", "m", content])
        }
    }

    @Test func namesAreTheOutermostOnes() {
        #expect(
            sketch(#"{"choices":[{"id":"no","model":"no"}],"id":"x","a":{"model":"no"}}"#)
                == ["x", "", ""])
        // A message within a message is none of an event's.
        #expect(sketch(#"{"message":{"message":{"id":"no"}},"id":"x"}"#) == ["x", "", ""])
        #expect(sketch(#"{"id":7,"model":null,"message":"text"}"#) == ["", "", ""])
    }

    @Test func whatIsBrokenIsTheEnd() {
        for text in ["", "[]", "x", #""id""#, "{"] { #expect(sketch(text) == ["", "", ""]) }
        for (json, _) in Self.answers {
            for count in 0..<json.utf8.count {
                let cut = sketch(String(json.prefix(count)), wantsContent: true)
                #expect(["", "x-1"].contains(cut[0]) && ["", "m"].contains(cut[1]))
            }
        }
    }

    @Test func theTextsOfCompletions() {
        var found: [String] = []
        let choices = #"[{"text":"a\"b","index":0},7,{"index":1},{"text":null},{"text":"c"}]"#
        choices.withByteSlice { AnswerSketch.texts(in: $0) { found.append($0.string) } }
        #expect(found == [#"a\"b"#, "c"])
    }
}
