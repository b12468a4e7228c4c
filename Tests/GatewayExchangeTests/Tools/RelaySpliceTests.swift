// RelaySpliceTests.swift — a whole answer with broken calls that is relayed: the calls are set right, and
// every other byte stays, at each door that relays.

import GatewayExchange
import Testing

@Suite struct RelaySpliceTests {
    /// One case: what the upstream says, pieces of it and what stands in their place, and what is told.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var door: String
        var body: String
        var changes: [(String, String)]
        var repairs: String?

        var testDescription: String { "\(door): \(name)" }
    }

    // MARK: Chat

    /// Members that the model in the middle has no word for, odd spacing, and numbers of their own.
    private static func chat(_ message: String, _ reason: String = "tool_calls") -> String {
        #"{ "id" : "chatcmpl-9", "service_tier":"default","system_fingerprint":"fp_44709d6fcb","#
            + #""choices":[{"finish_reason":"\#(reason)","index":0,"logprobs":{"content":[{"token":"x","#
            + #""logprob":-0.10000,"bytes":[120]}]},"message":\#(message)}],"x_more":[1.50, 2e3],"#
            + #""usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8} }"#
    }

    private static func calls(_ calls: String) -> String {
        #"{"role":"assistant", "content":"Well: é\n","annotations":[],"tool_calls":[ \#(calls) ]}"#
    }

    private static let good =
        #"{"id":"call_1","type":"function", "function":{"name":"get_weather","arguments":"{\"city\": 1.0}"}}"#

    private static func chatCase(
        _ name: String, _ body: String, _ changes: [(String, String)], _ repairs: String?
    ) -> Case {
        Case(name: name, door: "chat", body: body, changes: changes, repairs: repairs)
    }

    static let chats: [Case] = [
        chatCase("nothing is wrong", chat(calls(good)), [], nil),
        chatCase(
            "nothing is called", chat(#"{"role":"assistant","content":"x"}"#, "stop"), [], nil),
        chatCase(
            "a name", chat(calls(good.replacing("get_weather", "functions.get_weather"))),
            [("functions.get_weather", "get_weather")], "name=1"),
        chatCase(
            "arguments", chat(calls(good.replacing(#"{\"city\": 1.0}"#, "{'city': 1.0}"))),
            [(#""{'city': 1.0}""#, #""{\"city\":1.0}""#)], "syntax=1"),
        chatCase(
            "the second of two",
            chat(
                calls(
                    good + " , "
                        + #"{"type":"function","function":{"arguments":"{\"a\":[1","name":"find_flight"},"id":"call_2"}"#
                )),
            [(#""{\"a\":[1""#, #""{\"a\":[1]}""#)], "syntax=1"),
        chatCase(
            "an object where a text belongs",
            chat(calls(good.replacing(#""{\"city\": 1.0}""#, #"{"city": 1.0}"#))),
            [(#"{"city": 1.0}"#, #""{\"city\": 1.0}""#)], "form=1"),
        chatCase(
            "no type",
            chat(calls(good.replacing(#""type":"function", "#, ""))),
            [(#"{"id":"call_1","#, #"{"type":"function","id":"call_1","#)], "form=1"),
        chatCase(
            "it stopped, it says",
            chat(calls(good.replacing("get_weather", "get-weather")), "stop"),
            [("get-weather", "get_weather")], "name=1"),
        chatCase(
            "the call of old",
            chat(
                #"{"role":"assistant","content":null,"function_call":{"name":"get_weather","arguments":"{city: 'Oslo'}"}}"#,
                "function_call"),
            [(#""{city: 'Oslo'}""#, #""{\"city\":\"Oslo\"}""#)], "syntax=1"),
        chatCase(
            "beyond repair",
            chat(calls(good.replacing(#"{\"city\": 1.0}"#, "no idea"))),
            [
                (
                    calls(good.replacing(#"{\"city\": 1.0}"#, "no idea")),
                    #"{"role":"assistant","content":"Well: é\n\nget_weather no idea","annotations":[]}"#
                ),
                (#""finish_reason":"tool_calls""#, #""finish_reason":"stop""#),
            ], "text=1"),
        chatCase(
            "one of two beyond repair",
            chat(
                calls(
                    #"{"id":"call_0","type":"function","function":{"name":"book","arguments":"no idea"}},"#
                        + good)),
            [
                (
                    calls(
                        #"{"id":"call_0","type":"function","function":{"name":"book","arguments":"no idea"}},"#
                            + good),
                    #"{"role":"assistant","content":"Well: é\n\nbook no idea","annotations":[],"tool_calls":[\#(good)]}"#
                )
            ], "text=1"),
    ]

    // MARK: Messages

    private static func message(_ blocks: String, _ reason: String = "tool_use") -> String {
        #"{"id":"msg_1", "type":"message","role":"assistant","model":"m","content":[{"type":"thinking","#
            + #""thinking":"hm","signature":"c2ln"},\#(blocks)],"stop_reason":"\#(reason)","#
            + #""stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":3,"service_tier":"standard"},"#
            + #""container":{"id":"c"} }"#
    }

    private static let use =
        #"{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city": 1.0},"caller":{"type":"direct"}}"#

    private static func messageCase(
        _ name: String, _ body: String, _ changes: [(String, String)], _ repairs: String?
    ) -> Case {
        Case(name: name, door: "messages", body: body, changes: changes, repairs: repairs)
    }

    static let messages: [Case] = [
        messageCase("nothing is wrong", message(use), [], nil),
        messageCase(
            "nothing is called", message(#"{"type":"text","text":"x"}"#, "end_turn"), [], nil),
        messageCase(
            "what the provider runs",
            message(
                #"{"type":"server_tool_use","id":"s","name":"web search","input":"q"}"#, "end_turn"),
            [], nil),
        messageCase(
            "a name", message(use.replacing("get_weather", "Get.Weather")),
            [("Get.Weather", "get_weather")], "name=1"),
        messageCase(
            "a text where an object belongs",
            message(use.replacing(#"{"city": 1.0}"#, #""{'city': 1.0""#)),
            [(#""{'city': 1.0""#, #"{"city":1.0}"#)], "syntax=1, form=1"),
        messageCase(
            "no input", message(use.replacing(#""input":{"city": 1.0},"#, "")),
            [(#"{"type":"tool_use","#, #"{"input":{},"type":"tool_use","#)], "form=1"),
        messageCase(
            "null", message(use.replacing(#"{"city": 1.0}"#, "null")),
            [("null,\"caller", "{},\"caller")],
            "form=1"),
        messageCase(
            "beyond repair", message(use.replacing(#"{"city": 1.0}"#, #""no idea""#)),
            [
                (
                    use.replacing(#"{"city": 1.0}"#, #""no idea""#),
                    #"{"type":"text","text":"get_weather no idea"}"#
                ),
                (#""stop_reason":"tool_use""#, #""stop_reason":"end_turn""#),
            ], "text=1"),
    ]

    // MARK: Responses

    private static func response(_ items: String) -> String {
        #"{"id":"resp_1", "object":"response","status":"completed","error":null,"output":["#
            + #"{"id":"rs_1","type":"reasoning","summary":[]}, \#(items)],"model":"m","#
            + #""service_tier":"default","usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8},"#
            + #""x_more":{"a":1.50} }"#
    }

    private static let item =
        #"{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"city\": 1.0}","call_id":"call_1","name":"get_weather"}"#

    private static func responseCase(
        _ name: String, _ body: String, _ changes: [(String, String)], _ repairs: String?
    ) -> Case {
        Case(name: name, door: "responses", body: body, changes: changes, repairs: repairs)
    }

    static let responses: [Case] = [
        responseCase("nothing is wrong", response(item), [], nil),
        responseCase(
            "a tool of a group",
            response(item.replacing("get_weather", #"send_mail","namespace":"mail"#)), [], nil),
        responseCase(
            "free text",
            response(
                #"{"id":"ctc_1","type":"custom_tool_call","call_id":"call_1","name":"book","input":"{'a'"}"#
            ),
            [], nil),
        responseCase(
            "name and arguments",
            response(item.replacing("get_weather", "getWeather").replacing(#"\"city\""#, "city")),
            [
                ("getWeather", "get_weather"),
                (#""{city: 1.0}""#, #""{\"city\":1.0}""#),
            ], "name=1, syntax=1"),
        responseCase(
            "one id twice", response(item + "," + item),
            [(item + "," + item, item + "," + item.replacing("call_1", "*"))], "id=1"),
        responseCase(
            "beyond repair", response(item.replacing(#"{\"city\": 1.0}"#, "no idea")),
            [
                (
                    item.replacing(#"{\"city\": 1.0}"#, "no idea"),
                    #"{"id":"fc_1","type":"message","status":"completed","role":"assistant","content":["#
                        + #"{"type":"output_text","text":"get_weather no idea","annotations":[]}]}"#
                )
            ], "text=1"),
    ]

    @Test(arguments: chats + messages + responses)
    func onlyTheCallsChange(_ row: Case) throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(row.body)]
        let answer = try stage.ask(Self.ask(row.door))
        #expect(answer.status == 200)
        var expected = row.body
        for (old, new) in row.changes {
            #expect(expected.contains(old))
            expected = expected.replacing(old, new)
        }
        let body = expected.contains("*") ? Self.masked(answer.body) : answer.body
        #expect(body == expected)
        #expect(answer.fields["x-gateway-repairs"] == row.repairs)
        #expect(stage.logged("repairs") == row.repairs)
        #expect(
            stage.worker.counters.repairs
                == (row.repairs == nil ? 0 : row.repairs?.split(separator: ",").count))
        stage.finish()
    }

    /// The last id that was made, as a star.
    private static func masked(_ body: String) -> String {
        guard let start = body.ranges(of: #""call_id":"call_"#).last else { return body }
        let id = body[start.upperBound...].prefix { $0 != "\"" }
        return body.replacing("call_" + id, "*")
    }

    private static func ask(_ door: String) -> String {
        switch door {
        case "messages":
            GatewayStage.post(
                #"{"model":"claude/m","max_tokens":99,"messages":[{"role":"user","content":"x"}],"#
                    + #""tools":[{"name":"get_weather","input_schema":{"type":"object"}},{"name":"book"}]}"#,
                to: "/v1/messages")
        case "responses":
            GatewayStage.post(
                #"{"model":"newer/m","input":"x","tools":[{"type":"function","name":"get_weather"},"#
                    + #"{"type":"custom","name":"book"},{"type":"namespace","name":"mail","tools":["#
                    + #"{"type":"function","name":"send_mail"}]}]}"#, to: "/v1/responses")
        default: ToolTalk.ask("raw/m", tools: ["get_weather", "find_flight", "book"])
        }
    }
}

extension String {
    fileprivate func replacing(_ old: String, _ new: String) -> String { replacing(old, with: new) }
}
