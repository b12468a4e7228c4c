// ScannedToolsTests.swift — what passes the quick look at definitions; what it lets by must be right,
// what it stops need not be wrong.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayTools
import ReactorCore
import Testing

@Suite struct ScannedToolsTests {
    private static func isPlain(_ tools: String, at door: AnswerDoor = .chat) -> Bool {
        tools.withByteSlice { ScannedTools.arePlain($0, at: door) }
    }

    /// Whether the check with a tree finds nothing either.
    private static func isRight(_ tools: String, at door: AnswerDoor) -> Bool {
        let body = #"{"model":"m","tools":\#(tools)}"#
        return body.withByteSlice { bytes in
            do {
                let tree = try JSONArena().read(bytes)
                try ToolDefinitionCheck(relayedAt: door.dialect)
                    .check(try door.decodeTools(tree.root).tools)
                return true
            } catch { return false }
        }
    }

    static let plain: [(AnswerDoor, String)] = [
        (.chat, #"[{"type":"function","function":{"name":"a"}}]"#),
        (
            .chat,
            #"""
            [{"function":{"parameters":{"type":"object","properties":{}},"description":"d","name":"a"},
              "type":"function"}, {"type":"function","function":{"name":"b-B_9","parameters":null}}]
            """#
        ),
        (
            .chat,
            #"[{"type":"function","function":{"name":"a","parameters":{"required":["x"],"#
                + #""properties":{"x":{"type":"array"},"y":true},"$defs":{"z":[1]}}}}]"#
        ),
        (
            .messages,
            #"[{"name":"a","input_schema":{"type":"object"}},{"type":"custom","name":"b"}]"#
        ),
        // What the provider runs itself is its own business.
        (.messages, #"[{"type":"mcp_toolset","mcp_server_name":"x y"}]"#),
        (.responses, #"[{"type":"web_search"},{"type":"function","name":"a","parameters":{}}]"#),
        (.responses, #"[{"type":"custom","name":"patch","format":{"type":"grammar"}}]"#),
    ]

    @Test(arguments: plain)
    func lookedAtAndFine(door: AnswerDoor, tools: String) {
        #expect(Self.isPlain(tools, at: door))
        #expect(Self.isRight(tools, at: door))
    }

    static let wrong: [(AnswerDoor, String)] = [
        (.chat, #"[{"type":"function","function":{"name":"get weather"}}]"#),
        (.chat, #"[{"type":"function","function":{"name":""}}]"#),
        (.chat, #"[{"type":"function","function":{"description":"d"}}]"#),
        (.chat, #"[{"type":"function","function":7}]"#),
        (.chat, #"[{"type":"function"}]"#),
        (.chat, #"["get_weather"]"#),
        (
            .chat,
            #"[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}]"#
        ),
        (.chat, #"[{"type":"function","function":{"name":"a","parameters":[]}}]"#),
        (.chat, #"[{"type":"function","function":{"name":"a","parameters":{"type":"array"}}}]"#),
        (.chat, #"[{"type":"function","function":{"name":"a","parameters":{"properties":[1]}}}]"#),
        (
            .chat,
            #"[{"type":"function","function":{"name":"a","parameters":{"properties":{"x":1},"required":[1]}}}]"#
        ),
        (.chat, #"[{"type":"function","function":{"name":"a","parameters":{"required":"x"}}}]"#),
        (.messages, #"[{"name":"a","input_schema":"none"}]"#),
        (.messages, #"[{"input_schema":{}}]"#),
        (.messages, #"[{"name":"a.b"}]"#),
        (.responses, #"[{"type":"function","name":"a"},{"type":"custom","name":"a"}]"#),
        (.responses, #"[{"type":"function","parameters":{}}]"#),
    ]

    @Test(arguments: wrong)
    func stoppedAndWrong(door: AnswerDoor, tools: String) {
        #expect(!Self.isPlain(tools, at: door))
        #expect(!Self.isRight(tools, at: door))
    }

    @Test(arguments: [
        (AnswerDoor.chat, #"[{"type":"function","function":{"name":"\u0061"}}]"#),
        (.chat, #"[{"type":"function","function":{"name":"a","parameters":{"type":["object"]}}}]"#),
        (.chat, #"[{"type":"custom","custom":{"name":"a"}}]"#),
        (.chat, #"[{"type":"google_search"}]"#),
    ])
    func stoppedAndRight(door: AnswerDoor, tools: String) {
        #expect(!Self.isPlain(tools, at: door))
        #expect(Self.isRight(tools, at: door))
    }

    @Test func manyNamesAreTold() {
        let tools = (0..<2000).map { #"{"type":"function","function":{"name":"tool_\#($0)"}}"# }
        #expect(Self.isPlain("[" + tools.joined(separator: ",") + "]"))
        #expect(!Self.isPlain("[" + (tools + [tools[7]]).joined(separator: ",") + "]"))
    }
}
