import FuzzChecks
import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

/// The encoders of whole answers and of streams.
@Suite struct MessagesEncoderTests {
    private let context = AnswerContext(
        requestID: ByteSlice("req-7"), requestedModel: ByteSlice("asked"), createdSeconds: 5,
        wantsUsage: true)

    private func events(_ emit: (ModelEvent) -> Void) {
        var usage = Usage()
        usage.inputTokens = 112
        usage.cachedTokens = 100
        usage.cacheWriteTokens = 3
        usage.outputTokens = 1
        emit(.started(AnswerStart(id: ByteSlice("chatcmpl-1"), model: ByteSlice("gpt"))))
        emit(.usage(usage))
        emit(.partOpened(choice: 0, .reasoning))
        emit(.delta(choice: 0, ByteSlice("hm")))
        emit(.partClosed(choice: 0))
        emit(.partOpened(choice: 0, .reasoning))
        emit(.signature(choice: 0, ByteSlice("sig")))
        emit(.delta(choice: 0, ByteSlice("so")))
        emit(.partClosed(choice: 0))
        emit(.partOpened(choice: 0, .redactedReasoning))
        emit(.delta(choice: 0, ByteSlice("enc")))
        emit(.partClosed(choice: 0))
        emit(.partOpened(choice: 1, .text))
        emit(.partOpened(choice: 0, .text))
        emit(.delta(choice: 1, ByteSlice("other")))
        emit(.delta(choice: 0, ByteSlice("Hi \"you\"\n")))
        emit(.partClosed(choice: 0))
        emit(.partClosed(choice: 1))
        emit(.partOpened(choice: 0, .toolCall(id: .empty, name: ByteSlice("wx"), isCustom: false)))
        emit(.delta(choice: 0, ByteSlice("{\"c\":1}")))
        emit(.partClosed(choice: 0))
        emit(
            .partOpened(
                choice: 0, .toolCall(id: ByteSlice("call_2"), name: ByteSlice("sh"), isCustom: true)
            ))
        emit(.delta(choice: 0, ByteSlice("ls \"x\"")))
        emit(.partClosed(choice: 0))
        emit(.finished(choice: 0, Finish(.toolCalls)))
        emit(.finished(choice: 1, Finish(.stop)))
        usage.outputTokens = 25
        emit(.usage(usage))
        emit(.ended)
    }

    @Test func writesAsTheGoldenFileSays() throws {
        let file = try #require(GoldenFile.all(in: "messages", "door-answer").first)
        var stream = ByteBuffer()
        var encoder = MessagesStreamEncoder(context)
        var response = ModelResponse()
        var log = EventLog()
        events {
            log.add($0)
            response.add($0)
            encoder.encode($0, to: &stream)
        }
        #expect(file.complaint("events", found: log.text) == nil)
        #expect(
            file.complaint("sse", found: String(stream.string.dropLast(2))) == nil)
        var body = ByteBuffer()
        MessagesResponseEncoder.encode(response, context, to: &body)
        #expect(file.complaint("json", json: body.slice) == nil)
    }

    @Test(
        arguments: [
            (.stop, nil, "end_turn"), (.stop, "END", "stop_sequence"), (.length, nil, "max_tokens"),
            (.toolCalls, nil, "tool_use"), (.contentFilter, nil, "refusal"),
            (.other, nil, "end_turn"),
        ] as [(FinishReason, String?, String)])
    func tellsWhyItStopped(_ reason: FinishReason, _ stop: String?, _ word: String) {
        var stream = ByteBuffer()
        var encoder = MessagesStreamEncoder(context)
        encoder.encode(.started(AnswerStart(id: ByteSlice("msg_x"))), to: &stream)
        if let stop {
            stop.withByteSlice {
                encoder.encode(
                    .finished(choice: 0, Finish(reason, stopSequence: $0)), to: &stream)
            }
        } else {
            encoder.encode(.finished(choice: 0, Finish(reason)), to: &stream)
        }
        #expect(stream.string == "")
        encoder.encode(.ended, to: &stream)
        #expect(stream.string.contains("\"id\":\"msg_x\""))
        #expect(stream.string.contains("\"model\":\"asked\""))
        let quoted = stop.map { "\"\($0)\"" } ?? "null"
        #expect(
            stream.string.contains(
                "\"stop_reason\":\"\(word)\",\"stop_sequence\":\(quoted)"))
    }

    @Test(arguments: FuzzCorpus.inputs(of: "messages-encode"))
    func keepsTheGrammar(_ name: String, _ bytes: [UInt8]) {
        #expect(MessagesEncodeCheck.run(bytes) == nil, "\(name)")
    }

    @Test func keepsTheGrammarAtRandom() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let complaint = MessagesEncodeCheck.run(bytes)
            #expect(complaint == nil, "\(bytes)")
            if complaint != nil { return }
        }
    }
}
