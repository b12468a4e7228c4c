// TraceEncodersTests.swift — what exporters write of one request, held to golden files: as spans, and as
// Langfuse's generation in both of its forms.

import GatewayCodec
import GatewayModel
import GatewayTelemetry
import ReactorCore
import TestSupport
import Testing

@Suite struct TraceEncodersTests {
    private let encoder = LangfuseEncoder(environment: "production", release: "1.2.3")
    private let templates = RecordTemplates()

    /// The requests that the golden files tell of, by name.
    static func request(_ name: String) -> (TraceRecord, AccessRecord) {
        let trace = TraceRecord()
        trace.trace = TraceID(high: 0x0AF7_6519_16CD_43DD, low: 0x8448_EB21_1C80_319C)
        trace.serverSpan = 0xB7AD_6B71_6920_3331
        trace.modelSpan = 0x00F0_67AA_0BA9_02B7
        trace.began = 1_767_225_600_000_000_000
        trace.dispatched = trace.began + 1_500_000
        trace.ended = trace.began + 2_000_000_000
        trace.system = "openai"
        trace.host = "api.openai.com"
        trace.port = 443
        let record = AccessRecord()
        record.requestID = "req_1"
        record.method = "POST"
        record.path = "/v1/chat/completions"
        record.door = "chat"
        record.status = 200
        record.requestedModel = "fast"
        record.upstreamModel = "gpt-demo"
        record.provider = "openai"
        record.attempts = 1
        record.requestBytes = 120
        switch name {
        case "stream":
            trace.clientSpan = 0xDEAD_BEEF_0000_0001
            trace.firstEvent = trace.began + 400_000_000
            record.reportedModel = "gpt-demo-2026"
            trace.responseID = "chatcmpl-1"
            trace.user = "user-\"1\""
            trace.session = "sess-9"
            trace.tags = #"["a","b"]"#
            trace.temperature = "0.7"
            trace.topP = "1"
            trace.outputTokensMax = 100
            trace.input = #"[{"role":"user","content":"Hi\n\"there\""}]"#
            trace.output = #"{"role":"assistant","content":"Hello"}"#
            trace.inputMessages = #"[{"role":"user","parts":[]}]"#
            trace.outputMessages = #"[{"role":"assistant","parts":[]}]"#
            record.streams = true
            record.key = "team"
            record.finishReason = .stop
            record.cost = 30_000
            record.usage = Usage()
            record.usage?.inputTokens = 50
            record.usage?.outputTokens = 20
            record.usage?.cachedTokens = 30
            record.usage?.cacheWriteTokens = 5
            record.usage?.reasoningTokens = 12
        case "error":
            record.status = 502
            record.outcome = "error"
            record.error = "The provider \"up\" failed."
        case "cancelled":
            record.status = 499
            record.outcome = "cancelled"
        default:
            trace.dispatched = 0
            trace.system = ""
            record.upstreamModel = .empty
            record.provider = .empty
            record.attempts = 0
            record.status = 404
            record.outcome = "error"
            record.error = "The model `fast` does not exist."
        }
        return (trace, record)
    }

    private func list(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append("[" as StaticString)
        write(&buffer)
        buffer.append("]" as StaticString)
        return buffer
    }

    @Test func writesAsTheGoldenFilesSay() {
        let files = GoldenFile.all(in: "traces")
        #expect(files.count == 4)
        for file in files {
            let name = String(file.description.dropFirst("traces/".count))
            let (trace, record) = Self.request(name)
            let template = templates.template(of: record, trace)
            // The first is of a template that is made, the second of one that is there.
            for _ in 0..<2 {
                let spans = list {
                    OTLPSpanEncoder.append(trace, record, &template.pointee, to: &$0)
                }
                #expect(file.complaint("json spans", json: spans.slice) == nil)
                let generation = list {
                    encoder.append(span: trace, record, &template.pointee, to: &$0)
                }
                #expect(file.complaint("json langfuse", json: generation.slice) == nil)
            }
            let events = list { encoder.append(events: trace, record, to: &$0) }
            #expect(file.complaint("json langfuse events", json: events.slice) == nil)
        }
    }

    /// A record that is used again keeps digits of the times before.
    @Test func timesOfARecordThatIsUsedAgainAreItsOwn() {
        var random = SeededRandom(seed: 3)
        let used = Self.request("stream").0
        var now = 1_767_225_600_000_000_000
        for step in 0..<3_000 {
            // Some far away, most near, some before the last, some before 1970 and 2001.
            switch step % 10 {
            case 0: now = Int(random.next() >> 2)
            case 1: now = Int(random.next() % 2_000_000_000) - 1_000_000_000
            default: now += Int(random.next() % 300_000_000) - 100_000_000
            }
            let record = Self.request("stream").1
            used.reset()
            (used.began, used.dispatched) = (now, now + 70_000_000)
            used.ended = now + 150_000_000
            var spans = ByteBuffer()
            let template = templates.template(of: record, used)
            OTLPSpanEncoder.append(used, record, &template.pointee, to: &spans)
            let times = Self.values(of: "startTimeUnixNano", in: spans.string)
            let padded = [now, now + 70_000_000].map { time in
                let digits = String(max(time, 0))
                return String(repeating: "0", count: 19 - digits.count) + digits
            }
            #expect(times == padded)
        }
    }

    @Test func framesMakeWholeDocuments() throws {
        var resource = OTLPResource()
        resource.version = "1.2.3"
        resource.environment = "test"
        let (trace, record) = Self.request("stream")
        for (frame, isSpans) in [(ExportFrame.spans(resource), true), (.events, false)] {
            var body = ByteBuffer()
            frame.head.withUnsafeBytes { body.append(ByteSlice($0)) }
            if isSpans {
                OTLPSpanEncoder.append(
                    trace, record, &templates.template(of: record, trace).pointee, to: &body)
            } else {
                encoder.append(events: trace, record, to: &body)
            }
            frame.tail.withUnsafeBytes { body.append(ByteSlice($0)) }
            let tree = try JSONArena().read(body.slice)
            #expect(tree.root[isSpans ? "resourceSpans" : "batch"]?.count == (isSpans ? 1 : 2))
        }
    }

    /// The strings under a name, in their order.
    private static func values(of name: String, in json: String) -> [String] {
        json.split(separator: "\"\(name)\":\"").dropFirst().map { rest in
            String(rest.prefix { $0 != "\"" })
        }
    }

    @Test(arguments: [
        ("Production", "production"), ("langfuse-dev", "dev"), ("langfuse", "default"),
        ("", "default"), ("a b/c", "a-b-c"), ("é", "--"),
        (String(repeating: "x", count: 50), String(repeating: "x", count: 40)),
    ])
    func environmentsAreWhatLangfuseTakes(name: String, expected: String) {
        #expect(LangfuseEncoder.environment(name) == expected)
    }
}

extension ByteSlice: ExpressibleByStringLiteral {
    /// For short tests.
    public init(stringLiteral value: StaticString) { self.init(value) }
}
