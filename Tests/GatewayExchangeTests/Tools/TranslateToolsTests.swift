// TranslateToolsTests.swift — tools on the translate lane: definitions checked, calls repaired.

import GatewayExchange
import Testing

@Suite struct TranslateToolsTests {
    private static let good = #""{\"city\": \"Oslo\"}""#

    @Test(arguments: [
        (["get weather"], "tools[0].function.name", "letters, digits"),
        (["a", "a"], "tools[1].function.name", "'a'"),
    ])
    func aBadDefinitionIsNamed(tools: [String], parameter: String, words: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(ToolTalk.ask("quirky/m", tools: tools))
        #expect(answer.status == 400)
        #expect(answer.json("error", "param") == parameter)
        #expect(answer.json("error", "message")?.contains(words) == true)
        #expect(stage.upstream.bodies.isEmpty)
        stage.finish()
    }

    @Test func aBrokenAnswerIsRepaired() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .body(ToolTalk.answer(ToolTalk.call("functions.get_weather", #""{'city': 'Oslo'}""#)))
        ]
        let answer = try stage.ask(ToolTalk.ask("quirky/m"))
        let path = ["choices", "0", "message", "tool_calls", "0", "function"]
        #expect(Answer.value(of: answer.body, path + ["name"]) == "get_weather")
        let arguments = Answer.value(of: answer.body, path + ["arguments"])
        #expect(arguments?.filter { $0 != " " } == #"{"city":"Oslo"}"#)
        #expect(answer.fields["x-gateway-repairs"] == "name=1, syntax=1")
        #expect(stage.logged("repairs") == "name=1, syntax=1")
        #expect(stage.lines.filter { $0.contains("JSON recovery successful") }.count == 1)
        stage.finish()
    }

    @Test func aBrokenStreamIsRepaired() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .stream([
                ToolTalk.role,
                ToolTalk.calls(ToolTalk.call("GetWeather", "\"\"", index: 0)),
                ToolTalk.more(#""{\"city\": \"Os""#),
                ToolTalk.calls(ToolTalk.call("find_flight", "\"\"", index: 1)),
                ToolTalk.end,
            ])
        ]
        let answer = try stage.ask(ToolTalk.ask("quirky/m", stream: true))
        let whole = ToolTalk.accumulate(answer)
        #expect(whole.calls.map(\.name) == ["get_weather", "find_flight"])
        #expect(whole.calls.map(\.arguments) == [#"{"city": "Os"}"#, "{}"])
        #expect(Set(whole.calls.map(\.id)).count == 2)
        #expect(answer.events.last == "[DONE]")
        #expect(answer.fields["x-gateway-repairs"] == nil)
        #expect(stage.logged("repairs") == "name=1, id=1, closed=1")
        stage.finish()
    }

    @Test func aNamelessCallIsNamed() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(ToolTalk.answer(ToolTalk.call(nil, Self.good)))]
        let answer = try stage.ask(ToolTalk.ask("quirky/m", tools: ["get_weather"]))
        #expect(
            answer.json("choices", "0", "message", "tool_calls", "0", "function", "name")
                == "get_weather")
        #expect(answer.fields["x-gateway-repairs"] == "name=1")
        stage.finish()
    }
}
