import GatewayCodec
import ReactorCore
import Testing

@testable import GatewayProviders

@Suite struct SimulatorRequestTests {
    private static func withMessages(_ messages: String) -> String {
        #"{"model":"sim","messages":\#(messages)}"#
    }

    private static let call =
        #"{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}"#

    private static let other =
        #"{"id":"call_2","type":"function","function":{"name":"f","arguments":"{}"}}"#

    private static let result = #"{"role":"tool","tool_call_id":"call_1","content":"x"}"#

    /// Body, the parameter that is named, and the code.
    private static let refused: [(String, String?, String?)] = [
        ("", nil, nil),
        ("{", nil, nil),
        (#"{"model":"sim","messages":[]"#, nil, nil),
        ("[]", "body", "invalid_type"),
        (#"{"messages":[{"role":"user","content":"x"}]}"#, "model", "missing_required_parameter"),
        (chat(""), "model", "missing_required_parameter"),
        (#"{"model":1,"messages":[]}"#, "model", "invalid_type"),
        (#"{"model":"sim"}"#, "messages", "missing_required_parameter"),
        (withMessages("null"), "messages", "missing_required_parameter"),
        (withMessages("[]"), "messages", "empty_array"),
        (withMessages(#"{"role":"user"}"#), "messages", "invalid_type"),
        (withMessages(#"["x"]"#), "messages[0]", "invalid_type"),
        (withMessages(#"[{"content":"x"}]"#), "messages[0].role", "missing_required_parameter"),
        (
            withMessages(#"[{"role":"user","content":"x"},{"role":"robot","content":"x"}]"#),
            "messages[1].role", "invalid_value"
        ),
        (withMessages(#"[{"role":"user"}]"#), "messages[0].content", "missing_required_parameter"),
        (withMessages(#"[{"role":"user","content":7}]"#), "messages[0].content", "invalid_type"),
        (withMessages(#"[{"role":"user","content":[]}]"#), "messages[0].content", "empty_array"),
        (
            withMessages(#"[{"role":"user","content":["x"]}]"#), "messages[0].content[0]",
            "invalid_type"
        ),
        (
            withMessages(#"[{"role":"user","content":[{"type":"smell","smell":{}}]}]"#),
            "messages[0].content[0].type", "invalid_value"
        ),
        (
            withMessages(#"[{"role":"system","content":[{"type":"image_url","image_url":{}}]}]"#),
            "messages[0].content[0].type", "invalid_value"
        ),
        (
            withMessages(#"[{"role":"user","content":[{"type":"text"}]}]"#),
            "messages[0].content[0].text", "missing_required_parameter"
        ),
        (
            withMessages(#"[{"role":"user","content":[{"type":"image_url","image_url":"u"}]}]"#),
            "messages[0].content[0]", "invalid_type"
        ),
        (
            withMessages(#"[{"role":"assistant","content":null}]"#), "messages[0].content",
            "missing_required_parameter"
        ),
        (
            withMessages(#"[{"role":"assistant","tool_calls":[{"type":"function"}]}]"#),
            "messages[0].tool_calls[0].id", "missing_required_parameter"
        ),
        (
            withMessages(#"[{"role":"tool","tool_call_id":"call_1","content":"x"}]"#),
            "messages[0].tool_call_id", "invalid_value"
        ),
        (
            withMessages(#"[{"role":"tool","content":"x"}]"#), "messages[0].tool_call_id",
            "missing_required_parameter"
        ),
        (
            withMessages(#"[{"role":"assistant","tool_calls":[\#(call)]}]"#), "messages[0]",
            "invalid_value"
        ),
        (
            withMessages(
                #"[{"role":"assistant","tool_calls":[\#(call)]},{"role":"user","content":"x"}]"#),
            "messages[1]", "invalid_value"
        ),
        (
            withMessages(
                #"[{"role":"assistant","tool_calls":[\#(call)]},{"role":"tool","tool_call_id":"call_2","content":"x"}]"#
            ), "messages[1].tool_call_id", "invalid_value"
        ),
        (
            withMessages(
                #"[{"role":"assistant","tool_calls":[\#(call)]},{"role":"user","content":"x"},\#(result)]"#
            ), "messages[1]", "invalid_value"
        ),
        (
            withMessages(
                #"[{"role":"assistant","tool_calls":[\#(call)]},\#(result),\#(result)]"#),
            "messages[2].tool_call_id", "invalid_value"
        ),
        (
            withMessages(
                #"[{"role":"assistant","tool_calls":[\#(call),\#(other)]},\#(result),\#(result)]"#),
            "messages[2].tool_call_id", "invalid_value"
        ),
        (
            withMessages(#"[{"role":"function","content":"x"}]"#), "messages[0].name",
            "missing_required_parameter"
        ),
        (chat("sim", #","stream":"yes""#), "stream", "invalid_type"),
        (chat("sim", #","stream_options":{}"#), "stream_options", "invalid_value"),
        (chat("sim", #","stream":true,"stream_options":1"#), "stream_options", "invalid_type"),
        (
            chat("sim", #","stream":true,"stream_options":{"include_usage":1}"#),
            "stream_options.include_usage", "invalid_type"
        ),
        (chat("sim", #","max_tokens":0"#), "max_tokens", "invalid_value"),
        (chat("sim", #","max_tokens":"5""#), "max_tokens", "invalid_type"),
        (chat("sim", #","max_completion_tokens":1.5"#), "max_completion_tokens", "invalid_type"),
        (chat("sim", #","n":0"#), "n", "invalid_value"),
        (chat("sim", #","n":129"#), "n", "invalid_value"),
        (chat("sim", #","temperature":2.5"#), "temperature", "invalid_value"),
        (chat("sim", #","temperature":"hot""#), "temperature", "invalid_type"),
        (chat("sim", #","top_p":-0.1"#), "top_p", "invalid_value"),
        (chat("sim", #","stop":["a","b","c","d","e"]"#), "stop", "invalid_value"),
        (chat("sim", #","stop":[1]"#), "stop", "invalid_type"),
        (chat("sim", #","stop":1"#), "stop", "invalid_type"),
        (chat("sim", #","top_logprobs":3"#), "top_logprobs", "invalid_value"),
        (chat("sim", #","tools":[]"#), "tools", "empty_array"),
        (
            chat("sim", #","tools":[{"type":"function"}]"#), "tools[0].function",
            "missing_required_parameter"
        ),
        (chat("sim", #","tools":[{"type":"gun"}]"#), "tools[0].type", "invalid_value"),
        (
            chat("sim", #","tools":[\#(functionTool("no spaces", "{}"))]"#),
            "tools[0].function.name", "invalid_value"
        ),
        (
            chat("sim", #","tools":[\#(functionTool("f", "[]"))]"#),
            "tools[0].function.parameters", "invalid_type"
        ),
        (chat("sim", #","tool_choice":"auto""#), "tool_choice", "invalid_value"),
        (
            chat("sim", #","tools":[\#(functionTool("f", "{}"))],"tool_choice":"maybe""#),
            "tool_choice", "invalid_value"
        ),
        (
            chat(
                "sim",
                #","tools":[\#(functionTool("f", "{}"))],"tool_choice":{"type":"function","function":{"name":"g"}}"#
            ), "tool_choice.function.name", "invalid_value"
        ),
        (chat("sim", #","response_format":"json""#), "response_format", "invalid_type"),
        (
            chat("sim", #","response_format":{"type":"xml"}"#), "response_format.type",
            "invalid_value"
        ),
        (
            chat("sim", #","response_format":{"type":"json_schema"}"#),
            "response_format.json_schema", "missing_required_parameter"
        ),
    ]

    @Test(arguments: refused)
    func refuses(_ body: String, _ param: String?, _ code: String?) throws {
        let played = play(body)
        #expect(played.status == 400)
        let error = try #require(JSON(played.text)?["error"])
        #expect(error["type"]?.string == "invalid_request_error")
        #expect(error["param"]?.string == param)
        #expect(error["code"]?.string == code)
        #expect(error["message"]?.string?.isEmpty == false)
    }

    @Test(arguments: [
        chat("sim", #","temperature":null,"n":null,"stream":null,"stop":"x","new_field":[1]"#),
        chat("sim", #","stream":false,"max_tokens":null,"metadata":{"a":"b"},"seed":-1"#),
        withMessages(
            #"[{"role":"developer","content":"x"},{"role":"user","content":[{"type":"input_audio","input_audio":{}},{"type":"file","file":{}}]}]"#
        ),
        withMessages(
            #"[{"role":"assistant","tool_calls":[\#(call)]},{"role":"tool","tool_call_id":"call_1","content":"x"},{"role":"user","content":"y","name":"n"}]"#
        ),
        withMessages(#"[{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]"#),
        withMessages(#"[{"role":"function","name":"f","content":null}]"#),
    ])
    func accepts(_ body: String) {
        let played = play(body)
        #expect(played.status == 200, "\(played.text)")
    }

    @Test func namesTheByteOfBadJSON() throws {
        let error = try #require(JSON(play(#"{"model":x}"#).text)?["error"])
        #expect(error["message"]?.string?.hasSuffix("at byte 9.") == true)
    }

    @Test func refusesWhatIsNotListed() throws {
        var settings = SimulatorSettings()
        settings.models = ["demo", "demo-pro"]
        #expect(play(chat("anything"), settings).status == 200)
        settings.listedModelsOnly = true
        #expect(play(chat("demo"), settings).status == 200)
        #expect(play(chat("demo-pro-429"), settings).status == 429)
        #expect(play(chat("demo-slow"), settings).status == 200)
        for name in [
            "anything", "dem", "demo-", "demo-xyz", "other-429", "demoX-429", "demo-x-429",
        ] {
            let played = play(chat(name), settings)
            #expect(played.status == 404)
            #expect(JSON(played.text)?["error"]?["code"]?.string == "model_not_found")
        }
    }

    @Test(
        arguments: [
            (#"{"model":"sim"}"#, "prompt"), (#"{"model":"sim","prompt":[]}"#, "prompt"),
            (#"{"model":"sim","prompt":["a",1]}"#, "prompt"),
            (#"{"model":"sim","prompt":[1,"a"]}"#, "prompt"),
            (#"{"model":"sim","prompt":[[]]}"#, "prompt"),
            (#"{"model":"sim","prompt":{}}"#, "prompt"),
            (#"{"model":"sim","prompt":["a","b"],"n":65}"#, "n"),
        ])
    func refusesPrompts(_ body: String, _ param: String) throws {
        let played = play(body, to: "/v1/completions")
        #expect(played.status == 400)
        #expect(JSON(played.text)?["error"]?["param"]?.string == param)
    }

    /// Whatever happens to a valid body, the answer is an answer.
    @Test func survivesDamage() {
        let body = chat(
            "sim-tool",
            #","n":2,"stop":["x"],"tools":[\#(functionTool("f", #"{"properties":{"a":{"type":"string"}}}"#))]"#
        )
        let bytes = Array(body.utf8)
        let arena = JSONArena()
        for length in 0..<bytes.count { #expect(status(Array(bytes[..<length]), arena) == 400) }
        for index in bytes.indices {
            for byte in [0x00, 0x22, 0x30, 0x5B, 0x7B, 0x7D, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[index] = byte
                #expect([200, 400].contains(status(damaged, arena)))
            }
        }
    }

    private func status(_ body: [UInt8], _ arena: JSONArena) -> Int {
        body.withUnsafeBytes { body in
            Play(
                SimulatorScript.answer(
                    method: ByteSlice("POST" as StaticString),
                    target: ByteSlice("/v1/chat/completions" as StaticString),
                    body: ByteSlice(body), arena: arena, settings: SimulatorSettings(), created: 0,
                    ordinal: 0)
            ).status
        }
    }
}
