import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct MessagesRequestScanTests {
    @Test func readsWhatItNeeds() throws {
        let body = #"""
            {"max_tokens":9,"model":"cl\u0061ude","messages":[{"role":"user","content":"model"}],
             "stream":true,"tools":[ {} ],"metadata":{"x":1,"user_id":"u-1"}}
            """#
        try body.withByteSlice { bytes in
            let scan = try MessagesRequestScan.scan(bytes)
            var scratch = ByteBuffer()
            #expect(scan.modelName(in: bytes, scratch: &scratch).string == "claude")
            #expect(scan.isStreaming && scan.hasTools)
            #expect(scan.outputTokensMax == 9)
            #expect(scan.user.map { bytes[$0].string } == "\"u-1\"")
            #expect(bytes[scan.model].string == #""cl\u0061ude""#)
        }
    }

    @Test(
        arguments: [
            (#"{"model":"m","messages":[]}"#, nil), (#"{"model":"m","#, .malformedRequest),
            (#"{"model":"m","messages":[]} x"#, .malformedRequest), ("[1]", .malformedRequest),
            (#"{"messages":[]}"#, .missingParameter), (#"{"model":"m"}"#, .missingParameter),
            (#"{"model":1,"messages":[]}"#, .invalidParameter),
            (#"{"model":"","messages":[]}"#, .invalidParameter),
            (#"{"model":"a\nb","messages":[]}"#, .invalidParameter),
            (#"{"model":"m","model":"n","messages":[]}"#, .invalidParameter),
            (#"{"mod\u0065l":"m","messages":[]}"#, .invalidParameter),
            (#"{"model":"m","messages":{}}"#, .invalidParameter),
            (#"{"model":"m","messages":[],"stream":1}"#, .invalidParameter),
            (#"{"model":"m","messages":[],"tools":1}"#, .invalidParameter),
            (#"{"model":"m","messages":[],"metadata":null,"tools":null}"#, nil),
        ] as [(String, Failure.Kind?)])
    func checks(_ body: String, _ kind: Failure.Kind?) {
        body.withByteSlice { bytes in
            var found: Failure?
            do throws(Failure) { _ = try MessagesRequestScan.scan(bytes) } catch { found = error }
            #expect(found?.kind == kind)
        }
    }
}
