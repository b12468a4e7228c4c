import Testing

@testable import GatewayProviders

@Suite struct SimulatorToolsTests {
    private let schema = #"""
        {"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},
         "unit":{"enum":["c","f"]},"deep":{"type":"object","properties":{"x":{"type":["null","string"]}}},
         "list":{"type":"array","items":{"type":"boolean"}},"ref":{"$ref":"#/$defs/p"},
         "any":{"anyOf":[{"type":"number"},{"type":"null"}]}},
         "$defs":{"p":{"type":"integer","minimum":7}}}
        """#

    private func tools(_ more: String = "") -> String {
        #","tools":[{"type":"custom","custom":{"name":"free"}},\#(functionTool("get_weather", schema)),\#(functionTool("get_time", #"{"type":"object","properties":{}}"#))]\#(more)"#
    }

    @Test func callsUnary() throws {
        let played = play(chat("sim-tool", tools()))
        let body = try #require(JSON(played.text))
        let choice = try #require(body["choices"]?[0])
        #expect(choice["finish_reason"]?.string == "tool_calls")
        #expect(choice["message"]?["content"] == .null)
        let calls = choice["message"]?["tool_calls"]?.array ?? []
        #expect(calls.count == 1)
        #expect(calls[0].keys == ["id", "type", "function"])
        #expect(calls[0]["id"]?.string?.hasPrefix("call_") == true)
        #expect(calls[0]["id"]?.string?.count == 29)
        #expect(calls[0]["type"]?.string == "function")
        #expect(calls[0]["function"]?["name"]?.string == "get_weather")
        let arguments = try #require(calls[0]["function"]?["arguments"]?.string)
        let expected = #"""
            {"city":"sample","days":1,"unit":"c","deep":{"x":null},"list":[true],"ref":7,"any":1.5}
            """#
        #expect(JSON(arguments) == JSON(expected))
        let usage = try #require(body["usage"])
        #expect(
            (usage["prompt_tokens"]?.int ?? 0) + (usage["completion_tokens"]?.int ?? 0)
                == usage["total_tokens"]?.int)
    }

    @Test func callsInStreams() throws {
        let unary = try #require(JSON(play(chat("sim-tools2", tools())).text))
        let wanted = unary["choices"]?[0]?["message"]?["tool_calls"]?.array ?? []
        #expect(wanted.map { $0["function"]?["name"]?.string } == ["get_weather", "get_time"])
        let played = play(chat("sim-tools2", tools(#","stream":true"#)))
        let chunks = try played.events.dropLast().map { try #require(JSON($0)) }
        #expect(chunks.first?["choices"]?[0]?["delta"]?["content"] == .null)
        #expect(chunks.last?["choices"]?[0]?["finish_reason"]?.string == "tool_calls")
        var names: [Int: String] = [:]
        var ids: [Int: String] = [:]
        var arguments: [Int: String] = [:]
        var order: [Int] = []
        for chunk in chunks.dropFirst().dropLast() {
            let delta = try #require(chunk["choices"]?[0]?["delta"]?["tool_calls"]?[0])
            let index = try #require(delta["index"]?.int)
            if let name = delta["function"]?["name"]?.string {
                names[index] = name
                ids[index] = delta["id"]?.string
                #expect(delta["type"]?.string == "function")
                #expect(delta["function"]?["arguments"]?.string == "")
            } else {
                #expect(delta.keys == ["index", "function"])
            }
            order.append(index)
            arguments[index, default: ""] += try #require(delta["function"]?["arguments"]?.string)
        }
        #expect(order == order.sorted())
        #expect(names == [0: "get_weather", 1: "get_time"])
        #expect(Set(ids.values).count == 2)
        for (index, call) in wanted.enumerated() {
            #expect(arguments[index] == call["function"]?["arguments"]?.string)
        }
    }

    @Test(
        arguments: [
            ("sim", "Hello", "", nil),
            ("sim", "Please get_time now", "", "get_time"),
            ("sim", "Please get_time now", #","tool_choice":"none""#, nil),
            ("sim-tool", "Hello", #","tool_choice":"none""#, nil),
            ("sim-tool", "Please get_time now", "", "get_time"),
            ("sim", "Hello", #","tool_choice":"required""#, "get_weather"),
            ("sim", "Hello", #","tool_choice":"auto""#, nil),
            (
                "sim", "Hello",
                #","tool_choice":{"type":"function","function":{"name":"get_time"}}"#, "get_time"
            ),
            (
                "sim", "Hello",
                #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#,
                "get_weather"
            ),
        ] as [(String, String, String, String?)])
    func choosesTheTool(
        _ model: String, _ text: String, _ more: String, _ expected: String?
    ) throws {
        let body = try #require(JSON(play(chat(model, text: text, tools(more))).text))
        let message = try #require(body["choices"]?[0]?["message"])
        #expect(message["tool_calls"]?[0]?["function"]?["name"]?.string == expected)
        #expect((message["content"] == .null) == (expected != nil))
    }

    @Test func callsOneAtATimeIfAsked() throws {
        let body = try #require(
            JSON(play(chat("sim-tools2", tools(#","parallel_tool_calls":false"#))).text))
        #expect(body["choices"]?[0]?["message"]?["tool_calls"]?.array.count == 1)
    }

    @Test func answersInWordsAfterAResult() throws {
        let body = #"""
            {"model":"sim-tool","messages":[{"role":"user","content":"get_time"},
             {"role":"assistant","content":null,"tool_calls":[
              {"id":"call_1","type":"function","function":{"name":"get_time","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"call_1","content":"noon"}]\#(tools())}
            """#
        let answer = try #require(JSON(play(body).text))
        #expect(answer["choices"]?[0]?["finish_reason"]?.string == "stop")
        #expect(answer["choices"]?[0]?["message"]?["content"]?.string?.isEmpty == false)
    }

    @Test func cutsCallsAtTheLimit() throws {
        let body = try #require(JSON(play(chat("sim-tool", tools(#","max_tokens":3"#))).text))
        #expect(body["choices"]?[0]?["finish_reason"]?.string == "length")
        let call = body["choices"]?[0]?["message"]?["tool_calls"]?[0]
        #expect(call?["function"]?["arguments"]?.string?.utf8.count == 24)
    }

    @Test func fitsTheAskedFormat() throws {
        let format =
            #","response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":\#(schema)}}"#
        let body = try #require(JSON(play(chat("sim", format)).text))
        let content = try #require(body["choices"]?[0]?["message"]?["content"]?.string)
        #expect(JSON(content)?["city"]?.string == "sample")
        let any = try #require(
            JSON(play(chat("sim", #","response_format":{"type":"json_object"}"#)).text))
        #expect(any["choices"]?[0]?["message"]?["content"]?.string == "{}")
        let text = try #require(
            JSON(play(chat("sim", #","response_format":{"type":"text"}"#)).text))
        #expect(text["usage"]?["completion_tokens"]?.int == 64)
    }

    /// Schemas are the client's: neither loops nor breadth times depth may cost much.
    @Test func boundsSamples() throws {
        let loop =
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}}}"##
        var wide = #"{"type":"string"}"#
        for _ in 0..<4 {
            let members = (0..<9).map { #""p\#($0)":\#(wide)"# }.joined(separator: ",")
            wide = #"{"type":"object","properties":{\#(members)}}"#
        }
        for (parameters, bytesMax) in [(loop, 64), (wide, 8_000)] {
            let more = #","tools":[\#(functionTool("f", parameters))]"#
            let body = try #require(JSON(play(chat("sim-tool", more)).text))
            let call = body["choices"]?[0]?["message"]?["tool_calls"]?[0]
            let arguments = try #require(call?["function"]?["arguments"]?.string)
            #expect(JSON(arguments) != nil)
            #expect(arguments.utf8.count < bytesMax)
        }
    }
}
