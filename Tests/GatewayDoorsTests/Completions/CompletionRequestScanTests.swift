import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct CompletionRequestScanTests {
    private func failure(of body: ByteSlice) -> Failure? {
        do throws(Failure) {
            _ = try CompletionRequestScan.scan(body)
            return nil
        } catch { return error }
    }

    private func spliced(_ body: String, _ model: StaticString? = nil) throws(Failure) -> String {
        var outcome: Result<String, Failure> = .success("")
        body.withByteSlice { body in
            do throws(Failure) {
                let scan = try CompletionRequestScan.scan(body)
                var buffer = ByteBuffer()
                let splice = scan.splice(model: model.map { ByteSlice($0) }, addingUsage: true)
                splice.append(body, to: &buffer)
                outcome = .success(buffer.string)
            } catch { outcome = .failure(error) }
        }
        return try outcome.get()
    }

    @Test func readsWhatItNeeds() throws {
        let body =
            #"{"prompt":"a","model":"m","max_tokens":5,"user":"u","stream":true,"stream_options":{"include_usage":true}}"#
        try body.withByteSlice { body in
            let scan = try CompletionRequestScan.scan(body)
            var scratch = ByteBuffer()
            #expect(scan.model.name(in: body, scratch: &scratch) == "m")
            #expect(scan.isStreaming)
            #expect(scan.wantsUsage)
            #expect(scan.outputTokensMax == 5)
            #expect(scan.user.map { body[$0].string } == "\"u\"")
        }
    }

    @Test func splices() throws {
        #expect(try spliced(#"{"model": "m"}"#) == #"{"model": "m"}"#)
        #expect(try spliced(#"{"model": "m"}"#, "n") == #"{"model": "n"}"#)
        #expect(
            try spliced(#"{ "model":"m","stream":true}"#)
                == #"{"stream_options":{"include_usage":true}, "model":"m","stream":true}"#)
        #expect(
            try spliced(#"{"model":"m","stream":true,"stream_options":null}"#)
                == #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(
            try spliced(#"{"model":"m","stream":true,"stream_options":{ }}"#)
                == #"{"model":"m","stream":true,"stream_options":{"include_usage":true }}"#)
        #expect(
            try spliced(#"{"model":"m","stream":true,"stream_options":{"x":1}}"#)
                == #"{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}"#)
        #expect(
            try spliced(#"{"model":"m","stream":true,"stream_options":{"include_usage":false}}"#)
                == #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#)
    }

    @Test(
        arguments: [
            (#"{"model":"m"}"#, nil, nil), (#"{"model":"m","prompt":null}"#, nil, nil),
            (#"{"model":"m","prompt":[[1]],"stream":null,"user":1}"#, nil, nil),
            (#"{"prompt":"a"}"#, .missingParameter, "model"),
            (#"{"model":7}"#, .invalidParameter, "model"),
            (#"{"model":"m","prompt":7}"#, .invalidParameter, "prompt"),
            (#"{"model":"m","prompt":"a","prompt":"b"}"#, .invalidParameter, "prompt"),
            (#"{"model":"m","str\u0065am":true}"#, .invalidParameter, "stream"),
            (#"{"model":"m","stream":1}"#, .invalidParameter, "stream"),
            (#"{"model":"m","stream_options":{}}"#, .invalidParameter, "stream_options"),
            (
                #"{"model":"m","stream":true,"stream_options":1}"#, .invalidParameter,
                "stream_options"
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage":1}}"#,
                .invalidParameter, "include_usage"
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":true}}"#,
                .invalidParameter, "include_usage"
            ),
            ("[]", .malformedRequest, nil), ("", .malformedRequest, nil),
            (#"{"model":7}x"#, .malformedRequest, nil),
        ] as [(String, Failure.Kind?, String?)])
    func judges(_ body: String, _ kind: Failure.Kind?, _ parameter: String?) {
        let failure = body.withByteSlice { self.failure(of: $0) }
        #expect(failure?.kind == kind)
        #expect(failure?.parameter == parameter)
    }

    @Test func refusesEveryPrefix() {
        #"{"model":"m","prompt":["é\n"],"stream":true,"stream_options":{}}"#.withByteSlice { body in
            #expect(failure(of: body) == nil)
            for count in 0..<body.count {
                #expect(failure(of: body.prefix(count))?.kind == .malformedRequest, "\(count)")
            }
        }
    }
}
