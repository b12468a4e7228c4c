import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct FreeTextCallsTests {
    private func run(_ name: StaticString, _ pieces: [String]) -> String {
        var request = ModelRequest()
        request.tools = [
            ToolDefinition(name: ByteSlice("patch"), kind: .custom(format: nil)),
            ToolDefinition(name: ByteSlice("clock"), kind: .function(parameters: nil)),
        ]
        var calls = FreeTextCalls(request)
        var log = EventLog()
        let arena = JSONArena()
        let hear: (ModelEvent) -> Void = { log.add($0) }
        calls.pass(.started(AnswerStart()), arena, hear)
        calls.pass(
            .partOpened(
                choice: 0, .toolCall(id: ByteSlice("c"), name: ByteSlice(name), isCustom: false)),
            arena, hear)
        for piece in pieces {
            piece.withByteSlice { calls.pass(.delta(choice: 0, $0), arena, hear) }
        }
        for event in [
            ModelEvent.partClosed(choice: 0), .finished(choice: 0, Finish(.toolCalls)), .ended,
        ] {
            calls.pass(event, arena, hear)
        }
        return log.joined
    }

    @Test(
        arguments: [
            (#"{"input":"a \"b\"\n*"}"#, "a \"b\"\n*"), (#"{"patch":"a"}"#, "a"), (#""a""#, "a"),
            ("*** Begin", "*** Begin"), ("{}", ""), ("", ""), (#"{"input":1}"#, #"{"input":1}"#),
            (#"{"input":"ü\u00fc"}"#, "üü"),
        ])
    func theTextComesOutHoweverItIsCut(json: String, text: String) {
        let whole = run("patch", [json])
        #expect(whole == run("patch", json.unicodeScalars.map { String($0) }))
        var expected = EventLog()
        expected.add(.started(AnswerStart()))
        expected.add(
            .partOpened(
                choice: 0, .toolCall(id: ByteSlice("c"), name: ByteSlice("patch"), isCustom: true)))
        if !text.isEmpty { text.withByteSlice { expected.add(.delta(choice: 0, $0)) } }
        expected.add(.partClosed(choice: 0))
        expected.add(.finished(choice: 0, Finish(.toolCalls)))
        expected.add(.ended)
        #expect(whole == expected.joined)
    }

    @Test func otherCallsPass() {
        let log = run("clock", [#"{"in"#, #"put":"a"}"#])
        #expect(log.contains(#"{"input"#) || log.contains(#"{\"input"#))
    }

    @Test func aCallOverTheLimitFails() {
        let piece = String(repeating: "a", count: 1 << 20)
        let log = run("patch", Array(repeating: piece, count: 9))
        #expect(log.contains("failed") && log.contains("too large"))
    }
}
