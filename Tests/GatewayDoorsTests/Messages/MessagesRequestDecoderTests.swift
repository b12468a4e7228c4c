import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct MessagesRequestDecoderTests {
    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "messages", "decode-")
        #expect(files.count >= 5)
        for file in files {
            try #require(file.block("json body")).withByteSlice { bytes in
                let tree = try JSONArena().read(bytes)
                let request = try MessagesRequestDecoder.decode(tree.root)
                #expect(request.wantsUsage)
                #expect(file.complaint("request", found: RequestLog.text(request)) == nil)
            }
        }
    }

    @Test(
        arguments: [
            ("[]", .malformedRequest, "The request body must be a JSON object."),
            ("{}", .missingParameter, "model: Field required"),
            (#"{"model":"m"}"#, .missingParameter, "messages: Field required"),
            (
                #"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, .missingParameter,
                "max_tokens: Field required"
            ),
            (
                #"{"model":"m","max_tokens":1,"messages":[]}"#, .invalidParameter,
                "messages: at least one message is required"
            ),
            (
                #"{"model":7,"max_tokens":1,"messages":[]}"#, .invalidParameter,
                "model: Input should be a valid string"
            ),
            (
                #"{"messages":[{"role":"tool","content":"x"}]}"#, .invalidParameter,
                "messages.0.role: Input should be 'user', 'assistant' or 'system'"
            ),
            (
                #"{"messages":[{"role":"user"}]}"#, .missingParameter,
                "messages.0.content: Field required"
            ),
            (
                #"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#, .missingParameter,
                "messages.0.content.0.type: Field required"
            ),
            (
                #"{"messages":[{"role":"user","content":[{"type":"text","text":1}]}]}"#,
                .invalidParameter,
                "messages.0.content.0.text: Input should be a valid string"
            ),
            (
                #"{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}"#,
                .missingParameter, "messages.0.content.0.tool_use_id: Field required"
            ),
            (
                #"{"max_tokens":"5"}"#, .invalidParameter,
                "max_tokens: Input should be a valid integer"
            ),
            (
                #"{"tool_choice":{"type":"x"}}"#, .invalidParameter,
                "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"
            ),
            (
                #"{"thinking":{"type":"enabled"}}"#, .missingParameter,
                "thinking.enabled.budget_tokens: Field required"
            ),
        ] as [(String, Failure.Kind, String)])
    func refuses(_ body: String, _ kind: Failure.Kind, _ message: String) throws {
        try body.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            var found: Failure?
            do throws(Failure) { _ = try MessagesRequestDecoder.decode(tree.root) } catch {
                found = error
            }
            #expect(found?.kind == kind)
            #expect(found?.message == message)
        }
    }

    @Test func needsNoBoundToCount() throws {
        let body = #"{"model":"m","messages":[{"role":"user","content":"x"}]}"#
        try body.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            let request = try MessagesRequestDecoder.decode(tree.root, isCount: true)
            #expect(request.messages.count == 1)
        }
    }
}
