// AnswerShapeTests.swift — shapes tell names and sizes, and never a value.

import GatewayCodec
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct AnswerShapeTests {
    private func shape(_ json: String) -> String {
        var buffer = ByteBuffer()
        json.withByteSlice { AnswerShape.append(of: $0, JSONArena(), to: &buffer) }
        return buffer.string
    }

    @Test func tellsNamesKindsAndSizes() {
        #expect(
            shape(
                #"{"id":"secret","generation":{"content":"words","parameters":null},"n":[1,2],"b":true}"#
            )
                == "{id: string(6), generation: {content: string(5), parameters: null}, "
                + "n: array(2) of number, b: bool}")
        #expect(shape("[]") == "array(0)")
        #expect(shape(#""a word""#) == "string(6)")
        #expect(shape("<html>") == "no JSON, 6 bytes")
    }

    @Test func staysSmall() {
        let deep =
            String(repeating: #"{"a":["#, count: 40) + "1" + String(repeating: "]}", count: 40)
        #expect(shape(deep) == "{a: array(1) of {a: array(1) of {a: array(1)}}}")
        let wide = "{" + (0..<5000).map { "\"name-\($0)\":\"x\"" }.joined(separator: ",") + "}"
        #expect(shape(wide).hasSuffix(", ...}") && shape(wide).count < 600)
        let long = #"{"\#(String(repeating: "n", count: 9000))":1}"#
        #expect(shape(long).count < 60)
        let nested = "{" + (0..<24).map { "\"m\($0)\":\(wide)" }.joined(separator: ",") + "}"
        #expect(shape(nested).utf8.count < AnswerShape.bytesMax + 200)
    }
}
