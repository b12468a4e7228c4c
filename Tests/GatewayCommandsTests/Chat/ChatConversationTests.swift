import GatewayCodec
import GatewayModel
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct ChatConversationTests {
    private func answer(_ text: String, calling name: String? = nil) -> ModelResponse {
        var response = ModelResponse()
        response.add(.started(AnswerStart()))
        if !text.isEmpty {
            response.add(.partOpened(choice: 0, .text))
            text.withByteSlice { response.add(.delta(choice: 0, $0)) }
            response.add(.partClosed(choice: 0))
        }
        if let name {
            name.withByteSlice {
                response.add(
                    .partOpened(
                        choice: 0, .toolCall(id: ByteSlice("call_1"), name: $0, isCustom: false)))
            }
            response.add(.delta(choice: 0, ByteSlice(#"{"expression":"2+2"}"#)))
            response.add(.partClosed(choice: 0))
        }
        response.add(.finished(choice: 0, Finish(name == nil ? .stop : .toolCalls)))
        response.add(.ended)
        return response
    }

    private func withRequest(
        _ conversation: ChatConversation, _ body: (JSONValue) -> Void
    ) throws {
        try conversation.request().withUnsafeBytes { bytes in
            let tree = try JSONArena().read(ByteSlice(bytes))
            body(tree.root)
        }
    }

    @Test func everythingThatWasSaidGoesAlong() throws {
        var conversation = ChatConversation(model: "m")
        conversation.system = "Be brief."
        conversation.ask("Hello")
        #expect(conversation.answered(answer("Hi")) == [])
        conversation.ask("Again")
        try withRequest(conversation) { root in
            let messages = Array(root["messages"]?.elements ?? root.elements)
            #expect(
                messages.map { $0["role"]?.string?.string } == [
                    "system", "user", "assistant", "user",
                ])
            #expect(
                messages.map { $0["content"]?.string?.string } == [
                    "Be brief.", "Hello", "Hi", "Again",
                ])
            #expect(root["stream"]?.bool == true)
            #expect(root["tools"] == nil)
            #expect(root["temperature"] == nil)
        }
    }

    @Test func settingsGoAlong() throws {
        var conversation = ChatConversation(model: "m")
        conversation.temperature = 0.5
        conversation.maxTokens = 9
        conversation.streams = false
        conversation.hasTools = true
        conversation.ask("Hello")
        try withRequest(conversation) { root in
            #expect(root["temperature"]?.double == 0.5)
            #expect(root["max_tokens"]?.int == 9)
            #expect(root["stream"] == nil)
            let names = (root["tools"]?.elements).map { Array($0) }?.map {
                $0["function"]?["name"]?.string?.string
            }
            #expect(names == ["calculate", "get_time"])
        }
    }

    @Test func callsAndResultsGoAlong() throws {
        var conversation = ChatConversation(model: "m")
        conversation.ask("2+2?")
        let calls = conversation.answered(answer("", calling: "calculate"))
        #expect(
            calls == [
                ChatToolCall(id: "call_1", name: "calculate", arguments: #"{"expression":"2+2"}"#)
            ])
        conversation.add(result: "4", of: calls[0])
        try withRequest(conversation) { root in
            let messages = Array(root["messages"]?.elements ?? root.elements)
            #expect(messages.count == 3)
            #expect(messages[1]["content"]?.isNull == true)
            let call = Array(messages[1]["tool_calls"]?.elements ?? root.elements)[0]
            #expect(call["id"]?.string?.string == "call_1")
            #expect(call["function"]?["arguments"]?.string?.string == #"{"expression":"2+2"}"#)
            #expect(messages[2]["role"]?.string?.string == "tool")
            #expect(messages[2]["tool_call_id"]?.string?.string == "call_1")
            #expect(messages[2]["content"]?.string?.string == "4")
        }
    }

    @Test func aQuestionWithoutAnAnswerIsTakenBack() {
        var conversation = ChatConversation(model: "m")
        conversation.takeBack()
        conversation.ask("one")
        _ = conversation.answered(answer("1"))
        let before = conversation
        conversation.ask("two")
        let calls = conversation.answered(answer("", calling: "calculate"))
        conversation.add(result: "4", of: calls[0])
        conversation.takeBack()
        #expect(conversation == before)
        conversation.forget()
        #expect(conversation.entries == [])
    }
}
