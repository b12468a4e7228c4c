import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ChatRequestScanTests {
    @Test func readsWhatItNeeds() throws {
        let body = #"""
             { "temperature":1,"model":"gpt-4o","messages":[{"role":"user","content":"model"}],
              "tools":[{"type":"function"}],"stream":true,"user":"u-1","max_tokens":5,
              "max_completion_tokens":7,"stream_options":{"x":1,"include_usage":true} }
            """#
        let seen = try body.withByteSlice { (bytes) throws(Failure) -> [String] in
            let scan = try ChatRequestScan.scan(bytes)
            var scratch = ByteBuffer()
            let name = scan.modelName(in: bytes, scratch: &scratch).string
            return [
                name, "\(scan.isStreaming)", "\(scan.hasTools)", "\(scan.wantsUsage)",
                "\(scan.outputTokensMax ?? -1)", scan.user.map { bytes[$0].string } ?? "",
                bytes[scan.model].string, bytes[scan.brace..<scan.brace + 1].string,
            ]
        }
        #expect(
            seen == ["gpt-4o", "true", "true", "true", "7", "\"u-1\"", "\"gpt-4o\"", "{"])
    }

    @Test func decodesAnEscapedModel() throws {
        let body = #"{"model":"gpt\u002d4o\/x","messages":[1]}"#
        let name = try body.withByteSlice { (bytes) throws(Failure) -> String in
            var scratch = ByteBuffer()
            return try ChatRequestScan.scan(bytes).modelName(in: bytes, scratch: &scratch).string
        }
        #expect(name == "gpt-4o/x")
    }

    @Test(
        arguments: [
            (#"{"model":"m","messages":[1]}"#, nil, nil),
            (
                #"{"model":"m","messages":[1],"stream":null,"tools":null,"stream_options":null}"#,
                nil, nil
            ),
            (#"{"model":"m","messages":[1],"temperature":1,"temperature":2}"#, nil, nil),
            (#"{"model":"m","messages":[1],"n\u0061me":1}"#, nil, nil),
            (#"{"messages":[1]}"#, .missingParameter, "model"),
            (#"{"model":"m"}"#, .missingParameter, "messages"),
            (#"{"model":1,"messages":[1]}"#, .invalidParameter, "model"),
            (#"{"model":"","messages":[1]}"#, .invalidParameter, "model"),
            (#"{"model":"a\r\nb","messages":[1]}"#, .invalidParameter, "model"),
            ("{\"model\":\"a\u{7F}\",\"messages\":[1]}", .invalidParameter, "model"),
            (#"{"model":null,"messages":[1]}"#, .invalidParameter, "model"),
            (#"{"model":"m","model":"n","messages":[1]}"#, .invalidParameter, "model"),
            (#"{"mod\u0065l":"n","model":"m","messages":[1]}"#, .invalidParameter, "model"),
            (#"{"model":"m","messages":[1],"str\u0065am":true}"#, .invalidParameter, "stream"),
            (#"{"model":"m","messages":[ ]}"#, .invalidParameter, "messages"),
            (#"{"model":"m","messages":"x"}"#, .invalidParameter, "messages"),
            (#"{"model":"m","messages":[1],"messages":[2]}"#, .invalidParameter, "messages"),
            (#"{"model":"m","messages":[1],"stream":"true"}"#, .invalidParameter, "stream"),
            (
                #"{"model":"m","messages":[1],"stream":true,"stream":false}"#, .invalidParameter,
                "stream"
            ),
            (#"{"model":"m","messages":[1],"tools":{}}"#, .invalidParameter, "tools"),
            (
                #"{"model":"m","messages":[1],"stream_options":{}}"#, .invalidParameter,
                "stream_options"
            ),
            (
                #"{"model":"m","messages":[1],"stream":true,"stream_options":[]}"#,
                .invalidParameter, "stream_options"
            ),
            (
                #"{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":1}}"#,
                .invalidParameter, "include_usage"
            ),
            (
                #"{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usag\u0065":true}}"#,
                .invalidParameter, "include_usage"
            ),
            (
                #"{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":true,"include_usage":true}}"#,
                .invalidParameter, "include_usage"
            ),
            ("", .malformedRequest, nil), ("[]", .malformedRequest, nil),
            ("[", .malformedRequest, nil),
            (#"{"model":"m","messages":[1]} x"#, .malformedRequest, nil),
            (#"{"model":1,"messages":[1]"#, .malformedRequest, nil),
        ] as [(String, Failure.Kind?, String?)])
    func judges(_ body: String, _ kind: Failure.Kind?, _ parameter: String?) {
        let failure = failure(of: body)
        #expect(failure?.kind == kind)
        #expect(failure?.parameter == parameter)
    }

    @Test func boundsTheModel() {
        for (length, isAccepted) in [(256, true), (257, false), (10_000, false)] {
            let name = String(repeating: "m", count: length)
            #expect(
                (failure(of: "{\"model\":\"\(name)\",\"messages\":[1]}") == nil) == isAccepted)
            let escaped = String(repeating: "\\u006d", count: length)
            #expect(
                (failure(of: "{\"model\":\"\(escaped)\",\"messages\":[1]}") == nil) == isAccepted)
        }
    }

    @Test func saysWhere() {
        let failure = failure(of: #"{"model":"m",}"#)
        #expect(failure?.message.contains("at byte 13") == true, "\(failure?.message ?? "")")
    }

    @Test func refusesEveryPrefix() {
        let body =
            #"{"model":"m","messages":[{"content":"é\n"}],"stream":true,"stream_options":{}}"#
        #expect(failure(of: body) == nil)
        for count in 0..<body.utf8.count {
            let failure = body.withByteSlice { self.failure(of: $0.prefix(count)) }
            #expect(failure?.kind == .malformedRequest, "\(count)")
        }
    }

    @Test(arguments: [
        (#"{"model":"m","messages":[1]}"#, #"{"model":"up","messages":[1]}"#),
        (
            #" {"stream":true,"model":"m","messages":[1]}"#,
            #" {"stream_options":{"include_usage":true},"stream":true,"model":"up","messages":[1]}"#
        ),
        (
            #"{"model":"m","stream_options":null,"stream":true,"messages":[1]}"#,
            #"{"model":"up","stream_options":{"include_usage":true},"stream":true,"messages":[1]}"#
        ),
        (
            #"{"stream_options": { },"stream":true,"messages":[1],"model" : "m"}"#,
            #"{"stream_options": {"include_usage":true },"stream":true,"messages":[1],"model" : "up"}"#
        ),
        (
            #"{"stream_options":{"a":1},"stream":true,"messages":[1],"model":"m"}"#,
            #"{"stream_options":{"include_usage":true,"a":1},"stream":true,"messages":[1],"model":"up"}"#
        ),
        (
            #"{"stream_options":{"include_usage":false},"stream":true,"messages":[1],"model":"m"}"#,
            #"{"stream_options":{"include_usage":true},"stream":true,"messages":[1],"model":"up"}"#
        ),
        (
            #"{"stream_options":{"include_usage":true},"stream":true,"messages":[1],"model":"m"}"#,
            #"{"stream_options":{"include_usage":true},"stream":true,"messages":[1],"model":"up"}"#
        ),
    ])
    func splices(_ body: String, _ expected: String) throws {
        let spliced = try body.withByteSlice { (bytes) throws(Failure) -> String in
            let scan = try ChatRequestScan.scan(bytes)
            var buffer = ByteBuffer()
            scan.splice(model: ByteSlice("up"), addingUsage: true).append(bytes, to: &buffer)
            // What was spliced says what was meant.
            let again = try ChatRequestScan.scan(buffer.slice)
            #expect(again.wantsUsage == scan.isStreaming)
            return buffer.string
        }
        #expect(spliced == expected)
    }

    private func failure(of body: String) -> Failure? { body.withByteSlice { failure(of: $0) } }

    private func failure(of body: ByteSlice) -> Failure? {
        do throws(Failure) {
            _ = try ChatRequestScan.scan(body)
            return nil
        } catch { return error }
    }
}
