// RecordTemplatesTests.swift — a template is found for its own kind and for no other, whatever comes before,
// and what is written with one that was kept is what a new one gives.

import GatewayModel
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct RecordTemplatesTests {
    private static let names: [StaticString] = [
        "", "a", "b", "abc", "abcd", "abce", "abcdefg", "abcdefgh", "xbcdefgh", "abcdefgx",
        "abcdefghi", "abcdefgh-abcdefgh", "abcdefgh-abcdefgx", "xbcdefgh-abcdefgh",
        "a name of some length with a \"quote\" and more behind it",
    ]

    private static let numbers: [ByteSlice] = ["", "0.25", "0.50"]

    /// A request made of draws from few values, so that many are alike.
    private static func request(_ random: inout SeededRandom) -> (AccessRecord, TraceRecord) {
        func name() -> ByteSlice {
            ByteSlice(names[Int(random.next() % UInt64(names.count))])
        }
        let record = AccessRecord()
        let trace = TraceRecord()
        record.path = name()
        record.method = "POST"
        record.key = name()
        record.requestedModel = name()
        record.upstreamModel = name()
        record.provider = name()
        record.reportedModel = name()
        trace.host = name()
        trace.temperature = Self.numbers[Int(random.next() % 3)]
        trace.topP = Self.numbers[Int(random.next() % 3)]
        trace.port = Int(random.next() % 2)
        trace.dispatched = Int(random.next() % 2)
        if random.next() % 4 == 0 { trace.tags = #"["t"]"# }
        record.streams = random.next() % 2 == 0
        record.attempts = Int(random.next() % 3)
        record.status = random.next() % 2 == 0 ? 200 : 502
        if record.status != 200 { record.outcome = "error" }
        record.door = random.next() % 2 == 0 ? "chat" : "messages"
        record.finishReason = [nil, .stop, .length][Int(random.next() % 3)]
        return (record, trace)
    }

    private func written(
        _ record: AccessRecord, _ trace: TraceRecord, by templates: RecordTemplates
    ) -> String {
        let encoder = LangfuseEncoder(environment: "e", release: "1")
        let template = templates.template(of: record, trace)
        var lines = AccessLog()
        var text = ByteBuffer()
        lines.append(record, &template.pointee, as: .json, to: &text)
        OTLPSpanEncoder.append(trace, record, &template.pointee, to: &text)
        encoder.append(span: trace, record, &template.pointee, to: &text)
        return text.string
    }

    @Test func aTemplateThatWasKeptWritesWhatANewOneDoes() {
        var random = SeededRandom(seed: 7)
        let kept = RecordTemplates()
        var last = Self.request(&random)
        for step in 0..<20_000 {
            // Most are like the one before but for one thing.
            if step % 3 > 0 {
                let other = Self.request(&random)
                switch random.next() % 11 {
                case 0: last.0.path = other.0.path
                case 1: last.0.key = other.0.key
                case 2: last.0.requestedModel = other.0.requestedModel
                case 3: last.0.upstreamModel = other.0.upstreamModel
                case 4: last.0.provider = other.0.provider
                case 5: last.0.reportedModel = other.0.reportedModel
                case 6: last.1.host = other.1.host
                case 7: last.0.attempts = other.0.attempts
                case 8: last.1.temperature = other.1.temperature
                case 9: last.1.topP = other.1.topP
                default: last.0.finishReason = other.0.finishReason
                }
            } else {
                last = Self.request(&random)
            }
            let text = written(last.0, last.1, by: kept)
            guard text == written(last.0, last.1, by: RecordTemplates()) else {
                Issue.record("step \(step): \(text)")
                return
            }
        }
    }

    @Test func requestsOfOneKindShareATemplate() {
        let templates = RecordTemplates()
        var random = SeededRandom(seed: 1)
        let (record, trace) = Self.request(&random)
        record.provider = "p"
        let first = templates.template(of: record, trace)
        record.durationMicroseconds = 5
        record.requestID = "another"
        #expect(templates.template(of: record, trace) == first)
        record.provider = .empty
        #expect(templates.template(of: record, trace) != first)
    }

    @Test func whatWasSaidOfAKindCanBeForgotten() {
        let templates = RecordTemplates()
        var random = SeededRandom(seed: 2)
        let (record, trace) = Self.request(&random)
        record.provider = "p"
        let old = LangfuseEncoder(environment: "old", release: "1")
        let new = LangfuseEncoder(environment: "new", release: "1")
        func text(_ encoder: LangfuseEncoder) -> String {
            var text = ByteBuffer()
            let template = templates.template(of: record, trace)
            encoder.append(span: trace, record, &template.pointee, to: &text)
            return text.string
        }
        #expect(text(old).contains("\"old\""))
        templates.removeAll()
        #expect(text(new).contains("\"new\""))
    }

    @Test func aRecordThatIsUsedAgainIsANewOne() {
        var random = SeededRandom(seed: 3)
        let (record, trace) = Self.request(&random)
        record.secondsSince1970 = 1
        record.milliseconds = 2
        record.requestID = "r"
        record.requestBytes = 3
        record.durationMicroseconds = 4
        record.firstEventMicroseconds = 5
        record.overheadMicroseconds = 6
        record.streamMicroseconds = 6
        record.usage = Usage()
        record.repairs = "r"
        record.builtInRounds = 7
        record.builtInCalls = "c"
        record.error = "e"
        record.departures = "d"
        record.isModelless = true
        record.upstreamMicroseconds = 8
        record.droppedParameters = 9
        record.cost = 10
        record.trace = TraceDigits(TraceID(high: 1, low: 1))
        record.reset()
        #expect(Self.fields(of: record) == Self.fields(of: AccessRecord()))
        trace.user = "u"
        trace.outputTokensMax = 1
        trace.input = "1"
        trace.clientSpan = 4
        trace.isForSpans = true
        trace.reset()
        #expect(Self.fields(of: trace) == Self.fields(of: TraceRecord()))
    }

    /// Slices of no bytes may lie anywhere.
    private static func fields(of record: some AnyObject) -> [String] {
        Mirror(reflecting: record).children.map { child in
            let value = (child.value as? ByteSlice).map(\.string) ?? "\(child.value)"
            return "\(child.label ?? "")=\(value)"
        }
    }
}
