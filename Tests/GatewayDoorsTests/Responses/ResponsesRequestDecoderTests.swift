import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct ResponsesRequestDecoderTests {
    /// The request as lines, or why there is none.
    private func told(_ request: String, recalled: String? = nil) throws -> String {
        let tree = try JSONArena().read(request)
        let memory = try JSONArena().read(recalled ?? "null")
        do throws(Failure) {
            return RequestLog.text(
                try ResponsesRequestDecoder.decode(
                    tree.root, provider: ByteSlice("claude"),
                    recalled: recalled == nil ? nil : memory.root))
        } catch {
            return "\(error.kind) \(error.parameter ?? "-"): \(error.message)"
        }
    }

    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "responses", "decode-")
        #expect(files.count >= 7)
        for file in files {
            let request = try #require(file.block("request"))
            let found = try told(request, recalled: file.block("recalled"))
            #expect(file.complaint("model", found: found) == nil)
        }
    }

    @Test(
        arguments: [
            ("[]", "malformedRequest -"),
            (#"{"input":"x"}"#, "missingParameter model"),
            (#"{"model":"m"}"#, "missingParameter input"),
            (#"{"model":"m","input":null}"#, "missingParameter input"),
            (#"{"model":"m","input":[]}"#, "invalidParameter input"),
            (#"{"model":"m","input":5}"#, "invalidParameter input"),
            (#"{"model":"m","input":[5]}"#, "invalidParameter input[0]"),
            (#"{"model":"m","input":[{"content":"x"}]}"#, "missingParameter input[0].type"),
            (#"{"model":"m","input":[{"role":"user"}]}"#, "missingParameter input[0].content"),
            (
                #"{"model":"m","input":[{"role":"robot","content":"x"}]}"#,
                "invalidParameter input[0].role"
            ),
            (
                #"{"model":"m","input":[{"role":"user","content":[{"type":"input_text"}]}]}"#,
                "missingParameter input[0].content[0].text"
            ),
            (
                #"{"model":"m","input":[{"role":"user","content":[{"type":"hologram"}]}]}"#,
                "unsupportedParameter input[0].content[0].type"
            ),
            (
                #"{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}"#,
                "missingParameter input[0].content[0].image_url"
            ),
            (
                #"{"model":"m","input":[{"type":"function_call","call_id":"","name":"f","arguments":""}]}"#,
                "invalidParameter input[0].call_id"
            ),
            (
                #"{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}"#,
                "missingParameter input[0].output"
            ),
            (
                #"{"model":"m","input":[{"type":"compaction","encrypted_content":"x"}]}"#,
                "unsupportedParameter input[0].type"
            ),
            (
                #"{"model":"m","input":[{"type":"item_reference","id":"msg_1_0"}]}"#,
                "invalidParameter input[0].id"
            ),
            (#"{"model":"m","input":[{"id":"msg_1_0"}]}"#, "invalidParameter input[0].id"),
            (#"{"model":"m","input":"x","background":true}"#, "unsupportedParameter background"),
            (#"{"model":"m","input":"x","conversation":"c"}"#, "unsupportedParameter conversation"),
            (#"{"model":"m","prompt":{"id":"p"}}"#, "unsupportedParameter prompt"),
            (
                #"{"model":"m","input":"x","previous_response_id":"resp_1"}"#,
                "unsupportedParameter previous_response_id"
            ),
            (#"{"model":"m","input":"x","temperature":"hot"}"#, "invalidParameter temperature"),
            (
                #"{"model":"m","input":"x","max_output_tokens":0}"#,
                "invalidParameter max_output_tokens"
            ),
            (#"{"model":"m","input":"x","stream":1}"#, "invalidParameter stream"),
            (#"{"model":"m","input":"x","include":"all"}"#, "invalidParameter include"),
            (#"{"model":"m","input":"x","metadata":[]}"#, "invalidParameter metadata"),
            (#"{"model":"m","input":"x","tools":{}}"#, "invalidParameter tools"),
            (#"{"model":"m","input":"x","tools":[{}]}"#, "missingParameter tools[0].type"),
            (
                #"{"model":"m","input":"x","tools":[{"type":"function","function":{"name":"f"}}]}"#,
                "missingParameter tools[0].name"
            ),
            (#"{"model":"m","input":"x","tool_choice":"some"}"#, "invalidParameter tool_choice"),
            (
                #"{"model":"m","input":"x","tool_choice":{"type":"web_search"}}"#,
                "unsupportedParameter tool_choice.type"
            ),
            (
                #"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n"}}}"#,
                "missingParameter text.format.schema"
            ),
            (
                #"{"model":"m","input":"x","text":{"format":{"type":"xml"}}}"#,
                "invalidParameter text.format.type"
            ),
            (
                #"{"model":"m","input":"x","reasoning":{"effort":"heroic"}}"#,
                "invalidParameter reasoning.effort"
            ),
        ])
    func refuses(_ request: String, _ complaint: String) throws {
        let found = try told(request)
        #expect(found.hasPrefix(complaint + ":"), "\(found)")
    }

    /// No value of any member may trap, whatever its type.
    @Test func takesAnyShape() throws {
        let values = ["null", "true", "0", "\"x\"", "[]", "{}", "[null]", "[{}]", "[{\"type\":5}]"]
        let names = [
            "model", "input", "instructions", "tools", "tool_choice", "text", "reasoning",
            "include", "metadata", "previous_response_id", "truncation", "unheard_of",
        ]
        var count = 0
        for name in names {
            for value in values {
                let request = #"{"\#(name)":\#(value),"model":"m","input":"x"}"#
                let tree = try JSONArena().read(request)
                _ = ResponsesEcho(tree.root, storeIsOn: true)
                count += try told(request).isEmpty ? 0 : 1
            }
        }
        #expect(count == names.count * values.count)
    }
}
