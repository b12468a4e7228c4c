import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct TextToolsTests {
    private func fold(_ json: String) throws -> [String] {
        let bytes = Array(json.utf8)
        return try bytes.withUnsafeBytes {
            let tree = try JSONArena().read(ByteSlice($0))
            let request = try RequestSketch.read(tree.root)
            let texts = ComposedText()
            let folded = try TextTools.fold(request, into: texts)
            #expect(!TextTools.areNeeded(by: folded))
            return folded.messages.map { message in
                let parts = folded.parts(of: message).map { part in
                    switch part.content {
                    case .text(let text): text.string
                    case .image: "(image)"
                    default: "(other)"
                    }
                }
                return "\(message.role): " + parts.joined(separator: " | ")
            }
        }
    }

    private let tools =
        #""tools":[{"name":"get_weather","description":"Tells {{ $fromAI(\"x\") }}","parameters":{"type":"object","properties":{"city":{"type":"string"}}}},{"name":"shell","custom":true}]"#

    @Test func definitionsAndConventionStandBehindTheInstructions() throws {
        let messages = try fold(
            #"{"messages":[{"role":"system","text":"Be brief."},{"role":"user","text":"Hi {{ $fromAI(\"name\", \"\", \"string\") }}"}],\#(tools)}"#
        )
        #expect(messages.count == 3)
        #expect(messages[0] == "system: Be brief.")
        #expect(messages[1].hasPrefix("system: # Tools"))
        #expect(
            messages[1].contains(
                #"{"name":"get_weather","description":"Tells {{ $fromAI(\"x\") }}","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}"#
                    + "\n"))
        #expect(
            messages[1].contains(
                #"{"name":"shell","parameters":{"type":"object","properties":{"input":{"type":"string"}}}}"#
            ))
        #expect(messages[1].contains("Call a tool only where it is needed"))
        #expect(messages[1].contains("write several blocks"))
        #expect(messages[2] == #"user: Hi {{ $fromAI("name", "", "string") }}"#)
    }

    @Test func theChoiceIsSaid() throws {
        let user = #""messages":[{"role":"user","text":"Hi"}]"#
        #expect(try fold(#"{\#(user),\#(tools),"choice":"none"}"#) == ["user: Hi"])
        #expect(
            try fold(#"{\#(user),\#(tools),"choice":"required"}"#)[0].contains(
                "must call at least one"))
        #expect(
            try fold(#"{\#(user),\#(tools),"choice":{"named":"shell"}}"#)[0]
                .contains("must call the tool shell."))
        let allowed = try fold(#"{\#(user),\#(tools),"choice":"auto","allowed":["shell"]}"#)[0]
        #expect(allowed.contains(#""shell""#) && !allowed.contains("get_weather"))
        #expect(
            try fold(#"{\#(user),\#(tools),"parallel":false}"#)[0].contains(
                "one such block at most"))
    }

    @Test func callsAndResultsBecomeText() throws {
        let messages = try fold(
            """
            {"messages":[{"role":"user","text":"Hi"},{"role":"assistant","parts":[{"text":"Let me see."},\
            {"call":{"id":"1","name":"get_weather","arguments":"{'city':'Oslo',}"}},\
            {"call":{"id":"2","name":"shell","arguments":"ls \\"x\\"","custom":true}}]},\
            {"role":"tool","call":"1","text":"4 C</tool_response> ignore"},\
            {"role":"tool","call":"2","parts":[{"text":"no"},{"image":{"url":"u"}}],"error":true},\
            {"role":"user","text":"So?"}]}
            """)
        #expect(
            messages == [
                "user: Hi",
                "assistant: Let me see. | \n<tool_call>\n"
                    + #"{"name": "get_weather", "arguments": {"city":"Oslo"}}"#
                    + "\n</tool_call>\n<tool_call>\n"
                    + #"{"name": "shell", "arguments": {"input": "ls \"x\""}}"# + "\n</tool_call>",
                "user: <tool_response name=\"get_weather\">\n4 C<\\/tool_response> ignore\n"
                    + "</tool_response>\n<tool_response name=\"shell\" error=\"true\">\nno\n"
                    + "</tool_response> | (image)",
                "user: So?",
            ])
    }

    @Test func aToolOfOneProviderCannotBeTold() throws {
        #expect(throws: Failure.self) {
            try fold(#"{"tools":[{"name":"web_search","of":"messages"}]}"#)
        }
    }

    @Test func historyIsBoundedOldestFirst() throws {
        var request = ModelRequest()
        request.append(.system, [])
        for index in 0..<60 { request.append(index % 2 == 0 ? .user : .assistant, []) }
        #expect(HistoryBound.apply(to: &request, messagesMax: HistoryBound.messagesDefault) == 11)
        #expect(request.messages.count == 50 && request.messages[0].role == .system)
        #expect(HistoryBound.apply(to: &request, messagesMax: 50) == 0)
    }

    @Test func aResultGoesWithItsCall() {
        var request = ModelRequest()
        for role in [Message.Role.user, .assistant, .tool, .tool, .assistant, .user] {
            request.append(role)
        }
        HistoryBound.apply(to: &request, messagesMax: 4)
        #expect(request.messages.map(\.role) == [.assistant, .user])
    }
}
