// ResponsesStreamEncoder.swift — an answer's events in the words of a responses stream.
// Pure; copies what it needs of the context. Imported by Exchange. What opens and closes parts and
// items is in +Items.
//
// An item stays open until something else begins: text that goes on is one message, and only what
// comes behind an item says whether it was cut short.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's encoder.
package struct ResponsesStreamEncoder: ~Copyable {
    typealias Wire = ResponsesWire
    typealias Event = ResponsesWire.Event

    /// What is open of the first choice.
    enum Open {
        case nothing
        /// An item, behind one of its parts.
        case item
        case part
        /// Encrypted thoughts, which are told when their item is done.
        case redacted
        /// A part that is not told at all.
        case ignored
    }

    /// So many bytes of an answer are kept, because its last event tells them all again.
    package static let answerBytesMax = 64 << 20

    let echo: ResponsesEcho
    let provider: [UInt8]
    let namespaces: ToolNamespaces?
    let stem: [UInt8]
    private let isQuiet: Bool
    private var model: [UInt8]
    private var createdSeconds: Int
    private var sequence = 0
    private var hasBegun = false
    private var usage: Usage?
    private var finishReason = FinishReason.stop
    /// The items that are done, comma-separated JSON.
    private(set) var output = ByteBuffer()
    private(set) var itemCount = 0
    var item = ResponsesItem()
    var open = Open.nothing
    /// Whether the terminal event has been written.
    package private(set) var isOver = false
    /// Set where the encoder itself had to end the stream, which says so: the answer is too large.
    package private(set) var failure: Failure?

    /// - Parameters:
    ///   - echo: of the request that is answered.
    ///   - provider: under this name proofs of thought are given out; as for the decoder.
    package init(
        _ context: AnswerContext, _ echo: ResponsesEcho, provider: ByteSlice = .empty
    ) {
        self.init(context, echo, provider, isQuiet: false)
    }

    /// A quiet one writes no event: for answers that are told at once.
    init(
        _ context: AnswerContext, _ echo: ResponsesEcho, _ provider: ByteSlice, isQuiet: Bool
    ) {
        self.echo = echo
        self.provider = Array(provider.raw)
        namespaces = context.namespaces
        self.isQuiet = isQuiet
        stem = Array(ResponsesIDs.stem(of: context.requestID).raw)
        model = Array(context.requestedModel.raw)
        createdSeconds = context.createdSeconds
    }

    /// The answer's items, comma-separated JSON, for the store; whole once the stream is over.
    package var outputItems: ByteSlice { output.slice }

    /// Appends what `event` amounts to, in whole events. A failure is not written here: see
    /// `encodeFailure`. Only the first choice is told: the dialect has no other.
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {
        guard !isOver else { return }
        switch event {
        case .started(let start): begin(start, to: &buffer)
        case .partOpened(choice: 0, let start): openPart(start, to: &buffer)
        case .delta(choice: 0, let text): add(text, to: &buffer)
        case .signature(choice: 0, let signature): sign(signature)
        case .partClosed(choice: 0): closePart(to: &buffer)
        case .finished(choice: 0, let finish):
            finishReason = finish.reason
            closeItem(isCut: incompleteReason != nil, to: &buffer)
        case .usage(let usage): self.usage = usage
        case .ended: end(to: &buffer)
        case .failed, .partOpened, .delta, .signature, .partClosed, .finished: break
        }
        guard !isOver, keptByteCount > Self.answerBytesMax else { return }
        let tooLarge = Failure(.upstreamMalformed, "The upstream's answer is too large.")
        failure = tooLarge
        encodeFailure(tooLarge, to: &buffer)
    }

    /// Appends the events that end a stream which cannot be completed: `response.failed` with what
    /// there is, behind a beginning if none was told yet. Nothing if the stream is over.
    package mutating func encodeFailure(_ failure: Failure, to buffer: inout ByteBuffer) {
        guard !isOver else { return }
        begin(AnswerStart(), to: &buffer)
        if case .item = open { closeItem(isCut: false, to: &buffer) }
        isOver = true
        event(Event.failed, to: &buffer) { encoder, json in
            json.key(Wire.response)
            encoder.write(Wire.Status.failed, failure, &json)
        }
    }

    private mutating func begin(_ start: AnswerStart, to buffer: inout ByteBuffer) {
        guard !hasBegun else { return }
        hasBegun = true
        if !start.model.isEmpty { model = Array(start.model.raw) }
        if let seconds = start.createdSeconds { createdSeconds = seconds }
        for type in [Event.created, Event.inProgress] {
            event(type, to: &buffer) { encoder, json in
                json.key(Wire.response)
                encoder.write(Wire.Status.inProgress, nil, &json)
            }
        }
    }

    private mutating func end(to buffer: inout ByteBuffer) {
        isOver = true
        let isCut = incompleteReason != nil
        event(isCut ? Event.incomplete : Event.completed, to: &buffer) { encoder, json in
            json.key(Wire.response)
            encoder.writeEnd(&json)
        }
    }

    private var keptByteCount: Int {
        switch open {
        case .nothing, .ignored: output.count
        case .item, .part, .redacted: output.count + item.byteCount
        }
    }

    private var incompleteReason: StaticString? {
        switch finishReason {
        case .length: Wire.Reason.maxOutputTokens
        case .contentFilter: Wire.Reason.contentFilter
        case .stop, .toolCalls, .other: nil
        }
    }

    /// Moves the open item, as it has become, to those that are done.
    /// - Returns: where in them it begins.
    mutating func keepItem(_ status: StaticString) -> Int {
        // Out of the encoder while the encoder is read.
        var list = ByteBuffer()
        swap(&list, &output)
        if itemCount > 0 { list.append(ASCII.comma) }
        let start = list.count
        list.writeJSON { json in
            item.writeDone(status, wantsProof: echo.wantsEncryptedReasoning, &json)
        }
        swap(&list, &output)
        itemCount += 1
        open = .nothing
        return start
    }

    // MARK: Writing

    /// Appends one event of the dialect.
    mutating func event(
        _ type: StaticString, to buffer: inout ByteBuffer,
        _ body: (borrowing ResponsesStreamEncoder, inout JSONWriter) -> Void
    ) {
        guard !isQuiet else { return }
        buffer.append("event: " as StaticString)
        buffer.append(type)
        buffer.append("\ndata: " as StaticString)
        buffer.writeJSON { json in
            json.beginObject()
            json.field(Wire.type, type)
            json.field(Wire.sequenceNumber, sequence)
            body(self, &json)
            json.endObject()
        }
        buffer.append("\n\n" as StaticString)
        sequence += 1
    }

    /// The response object of an answer that is whole.
    borrowing func writeEnd(_ json: inout JSONWriter) {
        let isCut = incompleteReason != nil
        write(isCut ? Wire.Status.incomplete : Wire.Status.completed, nil, &json)
    }

    private borrowing func write(
        _ status: StaticString, _ failure: Failure?, _ json: inout JSONWriter
    ) {
        let isWhole = isOver && failure == nil
        json.beginObject()
        json.key(Wire.id)
        json.string { buffer in
            stem.withUnsafeBytes { ResponsesIDs.append(responseOf: ByteSlice($0), to: &buffer) }
        }
        json.field(Wire.object, Wire.response)
        json.field(Wire.createdAt, createdSeconds)
        json.field(Wire.status, status)
        writeError(failure, &json)
        if isWhole, let reason = incompleteReason {
            json.beginObject(Wire.incompleteDetails)
            json.field(Wire.reason, reason)
            json.endObject()
        } else {
            json.null(Wire.incompleteDetails)
        }
        json.key(Wire.model)
        model.withUnsafeBytes { json.value(ByteSlice($0)) }
        json.beginArray(Wire.output)
        if !output.isEmpty { json.raw(output.slice) }
        json.endArray()
        if isOver { writeUsage(&json) } else { json.null(Wire.usage) }
        echo.members.withUnsafeBytes { json.raw(ByteSlice($0)) }
        json.endObject()
    }

    private borrowing func writeError(_ failure: Failure?, _ json: inout JSONWriter) {
        guard let failure else { return json.null(Wire.error) }
        json.beginObject(Wire.error)
        json.field(Wire.code, text: failure.reportedCode ?? "\(Self.code(of: failure))")
        json.field(
            Wire.message,
            text: failure.message.isEmpty ? "The request failed." : failure.message)
        json.endObject()
    }

    /// Of the dialect's closed list; what the upstream itself calls it goes before.
    static func code(of failure: Failure) -> StaticString {
        switch failure.kind {
        case .rateLimited, .upstreamRateLimit, .upstreamQuota: Wire.ErrorCode.rateLimit
        case .upstreamRefusal: Wire.ErrorCode.invalidPrompt
        default: failure.fault == .caller ? Wire.ErrorCode.invalidPrompt : Wire.ErrorCode.server
        }
    }

    private borrowing func writeUsage(_ json: inout JSONWriter) {
        guard let usage else { return json.null(Wire.usage) }
        json.beginObject(Wire.usage)
        json.field(Wire.inputTokens, usage.inputTokens)
        json.beginObject(Wire.inputTokensDetails)
        json.field(Wire.cachedTokens, usage.cachedTokens)
        json.field(Wire.cacheWriteTokens, usage.cacheWriteTokens)
        json.endObject()
        json.field(Wire.outputTokens, usage.outputTokens)
        json.beginObject(Wire.outputTokensDetails)
        json.field(Wire.reasoningTokens, usage.reasoningTokens)
        json.endObject()
        json.field(Wire.totalTokens, usage.totalTokens)
        json.endObject()
    }
}
