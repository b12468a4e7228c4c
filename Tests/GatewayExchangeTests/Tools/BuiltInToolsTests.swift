// BuiltInToolsTests.swift — tools that the gateway runs itself: rounds, what the client sees of them,
// and who may ask for them.

import GatewayExchange
import GatewayTools
import Testing

@Suite struct BuiltInToolsTests {
    private static let sum = #""{\"expression\": \"6 * 7\"}""#

    private static func stage(
        _ change: (inout ToolPolicy) -> Void = { $0.executes = true }
    ) throws -> GatewayStage {
        var settings = StageSettings()
        change(&settings.tools)
        return try GatewayStage(settings)
    }

    private static func text(_ text: String) -> ScriptedUpstream.Answer {
        .body(
            #"{"id":"c2","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"#
                + #""message":{"role":"assistant","content":"\#(text)"},"finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#)
    }

    @Test(arguments: ["raw/m", "quirky/m"])
    func aCallIsRunAndTheAnswerGoesOn(model: String) throws {
        let stage = try Self.stage()
        stage.upstream.answers = [
            .body(ToolTalk.answer(ToolTalk.call("calculate", Self.sum))), Self.text("It is 42."),
        ]
        let answer = try stage.ask(
            GatewayStage.chat(model, fields: "Traceparent: 00-ab\r\n"))
        #expect(answer.status == 200)
        #expect(answer.json("choices", "0", "message", "content") == "It is 42.")
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        #expect(!answer.body.contains("tool_calls"))
        #expect(answer.json("usage", "total_tokens") == "20")
        #expect(stage.upstream.bodies.count == 2)
        let first = stage.upstream.bodies[0]
        #expect(Answer.value(of: first, ["tools", "0", "function", "name"]) == "calculate")
        #expect(Answer.value(of: first, ["tools", "1", "function", "name"]) == "get_time")
        let second = stage.upstream.bodies[1]
        #expect(Answer.value(of: second, ["messages", "1", "role"]) == "assistant")
        #expect(Answer.value(of: second, ["messages", "2", "role"]) == "tool")
        #expect(Answer.value(of: second, ["messages", "2", "tool_call_id"]) == "call_1")
        #expect(Answer.value(of: second, ["messages", "2", "content"])?.contains("42") == true)
        for head in stage.upstream.heads {
            #expect(head.lowercased().contains("traceparent: 00-ab"))
            #expect(!head.lowercased().contains("x-upstream"))
        }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("output_tokens") == "5")
        #expect(stage.logged("builtin_rounds") == "2")
        #expect(stage.logged("builtin_calls") == "calculate=1")
        #expect(stage.worker.counters.builtInRounds == 2)
        #expect(stage.worker.counters.builtInCalls(of: 0) == 1)
        #expect(stage.worker.counters.builtInCalls(of: 1) == 0)
        #expect(stage.worker.counters.inFlight == 0)
        stage.finish()
    }

