// CompletionEncoderTests.swift — whole answers and streams of the completions door, also through
// the door's cases of AnswerDoor.

import FuzzChecks
import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct CompletionEncoderTests {
    private static func context(echo: StaticString = "", usage: Bool = false) -> AnswerContext {
        var context = AnswerContext(
            requestID: ByteSlice("req_0a"), requestedModel: ByteSlice("fast"), createdSeconds: 7,
            wantsUsage: usage)
        context.echoedPrompt = ByteSlice(echo)
        return context
    }

    private static var events: [ModelEvent] {
        var usage = Usage()
        usage.inputTokens = 2
        usage.outputTokens = 3
        return [
            .started(AnswerStart()), .partOpened(choice: 0, .reasoning),
            .delta(choice: 0, ByteSlice("hm")), .partClosed(choice: 0),
            .partOpened(choice: 0, .text), .delta(choice: 0, ByteSlice("a\"")),
            .delta(choice: 0, .empty), .delta(choice: 0, ByteSlice("b")),
            .partClosed(choice: 0),
            .partOpened(choice: 0, .toolCall(id: .empty, name: ByteSlice("f"), isCustom: false)),
            .delta(choice: 0, ByteSlice("{}")), .partClosed(choice: 0),
            .finished(choice: 0, Finish(.toolCalls)), .finished(choice: 1, Finish(.length)),
            .usage(usage), .ended,
        ]
    }

    private static func stream(_ events: [ModelEvent], _ context: AnswerContext) -> String {
        var buffer = ByteBuffer()
        var encoder = AnswerDoor.completions.openStream(context)
        for event in events { encoder.encode(event, to: &buffer) }
        return buffer.string
    }

    private static let usageText =
        #"{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#

    @Test func streams() {
        let head =
            #"data: {"id":"cmpl-0a","object":"text_completion","created":7,"model":"fast","choices":["#
        for wantsUsage in [false, true] {
            let null = wantsUsage ? ",\"usage\":null" : ""
            func chunk(_ text: String, _ index: Int = 0, _ reason: String = "null") -> String {
                head
                    + #"{"text":"\#(text)","index":\#(index),"logprobs":null,"finish_reason":\#(reason)}]"#
                    + null + "}\n\n"
            }
            for echo in [false, true] {
                var expected = echo ? chunk(#"p\n"#) : ""
                expected += chunk(#"a\""#) + chunk("b") + chunk("", 0, "\"stop\"")
                if echo { expected += chunk(#"p\n"#, 1) }
                expected += chunk("", 1, "\"length\"")
                if wantsUsage { expected += head + "],\"usage\":\(Self.usageText)}\n\n" }
                expected += "data: [DONE]\n\n"
                let context = Self.context(echo: echo ? "p\n" : "", usage: wantsUsage)
                #expect(Self.stream(Self.events, context) == expected)
            }
        }
    }

    @Test func answersWhole() {
        var response = ModelResponse()
        for event in Self.events { response.add(event) }
        for echo in ["", "p"] {
            var buffer = ByteBuffer()
            AnswerDoor.completions.encode(
                response, Self.context(echo: echo.isEmpty ? "" : "p"), to: &buffer)
            #expect(
                buffer.string
                    == #"{"id":"cmpl-0a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"\#(echo)a\"b","index":0,"logprobs":null,"finish_reason":"stop"},{"text":"\#(echo)","index":1,"logprobs":null,"finish_reason":"length"}],"usage":\#(Self.usageText)}"#
            )
        }
    }

    @Test func tellsTheProvidersModelAndRefusals() {
        let events: [ModelEvent] = [
            .started(AnswerStart(model: ByteSlice("m\""), createdSeconds: 3)),
            .partOpened(choice: 0, .refusal), .delta(choice: 0, ByteSlice("No.")),
            .partClosed(choice: 0), .finished(choice: 0, Finish(.contentFilter)), .ended,
        ]
        let text = Self.stream(events, Self.context(usage: true))
        #expect(text.contains(#""created":3,"model":"m\"""#))
        #expect(text.contains(#"{"text":"No.","index":0"#))
        #expect(text.contains(#""finish_reason":"content_filter""#))
        // The provider told none.
        #expect(!text.contains("prompt_tokens"))
        var response = ModelResponse()
        for event in events { response.add(event) }
        var buffer = ByteBuffer()
        CompletionResponseEncoder.encode(response, Self.context(), to: &buffer)
        #expect(buffer.string.contains(#""created":3,"model":"m\"","choices":[{"text":"No.""#))
        #expect(!buffer.string.contains("usage"))
    }

    /// Whatever is cut off, what was written are whole events of JSON, and no mark.
    @Test func staysLegalWhereverItFails() throws {
        let events = Self.events
        for count in 0..<events.count {
            let cut = Array(events.prefix(count)) + [.failed(Failure(.upstreamCut, "cut"))]
            let text = Self.stream(cut, Self.context(echo: "p", usage: true))
            #expect(!text.contains("[DONE]"))
            #expect(text.isEmpty || text.hasSuffix("\n\n"))
            for event in text.split(separator: "\n\n", omittingEmptySubsequences: true) {
                #expect(event.hasPrefix("data: "))
                try String(event.dropFirst(6)).withByteSlice { _ = try JSONArena().read($0) }
            }
        }
    }

    @Test(arguments: FuzzCorpus.inputs(of: "completions-encode"))
    func keepsTheGrammar(_ name: String, _ bytes: [UInt8]) {
        #expect(ChunkEncodeCheck.completions(bytes) == nil, "\(name)")
    }

    @Test func keepsTheGrammarAtRandom() {
        var random = SeededRandom(seed: 19)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let complaint = ChunkEncodeCheck.completions(bytes)
            #expect(complaint == nil, "\(bytes)")
            if complaint != nil { return }
        }
    }
}
