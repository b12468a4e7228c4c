import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ChatDoorTests {
    private static func withContext<Result>(
        usage: Bool, _ body: (AnswerContext) -> Result
    ) -> Result {
        body(
            AnswerContext(
                requestID: ByteSlice("req_0a"), requestedModel: ByteSlice("fast"),
                createdSeconds: 7, wantsUsage: usage))
    }

    private static var events: [ModelEvent] {
        var usage = Usage()
        usage.inputTokens = 2
        usage.outputTokens = 3
        return [
            .started(AnswerStart()), .partOpened(choice: 0, .reasoning),
            .delta(choice: 0, ByteSlice("hm")), .signature(choice: 0, ByteSlice("sig")),
            .partClosed(choice: 0), .partOpened(choice: 0, .text),
            .delta(choice: 0, ByteSlice("a\"")), .partClosed(choice: 0),
            .partOpened(
                choice: 0, .toolCall(id: .empty, name: ByteSlice("f"), isCustom: false)),
            .delta(choice: 0, ByteSlice("{}")), .partClosed(choice: 0),
            .finished(choice: 0, Finish(.toolCalls)), .usage(usage), .ended,
        ]
    }

    /// Clients add up arguments without looking whether a piece has any.
    @Test func aPieceThatOnlySignsACallHasArguments() {
        var buffer = ByteBuffer()
        Self.withContext(usage: false) { context in
            var encoder = ChatStreamEncoder(context)
            for event: ModelEvent in [
                .started(AnswerStart()),
                .partOpened(
                    choice: 0, .toolCall(id: .empty, name: ByteSlice("f"), isCustom: false)),
                .signature(choice: 0, ByteSlice("sig")),
            ] { encoder.encode(event, to: &buffer) }
        }
        let piece =
            #"{"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"google":{"thought_signature":"sig"}}}]}"#
        #expect(buffer.string.contains(piece))
    }

    @Test func streams() {
        for wantsUsage in [false, true] {
            var buffer = ByteBuffer()
            Self.withContext(usage: wantsUsage) { context in
                var encoder = ChatStreamEncoder(context)
                for event in Self.events { encoder.encode(event, to: &buffer) }
            }
            let null = wantsUsage ? ",\"usage\":null" : ""
            let head =
                #"data: {"id":"chatcmpl-0a","object":"chat.completion.chunk","created":7,"model":"fast","choices":["#
            func chunk(_ delta: String, _ reason: String = "null") -> String {
                head + #"{"index":0,"delta":\#(delta),"logprobs":null,"finish_reason":\#(reason)}]"#
                    + null + "}\n\n"
            }
            var expected = chunk(#"{"role":"assistant","content":"","refusal":null}"#)
            expected += chunk(#"{"reasoning_content":"hm"}"#)
            expected += chunk(#"{"reasoning_signature":"sig"}"#) + chunk(#"{"content":"a\""}"#)
            expected += chunk(
                #"{"tool_calls":[{"index":0,"id":"call_0a_0_0","type":"function","function":{"name":"f","arguments":""}}]}"#
            )
            expected += chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#)
            expected += chunk("{}", "\"tool_calls\"")
            if wantsUsage {
                expected += head
                expected +=
                    #"],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#
                expected += "\n\n"
            }
            #expect(buffer.string == expected + "data: [DONE]\n\n")
        }
    }

    @Test func answersWhole() {
        var response = ModelResponse()
        for event in Self.events { response.add(event) }
        var buffer = ByteBuffer()
        Self.withContext(usage: false) {
            ChatResponseEncoder.encode(response, $0, to: &buffer)
        }
        #expect(
            buffer.string
                == #"{"id":"chatcmpl-0a","object":"chat.completion","created":7,"model":"fast","choices":[{"index":0,"message":{"role":"assistant","content":"a\"","refusal":null,"reasoning_content":"hm","reasoning_signature":"sig","tool_calls":[{"id":"call_0a_0_0","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#
        )
    }

    private static func parameter(of body: String) -> String? {
        do throws(Failure) {
            try decode(body) { _ in }
            return nil
        } catch { return error.parameter ?? "?" }
    }

    private static func decode(
        _ body: String, _ check: (ModelRequest) -> Void
    ) throws(Failure) {
        var outcome: Failure?
        body.withByteSlice { bytes in
            guard let tree = try? JSONArena().read(bytes) else { return }
            do throws(Failure) { check(try ChatRequestDecoder.decode(tree.root)) } catch {
                outcome = error
            }
        }
        if let outcome { throw outcome }
    }

    @Test func decodesAConversation() throws {
        let body = #"""
            {"model":"m","stream":true,"stream_options":{"include_usage":true},"stop":"x","n":2,"verbosity":"low",
            "messages":[{"role":"developer","content":"d"},{"role":"user","name":"u","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,aGk=","detail":"low"}}]},
            {"role":"assistant","content":null,"reasoning_content":"r","reasoning_signature":"s","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"g"}}}]},
            {"role":"tool","tool_call_id":"c","content":"4"}],
            "tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true}}],
            "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}}
            """#
        try Self.decode(body) { request in
            #expect(request.messages.map(\.role) == [.developer, .user, .assistant, .tool])
            #expect(request.parts.count == 6)
            #expect(request.choiceCount == 2 && request.streams && request.wantsUsage)
            #expect(request.sampling.stop.map(\.string) == ["x"])
            #expect(request.toolChoice?.allowed?.map(\.string) == ["f"])
            #expect(request.tools.first?.isStrict == true)
            #expect(request.extras.members.map(\.name.string) == ["verbosity"])
            if case .toolCall(let call) = request.parts[4].content {
                #expect(call.signature?.string == "g")
            } else {
                Issue.record("no call")
            }
        }
    }

    @Test(arguments: [
        (#"{"messages":[]}"#, "model"), (#"{"model":"m"}"#, "messages"),
        (#"{"model":"m","messages":[]}"#, "messages"),
        (#"{"model":"m","messages":[1]}"#, "messages[0]"),
        (#"{"model":"m","messages":[{"role":"x","content":"a"}]}"#, "messages[0].role"),
        (#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content"),
        (
            #"{"model":"m","messages":[{"role":"tool","content":"a"}]}"#,
            "messages[0].tool_call_id"
        ),
        (
            #"{"model":"m","messages":[{"role":"tool","content":"a","tool_call_id":"c"}]}"#,
            "messages[0].tool_call_id"
        ),
        (
            #"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}}]},{"role":"user","content":"a"}]}"#,
            "messages[1]"
        ),
        (
            #"{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":3}"#,
            "temperature"
        ),
        (
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"x"}}]}]}"#,
            "messages[0].content[0].input_audio.format"
        ),
    ]) func refuses(_ body: String, _ parameter: String) {
        #expect(Self.parameter(of: body) == parameter)
    }
}