    @Test func theFinalAnswerIsStreamed() throws {
        let stage = try Self.stage()
        stage.upstream.answers = [
            .stream([
                ToolTalk.role, ToolTalk.calls(ToolTalk.call("calculate", "\"\"", index: 0)),
                ToolTalk.more(Self.sum), ToolTalk.end,
            ]),
            .stream([
                ToolTalk.role, ToolTalk.chunk(#"{"content":"It is"}"#),
                ToolTalk.chunk(#"{"content":" 42."}"#), ToolTalk.chunk("{}", finish: "stop"),
            ]),
        ]
        let answer = try stage.ask(GatewayStage.chat("raw/m", stream: true))
        let whole = ToolTalk.accumulate(answer)
        #expect(whole.text == "It is 42.")
        #expect(whole.calls.isEmpty)
        #expect(whole.finish == "stop")
        #expect(whole.roles == 1)
        #expect(answer.events.last == "[DONE]")
        #expect(answer.events.filter { $0 == "[DONE]" }.count == 1)
        #expect(stage.upstream.bodies.count == 2)
        stage.finish()
    }

    @Test func callsOfTheClientsToolsArePassedBack() throws {
        let stage = try Self.stage()
        stage.upstream.answers = [
            .body(
                ToolTalk.answer(
                    ToolTalk.call("calculate", Self.sum, id: "a"),
                    ToolTalk.call("get_weather", #""{}""#, id: "b")))
        ]
        let answer = try stage.ask(ToolTalk.ask("raw/m"))
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        let path = ["choices", "0", "message", "tool_calls"]
        #expect(
            Answer.value(of: answer.body, path + ["0", "function", "name"]) == "get_weather")
        #expect(Answer.value(of: answer.body, path + ["1", "id"]) == nil)
        #expect(stage.upstream.bodies.count == 1)
        stage.finish()
    }

    @Test func roundsAreBounded() throws {
        let stage = try Self.stage {
            $0.executes = true
            $0.roundsMax = 3
        }
        stage.upstream.answers = [.body(ToolTalk.answer(ToolTalk.call("calculate", Self.sum)))]
        let answer = try stage.ask(GatewayStage.chat("raw/m"))
        #expect(answer.status == 200)
        #expect(stage.upstream.bodies.count == 3)
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        #expect(!stage.upstream.bodies[2].contains(#""tools""#))
        stage.finish()
    }

    @Test func aRoundThatFailsIsAFailure() throws {
        let stage = try Self.stage()
        stage.upstream.answers = [
            .body(ToolTalk.answer(ToolTalk.call("calculate", Self.sum))),
            ScriptedUpstream.Answer(status: 503, body: "{}"),
        ]
        let answer = try stage.ask(GatewayStage.chat("raw/m"))
        #expect(answer.status == 503)
        #expect(stage.lines.count == 1)
        stage.finish()
    }

    /// The simulator takes part without a connection.
    @Test func theSimulatorIsAskedWithTools() throws {
        let stage = try Self.stage()
        let answer = try stage.ask(GatewayStage.chat("sim/sim"))
        #expect(answer.status == 200)
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        stage.finish()
    }

    // MARK: Who may ask

    @Test func aRequestMayChooseWhereThatIsAllowed() throws {
        let answers: [ScriptedUpstream.Answer] = [
            .body(ToolTalk.answer(ToolTalk.call("calculate", Self.sum))), Self.text("42"),
        ]
        let fields = "X-Gateway-Tools: Calculate ,  calculate, shell\r\n"
        let allowed = try Self.stage { $0.allowsPerRequest = true }
        allowed.upstream.answers = answers
        #expect(
            try allowed.ask(GatewayStage.chat("raw/m", fields: fields))
                .json("choices", "0", "message", "content") == "42")
        #expect(!allowed.upstream.bodies[0].contains("get_time"))
        #expect(allowed.upstream.heads.allSatisfy { !$0.lowercased().contains("x-gateway") })
        allowed.finish()

        let forbidden = try Self.stage { _ in }
        forbidden.upstream.answers = answers
        let answer = try forbidden.ask(GatewayStage.chat("raw/m", fields: fields))
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(!forbidden.upstream.bodies[0].contains("calculate"))
        forbidden.finish()
    }

    @Test func aRequestMayWantNone() throws {
        let stage = try Self.stage {
            $0.executes = true
            $0.allowsPerRequest = true
        }
        stage.upstream.answers = [Self.text("Hi")]
        _ = try stage.ask(
            GatewayStage.chat("raw/m", fields: "X-Gateway-Tools: none\r\n"))
        #expect(!stage.upstream.bodies[0].contains("calculate"))
        stage.finish()
    }

    @Test func theyWorkOnTextOnlyBackends() throws {
        let stage = try Self.stage()
        let call =
            #"<tool_call>\n{\"name\": \"calculate\", \"arguments\": {\"expression\": "#
            + #"\"6*7\"}}\n</tool_call>"#
        func generation(_ text: String) -> ScriptedUpstream.Answer {
            .body(
                #"{"id":"g","generationDetails":{"generations":[{"id":"g","role":"assistant","#
                    + #""content":"\#(text)"}],"parameters":{}}}"#)
        }
        stage.upstream.answers = [generation(call), generation("It is 42.")]
        let answer = try stage.ask(GatewayStage.chat("text/m"))
        #expect(answer.json("choices", "0", "message", "content") == "It is 42.")
        #expect(stage.upstream.bodies.count == 2)
        #expect(stage.upstream.bodies[1].contains("<tool_response name=\\\"calculate\\\">"))
        stage.finish()
    }
}
