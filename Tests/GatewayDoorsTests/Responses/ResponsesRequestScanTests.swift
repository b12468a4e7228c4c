import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ResponsesRequestScanTests {
    @Test func readsWhatItNeeds() throws {
        let body = #"""
             { "instructions":"model","model":"gpt-5","input":[{"role":"user"}],"user":"u-1",
              "tools":[{"type":"function"}],"stream":true,"max_output_tokens":5,
              "previous_response_id":"resp_1","background":true }
            """#
        let seen = try body.withByteSlice { (bytes) throws(Failure) -> [String] in
            let scan = try ResponsesRequestScan.scan(bytes)
            var scratch = ByteBuffer()
            return [
                scan.modelName(in: bytes, scratch: &scratch).string, bytes[scan.model].string,
                "\(scan.isStreaming)", "\(scan.hasTools)", "\(scan.isBackground)",
                "\(scan.outputTokensMax ?? -1)", scan.user.map { bytes[$0].string } ?? "",
                scan.previousResponseID.map { bytes[$0].string } ?? "",
            ]
        }
        #expect(
            seen == [
                "gpt-5", "\"gpt-5\"", "true", "true", "true", "5", "\"u-1\"", "\"resp_1\"",
            ])
    }

    @Test func writesTheUpstreamsModel() throws {
        let body = #"{"input":"x","model":"g\u0070t", "store" : false}"#
        let spliced = try body.withByteSlice { (bytes) throws(Failure) -> [String] in
            let scan = try ResponsesRequestScan.scan(bytes)
            var scratch = ByteBuffer()
            var buffer = ByteBuffer()
            scan.splice(model: ByteSlice("a\"b")).append(bytes, to: &buffer)
            return [buffer.string, scan.modelName(in: bytes, scratch: &scratch).string]
        }
        #expect(spliced == [#"{"input":"x","model":"a\"b", "store" : false}"#, "gpt"])
    }

    @Test(
        arguments: [
            (#"{"model":"m","input":"x"}"#, nil, nil),
            (#"{"model":"m"}"#, nil, nil),
            (#"{"model":"m","input":"x","stream":null,"tools":null,"background":false}"#, nil, nil),
            (#"{"model":"m","input":"x","temperature":1,"temperature":2}"#, nil, nil),
            (#"{"input":"x"}"#, .missingParameter, "model"),
            (#"{"model":1}"#, .invalidParameter, "model"),
            (#"{"model":""}"#, .invalidParameter, "model"),
            (#"{"model":"a\r\nb"}"#, .invalidParameter, "model"),
            (#"{"model":"m","model":"n"}"#, .invalidParameter, "model"),
            (#"{"mod\u0065l":"n"}"#, .invalidParameter, "model"),
            (#"{"model":"m","stream":"yes"}"#, .invalidParameter, "stream"),
            (#"{"model":"m","background":1}"#, .invalidParameter, "background"),
            (#"{"model":"m","input":{}}"#, .invalidParameter, "input"),
            (#"{"model":"m","tools":{}}"#, .invalidParameter, "tools"),
            ("[]", .malformedRequest, nil),
            ("{\"model\":\"m\"", .malformedRequest, nil),
            ("{\"stream\":5,\"x\":tru}", .malformedRequest, nil),
        ] as [(String, Failure.Kind?, String?)])
    func judges(_ body: String, _ kind: Failure.Kind?, _ parameter: String?) {
        var found: Failure?
        do {
            _ = try body.withByteSlice { (bytes) throws(Failure) in
                try ResponsesRequestScan.scan(bytes)
            }
        } catch { found = error as? Failure }
        #expect(found?.kind == kind)
        #expect(found?.parameter == parameter)
    }

    @Test func boundsTheModel() {
        let name = String(repeating: "m", count: ResponsesRequestScan.modelBytesMax + 1)
        #expect(throws: Failure.self) {
            try #"{"model":"\#(name)"}"#.withByteSlice { (bytes) throws(Failure) in
                try ResponsesRequestScan.scan(bytes)
            }
        }
    }
}
