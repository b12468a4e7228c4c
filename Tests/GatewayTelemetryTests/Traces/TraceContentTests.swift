// TraceContentTests.swift — content is bounded, valid JSON, and without data that nobody reads.

import GatewayCodec
import GatewayModel
import GatewayTelemetry
import ReactorCore
import TestSupport
import Testing

@Suite struct TraceContentTests {
    private func kept(_ json: String) -> String {
        var buffer = ByteBuffer()
        json.withByteSlice { TraceContent.append(json: $0, to: &buffer) }
        return buffer.string
    }

    @Test func keepsWhatIsShort() {
        for json in ["[]", #"[{"role":"user","content":"Hi \"you\" \u00e9"}]"#, #""text""#] {
            #expect(kept(json) == json)
        }
    }

    @Test func leavesDataOut() {
        let data = String(repeating: "iVBORw0KGgo/+A", count: 100)
        let json = #"[{"url":"data:image/png;base64,\#(data)==","detail":"low"}]"#
        #expect(
            kept(json)
                == #"[{"url":"data:image/png;base64,[1402 characters of data]","detail":"low"}]"#)
        // Words are not data, however many there are.
        let words = #""\#(String(repeating: "word ", count: 2000))""#
        #expect(kept(words) == words)
    }

    /// What the search leaves out, against a look at every byte.
    @Test func dataIsFoundWhereverItIs() {
        func plain(_ json: String) -> String {
            var (text, run) = ("", "")
            for character in json {
                if character.isLetter || character.isNumber || "+/=-_".contains(character) {
                    run.append(character)
                    continue
                }
                text += run.count >= 512 ? "[\(run.count) characters of data]" : run
                text.append(character)
                run = ""
            }
            return text + run
        }
        var random = SeededRandom(seed: 5)
        for _ in 0..<300 {
            var json = "["
            for _ in 0..<1 + random.next() % 8 {
                let count = [0, 1, 5, 100, 510, 511, 512, 513, 700, 1024][
                    Int(random.next() % 10)]
                json +=
                    String(repeating: "x", count: count)
                    + ["", " ", ",", "\""][
                        Int(random.next() % 4)]
            }
            json += "]"
            #expect(kept(json) == plain(json))
        }
    }

    @Test func aPlainMessageIsWrittenAsItStands() {
        func written(_ message: String) -> String? {
            var buffer = ByteBuffer()
            let isPlain = message.withByteSlice {
                TraceContent.append(plain: $0, to: &buffer)
            }
            #expect(isPlain || buffer.isEmpty)
            return isPlain ? buffer.string : nil
        }
        for rest in ["", #","refusal":null"#, #","refusal":null,"annotations":[],"audio":null"#] {
            #expect(
                written(#"{"role":"assistant","content":"a \"b\" \u00e9"\#(rest)}"#)
                    == #"{"role":"assistant","content":"a \"b\" \u00e9"}"#)
        }
        for other in [
            #"{"role":"assistant","content":null}"#, #"{"role":"assistant"}"#,
            #"{"role":"assistant","content":"a","refusal":"no"}"#,
            #"{"role":"assistant","content":"a","reasoning_content":"b"}"#,
            #"{"role":"assistant","content":"a","tool_calls":[{}]}"#,
            #"{"role":"assistant","content":[{"type":"text","text":"a"}]}"#,
            #"{"role":"assistant","content":"a","content":"b"}"#,
            #"{"role":"assistant","content":"\#(String(repeating: "a", count: 70_000))"}"#,
        ] { #expect(written(other) == nil) }
    }

    @Test(arguments: [0, 1, 2, 3]) func whatIsLongBecomesAStringWithItsBeginning(shift: Int) throws
    {
        let long = String(repeating: "x", count: shift) + String(repeating: "é ", count: 40_000)
        let text = kept(#"["\#(long)"]"#)
        #expect(text.utf8.count < TraceContent.bytesMax + 100)
        try text.withByteSlice { bytes throws in
            let tree = try JSONArena().read(bytes)
            let inside = try #require(tree.root.string?.string)
            #expect(inside.hasPrefix(#"["x"#) || inside.hasPrefix(#"["é"#))
            #expect(inside.hasSuffix(" [cut]") && !inside.contains("\u{FFFD}"))
        }
    }

    private func response() -> ModelResponse {
        var response = ModelResponse()
        response.add(.started(AnswerStart()))
        for (start, text) in [
            (PartStart.reasoning, "Hm."), (.text, "Hello "), (.text, "there"),
            (.toolCall(id: "call_1", name: "f", isCustom: false), #"{"a":1}"#),
        ] as [(PartStart, String)] {
            response.add(.partOpened(choice: 0, start))
            text.withByteSlice { response.add(.delta(choice: 0, $0)) }
            response.add(.partClosed(choice: 0))
        }
        response.add(.finished(choice: 0, Finish(.toolCalls)))
        response.add(.ended)
        return response
    }

    @Test func anAnswerIsAMessage() {
        var buffer = ByteBuffer()
        TraceContent.append(message: response(), to: &buffer)
        #expect(
            GoldenJSON.areEqual(
                buffer.string,
                #"""
                {"role":"assistant","content":"Hello there","reasoning_content":"Hm.","tool_calls":
                [{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}
                """#))
    }

    @Test func anAnswerInTheConventionsForm() {
        var buffer = ByteBuffer()
        TraceContent.append(parts: response(), to: &buffer)
        #expect(
            GoldenJSON.areEqual(
                buffer.string,
                #"""
                [{"role":"assistant","finish_reason":"tool_calls","parts":[
                {"type":"reasoning","content":"Hm."},{"type":"text","content":"Hello "},
                {"type":"text","content":"there"},
                {"type":"tool_call","id":"call_1","name":"f","arguments":"{\"a\":1}"}]}]
                """#))
    }

    @Test func aRequestInTheConventionsForm() {
        var request = ModelRequest()
        request.append(.system, ContentPart(.text("Be kind.")))
        request.append(
            .user,
            [
                ContentPart(.text("Look:")),
                ContentPart(.image(Media(.data("AAAA"), mediaType: "image/png"))),
                ContentPart(.image(Media(.url("https://a.example/b"), mediaType: .empty))),
            ])
        request.append(
            .assistant,
            ContentPart(.toolCall(ToolCall(id: "c", name: "f", arguments: .text("{}")))))
        request.append(
            .tool, [ContentPart(.text("42"))], result: ToolResult(callID: "c"))
        var buffer = ByteBuffer()
        TraceContent.append(parts: request, to: &buffer)
        #expect(
            GoldenJSON.areEqual(
                buffer.string,
                #"""
                [{"role":"system","parts":[{"type":"text","content":"Be kind."}]},
                {"role":"user","parts":[{"type":"text","content":"Look:"},
                {"type":"blob","bytes":3,"mime_type":"image/png","modality":"image"},
                {"type":"uri","uri":"https://a.example/b","modality":"image"}]},
                {"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"f","arguments":"{}"}]},
                {"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"42"}]}]
                """#))
    }
}
