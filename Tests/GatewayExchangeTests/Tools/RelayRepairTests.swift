// RelayRepairTests.swift — tool calls on the relay lane: byte for byte where nothing is wrong, set
// right where something is, in whole answers and in streams.

import GatewayExchange
import GatewayModel
import Testing

@Suite struct RelayRepairTests {
    private static let good = #""{\"city\": \"Oslo\"}""#

    // MARK: Whole answers

    @Test(arguments: [
        ToolTalk.answer(ToolTalk.call("get_weather", good)),
        // A name of no tool is the caller's agent's to answer.
        ToolTalk.answer(ToolTalk.call("other_tool", good)),
        ToolTalk.answer(
            ToolTalk.call("get_weather", good, id: "a"), ToolTalk.call("find_flight", good, id: "b")
        ),
    ])
    func aGoodAnswerLeavesByteForByte(body: String) throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(body)]
        let answer = try stage.ask(ToolTalk.ask("raw/m"))
        #expect(answer.body == body)
        #expect(answer.fields["x-gateway-repairs"] == nil)
        #expect(stage.logged("repairs") == nil)
        #expect(stage.lines.count == 1)
        #expect(stage.worker.counters.repairs == 0)
        stage.finish()
    }

    private static let oslo = #"{"city": "Oslo"}"#

    /// A call, its name and arguments when it arrives, and what is said of it.
    static let broken: [(call: String, name: String, arguments: String, repairs: String)] = [
        (ToolTalk.call("functions.get_weather", good), "get_weather", oslo, "name=1"),
        (ToolTalk.call(nil, good), "get_weather", oslo, "name=1"),
        (ToolTalk.call("get_weather", #""{'city': 'Oslo'}""#), "get_weather", oslo, "syntax=1"),
        (
            ToolTalk.call("get_weather", #""{\"city\": \"Os""#), "get_weather",
            #"{"city": "Os"}"#, "syntax=1"
        ),
        (
            ToolTalk.call("get_weather", #""Sure: {\"city\": \"Oslo\"} is it""#), "get_weather",
            oslo, "extracted=1"
        ),
        // The object itself, where a text belongs.
        (ToolTalk.call("get_weather", oslo), "get_weather", oslo, "form=1"),
        (ToolTalk.call("get_weather", good, id: nil), "get_weather", oslo, "form=1"),
    ]

    @Test(arguments: broken.indices)
    func aBrokenAnswerIsRepaired(index: Int) throws {
        let (call, name, arguments, repairs) = Self.broken[index]
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(ToolTalk.answer(call))]
        let answer = try stage.ask(ToolTalk.ask("raw/m", tools: ["get_weather"]))
        let path = ["choices", "0", "message", "tool_calls", "0"]
        func member(_ names: String...) -> String? { Answer.value(of: answer.body, path + names) }
        #expect(answer.status == 200)
        #expect(member("function", "name") == name)
        #expect(Self.plain(member("function", "arguments")) == Self.plain(arguments))
        #expect(member("type") == "function")
        #expect(member("id")?.hasPrefix("call_") == true)
        #expect(answer.json("id") == "chatcmpl-up")
        #expect(answer.json("usage", "total_tokens") == "8")
        #expect(answer.json("choices", "0", "finish_reason") == "tool_calls")
        #expect(answer.fields["x-gateway-repairs"] == repairs)
        #expect(stage.logged("repairs") == repairs)
        let mends = repairs.hasPrefix("syntax") || repairs.hasPrefix("extracted")
        #expect(
            stage.lines.filter { $0.contains("JSON recovery successful") }.count == (mends ? 1 : 0))
        #expect(stage.worker.counters.repairs == 1)
        stage.finish()
    }

    private static func plain(_ json: String?) -> String? { json?.filter { $0 != " " } }

    @Test func emptyArgumentsBecomeAnObjectAndNoFault() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(ToolTalk.answer(ToolTalk.call("get_weather", "\"\"")))]
        let answer = try stage.ask(ToolTalk.ask("raw/m"))
        let arguments = answer.json(
            "choices", "0", "message", "tool_calls", "0", "function", "arguments")
        #expect(arguments == "{}")
        stage.finish()
    }

    @Test func twoCallsOfOneIDGetTwo() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .body(
                ToolTalk.answer(
                    ToolTalk.call("get_weather", Self.good), ToolTalk.call("find_flight", Self.good)
                ))
        ]
        let answer = try stage.ask(ToolTalk.ask("raw/m"))
        let path = ["choices", "0", "message", "tool_calls"]
        #expect(Answer.value(of: answer.body, path + ["0", "id"]) == "call_1")
        let other = Answer.value(of: answer.body, path + ["1", "id"])
        #expect(other?.hasPrefix("call_") == true)
        #expect(other != "call_1")
        #expect(answer.fields["x-gateway-repairs"] == "id=1")
        stage.finish()
    }

    @Test func aCallBeyondRepairIsText() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .body(ToolTalk.answer(ToolTalk.call("get_weather", #""no idea""#)))
        ]
        let answer = try stage.ask(ToolTalk.ask("raw/m"))
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        #expect(answer.json("choices", "0", "message", "content") == "get_weather no idea")
        #expect(answer.fields["x-gateway-repairs"] == "text=1")
        stage.finish()
    }

    @Test func withoutToolsNothingIsLookedAt() throws {
        let stage = try GatewayStage()
        let body = ToolTalk.answer(ToolTalk.call("x.y", #""{'a'""#))
        stage.upstream.answers = [.body(body)]
        #expect(try stage.ask(GatewayStage.chat("raw/m")).body == body)
        stage.finish()
    }

    // MARK: Streams

    @Test(arguments: [
        [
            ToolTalk.role, ToolTalk.calls(ToolTalk.call("get_weather", "\"\"", index: 0)),
            ToolTalk.more(#""{\"city\": ""#), ToolTalk.more(#""\"Oslo\"}""#), ToolTalk.end,
        ],
        // Text first, then two calls.
        [
            ToolTalk.chunk(#"{"role":"assistant","content":"Well"}"#),
            ToolTalk.chunk(#"{"content":", so"}"#),
            ToolTalk.calls(ToolTalk.call("get_weather", good, index: 0)),
            ToolTalk.calls(ToolTalk.call("find_flight", good, id: "call_2", index: 1)),
            ToolTalk.end,
        ],
    ])
    func aGoodStreamLeavesByteForByte(chunks: [String]) throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.stream(chunks)]
        let answer = try stage.ask(ToolTalk.ask("raw/m", stream: true))
        #expect(answer.events == chunks + ["[DONE]"])
        #expect(stage.logged("repairs") == nil)
        stage.finish()
    }

    @Test func aNameIsSetRightWhereItComesAndNothingElseIsTouched() throws {
        let stage = try GatewayStage()
        let chunks = [
            ToolTalk.role, ToolTalk.calls(ToolTalk.call("functions.get_weather", "\"\"", index: 0)),
            ToolTalk.more(#""{\"city\": ""#), ToolTalk.more(#""\"Oslo\"}""#), ToolTalk.end,
        ]
        stage.upstream.answers = [.stream(chunks)]
        let answer = try stage.ask(ToolTalk.ask("raw/m", stream: true))
        #expect(answer.events[0] == chunks[0])
        #expect(answer.events[1] != chunks[1])
        #expect(Array(answer.events.suffix(4)) == Array(chunks.suffix(3)) + ["[DONE]"])
        for event in answer.events.dropLast() {
            #expect(Answer.value(of: event, ["id"]) == "chatcmpl-up")
        }
        let whole = ToolTalk.accumulate(answer)
        #expect(
            whole.calls == [
                .init(id: "call_1", name: "get_weather", arguments: #"{"city": "Oslo"}"#)
            ])
        #expect(whole.roles == 1)
        #expect(stage.logged("repairs") == "name=1")
        #expect(stage.worker.counters.repairs == 1)
        stage.finish()
    }

    @Test func openArgumentsAreClosedInFrontOfTheEnd() throws {
        let stage = try GatewayStage()
        let chunks = [
            ToolTalk.role, ToolTalk.calls(ToolTalk.call("get_weather", "\"\"", index: 0)),
            ToolTalk.more(#""{\"city\": \"Os""#), ToolTalk.end,
        ]
        stage.upstream.answers = [.stream(chunks)]
        let answer = try stage.ask(ToolTalk.ask("raw/m", stream: true))
        #expect(answer.events.count == chunks.count + 2)
        #expect(Array(answer.events.prefix(3)) == Array(chunks.prefix(3)))
        #expect(Array(answer.events.suffix(2)) == [ToolTalk.end, "[DONE]"])
        let whole = ToolTalk.accumulate(answer)
        #expect(whole.calls.map(\.arguments) == [#"{"city": "Os"}"#])
        #expect(whole.finish == "tool_calls")
        #expect(stage.logged("repairs") == "closed=1")
        #expect(stage.lines.filter { $0.contains("JSON recovery successful") }.count == 1)
        stage.finish()
    }

    /// All calls under the number 0, no ids, no role before.
    @Test func numbersAndIdsAreMade() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .stream([
                ToolTalk.calls(ToolTalk.call("get_weather", Self.good, id: nil, index: 0)),
                ToolTalk.calls(ToolTalk.call("find_flight", Self.good, id: nil, index: 0)),
                ToolTalk.end,
            ])
        ]
        let whole = ToolTalk.accumulate(try stage.ask(ToolTalk.ask("raw/m", stream: true)))
        #expect(whole.calls.map(\.name) == ["get_weather", "find_flight"])
        #expect(Set(whole.calls.map(\.id)).count == 2)
        #expect(whole.calls.allSatisfy { $0.id.hasPrefix("call_") && $0.arguments.count == 16 })
        #expect(whole.roles == 1)
        #expect(stage.logged("repairs") == "form=1")
        stage.finish()
    }

    /// A call that is never closed, and one that begins behind it.
    @Test func callsInTurnsComeInOrderAndOnce() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .stream([
                ToolTalk.role, ToolTalk.calls(ToolTalk.call("get_weather", "\"\"", index: 0)),
                ToolTalk.more(#""{\"city\": \"Oslo\"""#),
                ToolTalk.calls(ToolTalk.call("find_flight", "\"\"", id: "call_2", index: 1)),
                ToolTalk.more(#""{\"city\": \"Bergen\"}""#, index: 1), ToolTalk.end,
            ])
        ]
        let whole = ToolTalk.accumulate(try stage.ask(ToolTalk.ask("raw/m", stream: true)))
        #expect(
            whole.calls == [
                .init(id: "call_1", name: "get_weather", arguments: #"{"city": "Oslo"}"#),
                .init(id: "call_2", name: "find_flight", arguments: #"{"city": "Bergen"}"#),
            ])
        #expect(whole.finish == "tool_calls")
        #expect(whole.roles == 1)
        stage.finish()
    }

    @Test func aCallWithoutANameIsNamedAtItsEnd() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .stream([
                ToolTalk.role, ToolTalk.calls(ToolTalk.call(nil, Self.good, index: 0)),
                ToolTalk.end,
            ])
        ]
        let whole = ToolTalk.accumulate(
            try stage.ask(ToolTalk.ask("raw/m", stream: true, tools: ["get_weather"])))
        #expect(
            whole.calls == [
                .init(id: "call_1", name: "get_weather", arguments: #"{"city": "Oslo"}"#)
            ])
        stage.finish()
    }

    @Test func usageInAChunkThatIsReplacedIsStillTold() throws {
        let stage = try GatewayStage()
        let usage = #","usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}"#
        // Name and end in one chunk: nothing of it can stay.
        let last =
            ToolTalk.chunk(
                #"{"tool_calls":[\#(ToolTalk.call("functions.get_weather", Self.good, index: 0))]}"#,
                finish: "tool_calls"
            ).dropLast() + usage
        stage.upstream.answers = [.stream([ToolTalk.role, String(last)])]
        let answer = try stage.ask(
            ToolTalk.ask(
                "raw/m", stream: true, more: #","stream_options":{"include_usage":true}"#))
        let totals = answer.events.compactMap { Answer.value(of: $0, ["usage", "total_tokens"]) }
        #expect(totals == ["8"])
        #expect(ToolTalk.accumulate(answer).calls.map(\.name) == ["get_weather"])
        #expect(answer.events.last == "[DONE]")
        stage.finish()
    }

    /// What the model in the middle has no word for goes with the words that replace a chunk.
    @Test func membersOfARewrittenChunkStay() throws {
        let more = #""service_tier":"flex","system_fingerprint":"fp_1","x_more":{"a":[1.50]},"#
        func with(_ chunk: String) -> String { "{" + more + chunk.dropFirst() }
        let filler = String(repeating: "x", count: 1100)
        let long = with(ToolTalk.end).replacing(
            #""x_more""#, with: #""x_long":"\#(filler)","x_more""#)
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .stream(
                [
                    with(ToolTalk.role),
                    with(ToolTalk.calls(ToolTalk.call("functions.get_weather", "\"\"", index: 0))),
                    with(ToolTalk.more(#""{\"city\": \"Os""#)), long,
                ])
        ]
        let answer = try stage.ask(ToolTalk.ask("raw/m", stream: true))
        #expect(answer.events.count == 6)
        for event in answer.events.dropLast() {
            #expect(Answer.value(of: event, ["system_fingerprint"]) == "fp_1", "\(event)")
            #expect(Answer.value(of: event, ["service_tier"]) == "flex")
            #expect(event.contains(#""x_more":{"a":[1.50]}"#))
            #expect(Answer.value(of: event, ["id"]) == "chatcmpl-up")
        }
        // Of the end, the piece before it is new: it has what is short enough.
        #expect(Answer.value(of: answer.events[3], ["x_long"]) == nil)
        #expect(answer.events[4] == long)
        #expect(ToolTalk.accumulate(answer).calls.map(\.arguments) == [#"{"city": "Os"}"#])
        #expect(stage.logged("repairs") == "name=1, closed=1")
        stage.finish()
    }

    // MARK: Held

    @Test func holdRepairsAStreamWholly() throws {
        var settings = StageSettings()
        var model = ModelSettings()
        model.repair = .hold
        settings.models = [("held", "raw", model)]
        let stage = try GatewayStage(settings)
        stage.upstream.answers = [
            .stream([
                ToolTalk.role, ToolTalk.calls(ToolTalk.call("get_weather", "\"\"", index: 0)),
                ToolTalk.more(#""{'city': 'Oslo',}""#), ToolTalk.end,
            ])
        ]
        let whole = ToolTalk.accumulate(try stage.ask(ToolTalk.ask("held", stream: true)))
        #expect(whole.calls.map(\.arguments).map(Self.plain) == [#"{"city":"Oslo"}"#])
        #expect(stage.logged("repairs") == "syntax=1")
        stage.finish()
    }
}
