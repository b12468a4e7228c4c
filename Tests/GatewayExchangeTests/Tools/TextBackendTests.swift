// TextBackendTests.swift — tools on backends that know text only, and streams that are answered in one
// piece.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import Testing

@Suite struct TextBackendTests {
    private static let call =
        "I look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n"
        + "</tool_call>"

    /// An answer of Salesforce's Models API.
    private static func generation(_ text: String) -> ScriptedUpstream.Answer {
        let escaped = text.replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return .body(
            #"{"id":"g","generationDetails":{"generations":[{"id":"g-0","role":"assistant","#
                + #""content":"\#(escaped)","parameters":{"finish_reason":"stop"}}],"parameters":{"#
                + #""model":"m","usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}}}"#
        )
    }

    @Test func definitionsGoIntoThePromptAndCallsComeBack() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation(Self.call)]
        let answer = try stage.ask(ToolTalk.ask("text/m"))
        let path = ["choices", "0", "message", "tool_calls", "0"]
        func member(_ names: String...) -> String? { Answer.value(of: answer.body, path + names) }
        #expect(answer.status == 200)
        #expect(member("function", "name") == "get_weather")
        #expect(member("function", "arguments")?.filter { $0 != " " } == #"{"city":"Oslo"}"#)
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(answer.json("choices", "0", "message", "content") == "I look.")
        #expect(answer.fields["x-stream-downgraded"] == "false")
        let body = stage.upstream.bodies[0]
        #expect(!body.contains(#""tools""#))
        let prompt = Answer.value(of: body, ["messages", "0", "content"])
        #expect(prompt?.contains("<tools>") == true)
        #expect(prompt?.contains("find_flight") == true)
        stage.finish()
    }

    @Test func resultsAndEarlierCallsAreTold() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation("It rains.")]
        let call = ToolTalk.call("get_weather", #""{\"city\": \"Oslo\"}""#)
        let answer = try stage.ask(
            GatewayStage.post(
                #"{"model":"text/m","tool_choice":"auto","tools":[\#(ToolTalk.tool("get_weather"))],"#
                    + #""messages":[{"role":"user","content":"Weather?"},{"role":"assistant","#
                    + #""content":null,"tool_calls":[\#(call)]},{"role":"tool","#
                    + #""tool_call_id":"call_1","content":"rain"}]}"#))
        #expect(answer.json("choices", "0", "message", "content") == "It rains.")
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        let body = stage.upstream.bodies[0]
        let turn = Answer.value(of: body, ["messages", "2", "content"])
        #expect(turn?.contains("<tool_call>") == true)
        #expect(
            Answer.value(of: body, ["messages", "3", "content"])?
                .contains("<tool_response name=\"get_weather\">\nrain") == true)
        stage.finish()
    }

    // MARK: Streams

    @Test(arguments: ["", "Accept: application/json\r\n", "Accept: */*\r\n"])
    func aStreamIsAnsweredInOnePiece(fields: String) throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation(Self.call)]
        let answer = try stage.ask(ToolTalk.ask("text/m", stream: true, fields: fields))
        #expect(answer.fields["content-type"] == "application/json; charset=utf-8")
        #expect(answer.fields["x-stream-downgraded"] == "true")
        #expect(answer.json("object") == "chat.completion")
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(stage.logged("stream") == nil)
        #expect(stage.worker.counters.streams == 0)
        stage.finish()
    }

    @Test(arguments: [
        "Accept: text/event-stream\r\n", "Accept: application/json, TEXT/event-stream\r\n",
        "X-Stainless-Lang: python\r\n",
    ])
    func aClientOfStreamsGetsOneInABurst(fields: String) throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation(Self.call)]
        let answer = try stage.ask(ToolTalk.ask("text/m", stream: true, fields: fields))
        #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
        #expect(answer.fields["x-stream-downgraded"] == "true")
        let whole = ToolTalk.accumulate(answer)
        #expect(whole.calls.map(\.name) == ["get_weather"])
        #expect(whole.text == "I look.")
        #expect(whole.finish == "tool_calls")
        #expect(whole.roles == 1)
        #expect(answer.events.last == "[DONE]")
        #expect(stage.logged("stream") == "true")
        stage.finish()
    }

    private static func settings(
        _ target: String, _ change: (inout ModelSettings) -> Void
    ) -> StageSettings {
        var settings = StageSettings()
        var model = ModelSettings()
        change(&model)
        settings.models = [("mine", target, model)]
        return settings
    }

    @Test func theFormCanBeSaid() throws {
        for (form, type) in [(DowngradeForm.json, "application/json"), (.sse, "text/event-stream")]
        {
            let stage = try GatewayStage(Self.settings("text") { $0.downgradeForm = form })
            stage.upstream.answers = [Self.generation(Self.call)]
            let fields = form == .json ? "Accept: text/event-stream\r\n" : ""
            let answer = try stage.ask(ToolTalk.ask("mine", stream: true, fields: fields))
            #expect(answer.fields["content-type"] == "\(type); charset=utf-8")
            #expect(answer.fields["x-stream-downgraded"] == "true")
            stage.finish()
        }
    }

    @Test func nativeKeepsTheStream() throws {
        let stage = try GatewayStage(Self.settings("text") { $0.streamTools = .native })
        stage.upstream.answers = [Self.generation(Self.call)]
        let answer = try stage.ask(ToolTalk.ask("mine", stream: true))
        #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
        #expect(answer.fields["x-stream-downgraded"] == "false")
        #expect(ToolTalk.accumulate(answer).calls.map(\.name) == ["get_weather"])
        stage.finish()
    }

    @Test func aBackendWithToolsIsDowngradedWhereItIsSaid() throws {
        let stage = try GatewayStage(Self.settings("raw") { $0.streamTools = .downgrade })
        stage.upstream.answers = [
            .body(ToolTalk.answer(ToolTalk.call("get_weather", #""{\"city\": \"Oslo\"}""#)))
        ]
        let answer = try stage.ask(ToolTalk.ask("mine", stream: true))
        #expect(answer.fields["x-stream-downgraded"] == "true")
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(Answer.value(of: stage.upstream.bodies[0], ["stream"]) != "true")
        stage.finish()
    }

    @Test func withoutToolsAStreamStaysOne() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation("Hello.")]
        let answer = try stage.ask(GatewayStage.chat("text/m", stream: true))
        #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
        #expect(answer.fields["x-stream-downgraded"] == "false")
        #expect(ToolTalk.accumulate(answer).text == "Hello.")
        stage.finish()
    }

    @Test func aFailureOfADowngradedStreamHasItsStatus() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [ScriptedUpstream.Answer(status: 429, body: "{}")]
        let answer = try stage.ask(
            ToolTalk.ask("text/m", stream: true, fields: "Accept: text/event-stream\r\n"))
        #expect(answer.status == 429)
        stage.finish()
    }

    /// What the registry says of a model holds for a provider that is relayed otherwise.
    @Test func theRegistryMakesAModelTextOnly() throws {
        var settings = StageSettings()
        var overrides = CapabilityOverrides()
        overrides.tools = .text
        settings.hasTextModels = true
        settings.capabilities = CapabilityRegistry(layers: [[CapabilityEntry("plain*", overrides)]])
        let stage = try GatewayStage(settings)
        let answer =
            #"{"id":"c","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":"<tool_call>\n{\"name\": "#
            + #"\"get_weather\", \"arguments\": {}}\n</tool_call>"},"finish_reason":"stop"}]}"#
        stage.upstream.answers = [.body(answer)]
        let text = try stage.ask(ToolTalk.ask("raw/plain-1"))
        #expect(text.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(stage.upstream.bodies[0].contains("<tools>"))
        // Any other is relayed.
        #expect(try stage.ask(ToolTalk.ask("raw/other")).body == answer)
        stage.finish()
    }
}
