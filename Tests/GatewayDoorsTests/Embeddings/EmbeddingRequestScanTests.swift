import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct EmbeddingRequestScanTests {
    private func failure(of body: String) -> Failure? {
        body.withByteSlice { failure(of: $0) }
    }

    private func failure(of body: ByteSlice) -> Failure? {
        do throws(Failure) {
            _ = try EmbeddingRequestScan.scan(body)
            return nil
        } catch { return error }
    }

    @Test func readsAndSplices() throws {
        let body = #" { "user":"u","input":[ 1, 2 ],"mod\u0065rn":1,"model":"te\u0078t" }"#
        let told = try body.withByteSlice { (body) throws(Failure) -> [String] in
            let scan = try EmbeddingRequestScan.scan(body)
            var scratch = ByteBuffer()
            var spliced = ByteBuffer()
            scan.splice(model: ByteSlice("new\"")).append(body, to: &spliced)
            var same = ByteBuffer()
            scan.splice(model: nil).append(body, to: &same)
            #expect(same.slice == body)
            return [
                scan.model.name(in: body, scratch: &scratch).string,
                scan.user.map { body[$0].string } ?? "", spliced.string,
            ]
        }
        #expect(
            told == [
                "text", "\"u\"",
                #" { "user":"u","input":[ 1, 2 ],"mod\u0065rn":1,"model":"new\"" }"#,
            ])
    }

    @Test(
        arguments: [
            (#"{"model":"m","input":"a"}"#, nil, nil),
            (#"{"model":"m","input":[],"user":1}"#, nil, nil),
            (#"{"input":"a"}"#, .missingParameter, "model"),
            (#"{"model":"m"}"#, .missingParameter, "input"),
            (#"{"model":1,"input":"a"}"#, .invalidParameter, "model"),
            (#"{"model":"","input":"a"}"#, .invalidParameter, "model"),
            (#"{"model":"a\n","input":"a"}"#, .invalidParameter, "model"),
            (#"{"model":"m","model":"n","input":"a"}"#, .invalidParameter, "model"),
            (#"{"mod\u0065l":"m","input":"a"}"#, .invalidParameter, "model"),
            (#"{"model":"m","input":{}}"#, .invalidParameter, "input"),
            (#"{"model":"m","input":null}"#, .invalidParameter, "input"),
            ("[]", .malformedRequest, nil), ("", .malformedRequest, nil),
            (#"{"model":1,"input":"a"} x"#, .malformedRequest, nil),
        ] as [(String, Failure.Kind?, String?)])
    func judges(_ body: String, _ kind: Failure.Kind?, _ parameter: String?) {
        let failure = failure(of: body)
        #expect(failure?.kind == kind)
        #expect(failure?.parameter == parameter)
    }

    @Test func boundsTheModel() {
        for (length, isAccepted) in [(256, true), (257, false), (10_000, false)] {
            for letter in ["m", "\\u006d"] {
                let name = String(repeating: letter, count: length)
                let failure = failure(of: "{\"model\":\"\(name)\",\"input\":\"a\"}")
                #expect((failure == nil) == isAccepted)
            }
        }
    }

    @Test func refusesEveryPrefix() {
        #"{"model":"m","input":["é\n"],"user":"u"}"#.withByteSlice { body in
            #expect(failure(of: body) == nil)
            for count in 0..<body.count {
                #expect(failure(of: body.prefix(count))?.kind == .malformedRequest, "\(count)")
            }
        }
    }
}
