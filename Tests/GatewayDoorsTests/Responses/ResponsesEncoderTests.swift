import FuzzChecks
import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

/// The encoders of whole answers and of streams.
@Suite struct ResponsesEncoderTests {
    private let context = AnswerContext(
        requestID: ByteSlice("req_7f"), requestedModel: ByteSlice("asked"), createdSeconds: 5,
        wantsUsage: true)

    private func echo(_ request: String?) throws -> ResponsesEcho {
        let request = request ?? #"{"model":"asked","input":"x"}"#
        let tree = try JSONArena().read(request)
        return ResponsesEcho(tree.root)
    }

    @Test func writesAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "responses", "answer-")
        #expect(files.count >= 9)
        for file in files { try check(file) }
    }

    private func check(_ file: GoldenFile) throws {
        let echo = try echo(file.block("request"))
        let provider = ByteSlice("claude")
        var stream = ByteBuffer()
        var encoder = ResponsesStreamEncoder(context, echo, provider: provider)
        var response = ModelResponse()
        var log = EventLog()
        let events = try #require(file.block("events"))
        try EventLogReader.play(events) { event in
            log.add(event)
            response.add(event)
            encoder.encode(event, to: &stream)
            if case .failed(let failure) = event { encoder.encodeFailure(failure, to: &stream) }
        }
        #expect(log.text == events)
        let isOver = encoder.isOver
        #expect(isOver)
        #expect(ResponsesOrder.complaint(stream.slice) == nil)
        #expect(file.complaint("sse", found: String(stream.string.dropLast(2))) == nil)
        guard response.failure == nil else { return }
        var body = ByteBuffer()
        ResponsesResponseEncoder.encode(
            response, context, echo, provider: provider, to: &body)
        #expect(file.complaint("json", json: body.slice) == nil)
    }

    @Test(
        arguments: [
            (Failure(.upstreamCut, "gone"), "server_error"),
            (Failure(.upstreamTimeout, "late"), "server_error"),
            (Failure(.upstreamRateLimit, "slow"), "rate_limit_exceeded"),
            (Failure(.upstreamRefusal, "no"), "invalid_prompt"),
            (Failure(.internalFault, ""), "server_error"),
        ] as [(Failure, String)])
    func failsInTheDialectsWords(_ failure: Failure, _ code: String) throws {
        var stream = ByteBuffer()
        var encoder = ResponsesStreamEncoder(context, try echo(nil))
        encoder.encodeFailure(failure, to: &stream)
        let message = failure.message.isEmpty ? "The request failed." : failure.message
        #expect(
            stream.string.contains(#""error":{"code":"\#(code)","message":"\#(message)"}"#))
        #expect(ResponsesOrder.complaint(stream.slice) == nil)
        let count = stream.count
        encoder.encodeFailure(failure, to: &stream)
        encoder.encode(.ended, to: &stream)
        #expect(stream.count == count)
    }

    @Test func tellsTheUpstreamsOwnCode() throws {
        var failure = Failure(.upstreamFault, "too long")
        failure.reportedCode = "context_length_exceeded"
        var stream = ByteBuffer()
        var encoder = ResponsesStreamEncoder(context, try echo(nil))
        encoder.encodeFailure(failure, to: &stream)
        #expect(stream.string.contains(#""code":"context_length_exceeded""#))
    }

    @Test func endsAnAnswerThatIsTooLarge() throws {
        var stream = ByteBuffer()
        var encoder = ResponsesStreamEncoder(context, try echo(nil))
        encoder.encode(.started(AnswerStart()), to: &stream)
        encoder.encode(.partOpened(choice: 0, .text), to: &stream)
        let piece = [UInt8](repeating: 0x61, count: 1 << 24)
        var tails: [String] = []
        piece.withUnsafeBytes { piece in
            for _ in 0..<6 {
                stream.removeAll()
                encoder.encode(.delta(choice: 0, ByteSlice(piece)), to: &stream)
                tails.append(stream.slice.dropFirst(max(0, stream.count - 2000)).string)
            }
        }
        #expect(!tails[3].contains("response.failed"))
        #expect(tails[4].contains("response.failed"))
        #expect(tails[5] == "")
        let (isOver, failure) = (encoder.isOver, encoder.failure)
        #expect(isOver)
        #expect(failure?.kind == .upstreamMalformed)
    }

    /// Each item of a call of a tool in a group tells both words, in a stream and at once.
    @Test func tellsAToolOfAGroupInTwoWords() throws {
        let names = ToolNamespaces()
        let full = names.join(ByteSlice("crm"), ByteSlice("find"))
        var context = self.context
        context.namespaces = names
        let echo = try echo(nil)
        var encoder = ResponsesStreamEncoder(context, echo)
        var stream = ByteBuffer()
        var response = ModelResponse()
        for event in [
            .started(AnswerStart()),
            .partOpened(choice: 0, .toolCall(id: ByteSlice("c"), name: full, isCustom: false)),
            .delta(choice: 0, ByteSlice("{}")), .partClosed(choice: 0),
            .partOpened(
                choice: 0, .toolCall(id: ByteSlice("d"), name: ByteSlice("other"), isCustom: true)),
            .partClosed(choice: 0), .finished(choice: 0, Finish(.toolCalls)), .ended,
        ] as [ModelEvent] {
            response.add(event)
            encoder.encode(event, to: &stream)
        }
        #expect(ResponsesOrder.complaint(stream.slice) == nil)
        let words = #""name":"find","namespace":"crm""#
        // Where the item begins, where it ends, and in the whole response.
        #expect(stream.string.components(words) == 3)
        #expect(stream.string.components(#""namespace""#) == 3)
        #expect(!stream.string.contains("crm__find"))
        var body = ByteBuffer()
        ResponsesResponseEncoder.encode(response, context, echo, provider: .empty, to: &body)
        #expect(body.string.components(words) == 1)
    }

    @Test(arguments: FuzzCorpus.inputs(of: "responses-encode"))
    func keepsTheOrder(_ name: String, _ bytes: [UInt8]) {
        #expect(ResponsesEncodeCheck.run(bytes) == nil, "\(name)")
    }

    @Test func keepsTheOrderAtRandom() {
        var random = SeededRandom(seed: 17)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let complaint = ResponsesEncodeCheck.run(bytes)
            #expect(complaint == nil, "\(bytes)")
            if complaint != nil { return }
        }
    }

    /// The checker itself must be able to fail.
    @Test(
        arguments: [
            ("\"sequence_number\":3", "\"sequence_number\":4"),
            ("\"delta\":\"Hi\"", "\"delta\":\"Ho\""),
            ("response.output_text.done", "response.refusal.done"),
            ("\"output_index\":0", "\"output_index\":1"),
            ("\"content_index\":0", "\"content_index\":1"),
            ("event: response.content_part.added", "event: response.content_part.done"),
            ("\"status\":\"completed\",\"error\"", "\"status\":\"failed\",\"error\""),
            ("\"text\":\"Hi\",\"annotations\"", "\"text\":\"Ho\",\"annotations\""),
            ("response.output_item.done", "response.output_item.gone"),
        ])
    func aBrokenStreamIsFoundOut(_ good: String, _ bad: String) throws {
        var stream = ByteBuffer()
        var encoder = ResponsesStreamEncoder(context, try echo(nil))
        let events = [
            "started id=\"\" model=\"\"", "0 open text", "0 delta \"Hi\"", "0 close",
            "0 finished stop", "ended",
        ]
        try EventLogReader.play(events.joined(separator: "\n")) {
            encoder.encode($0, to: &stream)
        }
        #expect(ResponsesOrder.complaint(stream.slice) == nil)
        let text = stream.string
        let place = try #require(text.byteRange(of: good))
        let broken = text.replacingCharacters(of: place, with: bad)
        #expect(broken.withByteSlice { ResponsesOrder.complaint($0) } != nil)
    }
}

extension String {
    fileprivate func byteRange(of other: String) -> Range<Int>? {
        let text = Array(utf8)
        let other = Array(other.utf8)
        guard text.count >= other.count else { return nil }
        for start in 0...(text.count - other.count)
        where text[start..<start + other.count].elementsEqual(other) {
            return start..<start + other.count
        }
        return nil
    }

    fileprivate func replacingCharacters(of range: Range<Int>, with other: String) -> String {
        var text = Array(utf8)
        text.replaceSubrange(range, with: Array(other.utf8))
        return String(decoding: text, as: UTF8.self)
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}
