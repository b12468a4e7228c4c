// RelayDefinitionTests.swift — definitions of requests that are relayed: refused in the words of the
// translate lane, and else passed on byte for byte.

import GatewayExchange
import Testing

@Suite struct RelayDefinitionTests {
    private static let messages = #""messages":[{"role":"user","content":"x"}]"#

    private static func ask(_ door: String, _ tools: String) -> String {
        switch door {
        case "messages":
            GatewayStage.post(
                #"{"model":"claude/m","max_tokens":9,\#(messages),"tools":\#(tools)}"#,
                to: "/v1/messages")
        case "responses":
            GatewayStage.post(
                #"{"model":"newer/m","input":"x","tools":\#(tools)}"#, to: "/v1/responses")
        default: GatewayStage.post(#"{"model":"raw/m",\#(messages),"tools":\#(tools)}"#)
        }
    }

    @Test(arguments: [
        (
            "chat", #"[{"type":"function","function":{"name":"get weather"}}]"#,
            "tools[0].function.name", "get weather"
        ),
        (
            "chat",
            #"[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}]"#,
            "tools[1].function.name", "'a'"
        ),
        (
            "chat",
            #"[{"type":"function","function":{"name":"a","parameters":{"type":"array"}}}]"#,
            "tools[0].function.parameters.type", "'a'"
        ),
        (
            "responses", #"[{"type":"function","name":"a b","parameters":{}}]"#, "tools[0].name",
            "'a b'"
        ),
    ])
    func aBadOneIsNamed(door: String, tools: String, parameter: String, words: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(Self.ask(door, tools))
        #expect(answer.status == 400)
        #expect(answer.json("error", "param") == parameter)
        #expect(answer.json("error", "message")?.contains(words) == true)
        #expect(stage.upstream.bodies.isEmpty)
        stage.finish()
    }

    @Test func theMessagesDoorSaysThePlaceFirst() throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(Self.ask("messages", #"[{"name":"a"},{"name":"b c"}]"#))
        #expect(answer.status == 400)
        #expect(answer.json("type") == "error")
        #expect(answer.json("error", "message")?.hasPrefix("tools[1].name: ") == true)
        #expect(stage.upstream.bodies.isEmpty)
        stage.finish()
    }

    @Test(arguments: [
        // How many and how long is the upstream's to say.
        (
            "chat",
            "["
                + (0..<300).map {
                    #"{"type":"function","function":{"name":"mcp__server__a_name_of_more_than_sixty_four_characters_with_a_number_\#($0)"}}"#
                }.joined(separator: ",") + "]"
        ),
        (
            "chat",
            #"[{"type":"function","function":{"name":"a","parameters":{"type":"object","properties":{}}}}]"#
        ),
        ("chat", #"[{"type":"some_tool_of_theirs","x":[1]}]"#),
        ("messages", #"[{"type":"mcp_toolset","mcp_server_name":"docs"},{"name":"a"}]"#),
        ("responses", #"[{"type":"mcp","server_url":"https://a.example"},{"type":"web_search"}]"#),
    ])
    func aGoodOneIsPassedOn(door: String, tools: String) throws {
        let stage = try GatewayStage()
        _ = try stage.ask(Self.ask(door, tools))
        #expect(stage.upstream.bodies.count == 1)
        #expect(stage.upstream.bodies.first?.contains(tools) == true)
        stage.finish()
    }
}
