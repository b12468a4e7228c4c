import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct ToolDefinitionCheckTests {
    private func complaint(
        _ json: String, door: Dialect = .chat, target: Dialect = .chat
    ) throws -> String? {
        let bytes = Array(json.utf8)
        return try bytes.withUnsafeBytes {
            let tree = try JSONArena().read(ByteSlice($0))
            let request = try RequestSketch.read(tree.root)
            do throws(Failure) {
                try ToolDefinitionCheck(door: door, target: target).check(request)
                return nil
            } catch { return "\(error.parameter ?? "-"): \(error.message)" }
        }
    }

    @Test(arguments: [
        #"{"tools":[{"name":"a","parameters":{"type":"object","properties":{}}}]}"#,
        #"{"tools":[{"name":"a"},{"name":"b-B_9","parameters":{}}]}"#,
        #"{"tools":[{"name":"a","parameters":{"type":["object","null"],"properties":{"x":true}}}]}"#,
        #"{"tools":[{"name":"a","custom":true}],"choice":{"named":"a"}}"#,
        #"{"tools":[{"name":"","of":"messages"}]}"#,
        ##"{"tools":[{"name":"mail","description":"To {{ $fromAI(\"to\", \"\", \"string\") }}"}]}"##,
    ])
    func goodDefinitionsPass(_ json: String) throws {
        #expect(try complaint(json) == nil)
    }

    @Test(arguments: [
        (
            #"{"tools":[{"name":"a"},{"name":""}]}"#,
            "tools[1].function.name: A tool must have a name."
        ),
        (
            #"{"tools":[{"name":"a"},{"name":"b"},{"name":"get weather"}]}"#,
            "tools[2].function.name: A tool's name consists of letters, digits, '_' and '-'; "
                + "'get weather' does not."
        ),
        (
            #"{"tools":[{"name":"a"},{"name":"a"}]}"#,
            "tools[1].function.name: There are two tools with the name 'a'."
        ),
        (
            #"{"tools":[{"name":"a","parameters":[]}]}"#,
            "tools[0].function.parameters: The parameters of the tool 'a' must be a JSON Schema, "
                + "an object."
        ),
        (
            #"{"tools":[{"name":"a","parameters":{"type":"string"}}]}"#,
            "tools[0].function.parameters.type: The parameters of the tool 'a' must be of the type "
                + "'object'."
        ),
        (
            #"{"tools":[{"name":"a","parameters":{"properties":[]}}]}"#,
            "tools[0].function.parameters.properties: The properties of the tool 'a' must be an "
                + "object."
        ),
        (
            #"{"tools":[{"name":"a","parameters":{"properties":{"x":1}}}]}"#,
            "tools[0].function.parameters.properties: The property 'x' of the tool 'a' must be a "
                + "schema."
        ),
        (
            #"{"tools":[{"name":"a","parameters":{"required":"x"}}]}"#,
            "tools[0].function.parameters.required: The required properties of the tool 'a' must be "
                + "an array of strings."
        ),
        (
            #"{"tools":[{"name":"a"}],"choice":{"named":"b"}}"#,
            "tool_choice: 'tool_choice' names the tool 'b', which is not in 'tools'."
        ),
        (
            #"{"tools":[],"choice":"required"}"#,
            "tool_choice: 'tool_choice' asks for a call, but there are no tools."
        ),
        (
            #"{"tools":[{"name":"a"}],"choice":"auto","allowed":["c"]}"#,
            "tool_choice: 'tool_choice' names the tool 'c', which is not in 'tools'."
        ),
    ])
    func badDefinitionsAreNamed(_ json: String, _ expected: String) throws {
        #expect(try complaint(json) == expected)
    }

    @Test func placesAreInTheDoorsWords() throws {
        let json = #"{"tools":[{"name":"a b","parameters":{}}]}"#
        #expect(try complaint(json, door: .messages)?.hasPrefix("tools[0].name: ") == true)
        let schema = #"{"tools":[{"name":"a","parameters":{"type":"array"}}]}"#
        #expect(
            try complaint(schema, door: .messages)?.hasPrefix("tools[0].input_schema.type: ")
                == true)
        #expect(
            try complaint(schema, door: .responses)?.hasPrefix("tools[0].parameters.type: ") == true
        )
    }

    @Test func namesFollowTheTarget() throws {
        let long = #"{"tools":[{"name":"\#(String(repeating: "a", count: 100))"}]}"#
        #expect(try complaint(long, target: .chat) != nil)
        #expect(try complaint(long, target: .messages) == nil)
        let dotted = #"{"tools":[{"name":"a.b:c"}]}"#
        #expect(try complaint(dotted, target: .gemini) == nil)
        #expect(try complaint(dotted, target: .messages) != nil)
        let digit = #"{"tools":[{"name":"9a"}]}"#
        #expect(try complaint(digit, target: .gemini) != nil)
        #expect(try complaint(digit, target: .chat) == nil)
    }

    @Test func tooManyAreRefused() throws {
        let tools = (0..<129).map { #"{"name":"t\#($0)"}"# }.joined(separator: ",")
        #expect(try complaint(#"{"tools":[\#(tools)]}"#)?.hasPrefix("tools: There are 129") == true)
    }
}
