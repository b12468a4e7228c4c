import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct FreeTextToolsTests {
    private func custom(_ name: StaticString, _ description: StaticString?, _ format: JSONValue?)
        -> ToolDefinition
    {
        ToolDefinition(
            name: ByteSlice(name), description: description.map { ByteSlice($0) },
            kind: .custom(format: format))
    }

    @Test func aToolBecomesAFunctionOfOneString() throws {
        let arena = JSONArena()
        var format = ByteBuffer()
        format.append(
            #"{"type":"grammar","syntax":"lark","definition":"start: \"a\"\nend: \"b\""}"#
                as StaticString)
        let tree = try arena.read(format.slice)
        var request = ModelRequest()
        request.tools = [
            custom("patch", "Applies \"it\".", tree.root), custom("run", nil, nil),
            ToolDefinition(name: ByteSlice("clock"), kind: .function(parameters: nil)),
        ]
        let call = ToolCall(
            id: ByteSlice("c1"), name: ByteSlice("patch"), arguments: .text(ByteSlice("a \"b\"\n")),
            isCustom: true)
        request.append(
            .assistant, [ContentPart(.text(ByteSlice("so"))), ContentPart(.toolCall(call))])
        #expect(FreeTextTools.has(request))
        var buffer = ByteBuffer()
        FreeTextTools.document(for: request, to: &buffer)
        let document = try arena.read(buffer.slice)
        FreeTextTools.rewrite(&request, document.root)
        #expect(!FreeTextTools.has(request))
        #expect(
            request.tools[0].description?.string
                == "Applies \"it\".\n\nThe input must follow this grammar (lark):\nstart: \"a\"\n"
                + "end: \"b\"")
        #expect(request.tools[1].description == nil)
        for tool in request.tools.prefix(2) {
            guard case .function(let parameters?) = tool.kind else {
                Issue.record("no function")
                continue
            }
            #expect(parameters["properties"]?["input"]?["type"]?.string?.string == "string")
        }
        guard case .toolCall(let made) = request.parts[1].content,
            case .value(let value) = made.arguments
        else {
            Issue.record("no call")
            return
        }
        #expect(!made.isCustom && value["input"]?.string?.string == "a \"b\"\n")
    }

    @Test func functionsStayAsTheyAre() {
        var request = ModelRequest()
        request.tools = [ToolDefinition(name: ByteSlice("clock"), kind: .function(parameters: nil))]
        #expect(!FreeTextTools.has(request))
    }
}
