// RequestTrace.swift — what is kept of one request for those who record requests, from its head to its
// end: ids, names, and where it was asked for, content. There only while somebody records; reused.
// No socket. Exchange+Trace.swift feeds it.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTelemetry
import ReactorCore

/// One request's trace.
final class RequestTrace {
    /// Bytes of a name of the client's that are kept.
    static let nameBytesMax = 256
    /// Memory for content that a trace keeps for the next request, for each kind of content.
    private static let contentBytesKept = 4096
    /// Bytes of tags.
    static let tagsBytesMax = 1024

    let record = TraceRecord()
    /// The one behind it among those that nobody uses.
    var next: RequestTrace?
    private(set) var keepsContent = false
    /// Whether it is told outside of the log.
    private(set) var tellsContent = false
    private(set) var logsBodies = false
    private(set) var keepsMessages = false

    private var user = ByteBuffer()
    private var session = ByteBuffer()
    private var tags = ByteBuffer()
    private var temperature = ByteBuffer()
    private var topP = ByteBuffer()
    private var reportedModel = ByteBuffer()
    private var responseID = ByteBuffer()
    private var input = ByteBuffer()
    private var inputMessages = ByteBuffer()
    private var output = ByteBuffer()
    private var outputMessages = ByteBuffer()

    /// The answer so far, where its content is kept.
    private var response = ModelResponse()
    /// Reads the events of a stream that is relayed.
    private var decoder: ProviderStreamDecoder?
    /// The text of a completion, as it stands in JSON.
    private var text = ByteBuffer()
    private var hasLooked = false
    private var idPlace: Range<Int>?
    private var modelPlace: Range<Int>?
    private var messagePlace: Range<Int>?

    private static let metadataNames = JSONNames("session_id", "sessionId", "tags", "user_id")
    /// The two that name a session, in that list.
    private static let sessionNames = 0...1

    /// Begins anew.
    func begin(_ policy: TracePolicy) {
        tellsContent = policy.keepsContent && record.isForGenerations
        logsBodies = policy.logsBodies
        keepsContent = tellsContent || logsBodies
        keepsMessages = policy.keepsMessages && record.isForSpans
    }

    /// Whether the answer's content is kept in any form.
    var keepsAnswer: Bool { keepsContent || keepsMessages }

    func reset() {
        record.reset()
        user.removeAll()
        session.removeAll()
        tags.removeAll()
        temperature.removeAll()
        topP.removeAll()
        reportedModel.removeAll()
        responseID.removeAll()
        hasLooked = false
        (idPlace, modelPlace, messagePlace) = (nil, nil, nil)
        if keepsContent || keepsMessages { releaseContent() }
    }

    private func releaseContent() {
        Self.empty(&input)
        Self.empty(&inputMessages)
        Self.empty(&output)
        Self.empty(&outputMessages)
        Self.empty(&text)
        if !response.choices.isEmpty { response = ModelResponse() }
        if decoder != nil { decoder = nil }
    }

    /// Content may have been long.
    private static func empty(_ content: inout ByteBuffer) {
        if content.capacity > contentBytesKept { content.release() } else { content.removeAll() }
    }

    // MARK: The request

    /// A session that the head names goes before one in the body.
    func take(session value: ByteSlice) {
        session.removeAll()
        session.append(value.prefix(min(value.count, Self.nameBytesMax)))
    }

    /// What the body says of itself. To be called while it is there.
    func take(_ scan: DoorScan, of body: ByteSlice) {
        let (details, user, outputTokensMax) = scan.traced
        record.outputTokensMax = outputTokensMax
        temperature.append(details.temperature.slice(of: body).prefixed(by: 32))
        topP.append(details.topP.slice(of: body).prefixed(by: 32))
        if let range = user {
            Self.append(body[range.lowerBound + 1..<range.upperBound - 1], to: &self.user)
        }
        let metadata = details.metadata.slice(of: body)
        if !metadata.isEmpty {
            do throws(JSONFailure) { try read(metadata) } catch {}
        }
        if keepsContent { keepInput(details, body) }
    }

    /// Appends an unescaped text of the client's, bounded.
    private static func append(_ inside: ByteSlice, to buffer: inout ByteBuffer) {
        // No character takes more than six bytes to spell.
        buffer.append(jsonUnescaping: inside.prefixed(by: nameBytesMax * 6, atEscapes: true))
        buffer.truncate(to: min(buffer.count, nameBytesMax))
    }

    private func read(_ metadata: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(metadata)
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.metadataNames) {
            let value = try scanner.value()
            switch (name.index, value.kind) {
            case (Self.sessionNames, .string) where session.isEmpty:
                Self.append(scanner.bytes(value.inside), to: &session)
            case (2, .array) where value.range.count <= Self.tagsBytesMax:
                if try Self.areStrings(scanner.bytes(value.range)) {
                    tags.append(scanner.bytes(value.range))
                }
            case (3, .string) where user.isEmpty:
                Self.append(scanner.bytes(value.inside), to: &user)
            default: break
            }
        }
    }

    private static func areStrings(_ list: ByteSlice) throws(JSONFailure) -> Bool {
        var scanner = JSONScanner(list)
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard try scanner.value().kind == .string else { return false }
            count += 1
        }
        return count > 0
    }

    /// The conversation in the client's words; what it says beside it goes in front.
    private func keepInput(_ details: ScannedDetails, _ body: ByteSlice) {
        let content = details.content.slice(of: body)
        let system = details.system.slice(of: body)
        guard !system.isEmpty else { return TraceContent.append(json: content, to: &input) }
        var whole = ByteBuffer()
        whole.append("[{\"role\":\"system\",\"content\":" as StaticString)
        whole.append(system)
        whole.append("}" as StaticString)
        if content.count > 2, content[0] == ASCII.openBracket {
            whole.append(ASCII.comma)
            whole.append(content[1..<content.count - 1])
        } else if !content.isEmpty, content[0] == ASCII.quote {
            whole.append(",{\"role\":\"user\",\"content\":" as StaticString)
            whole.append(content)
            whole.append("}" as StaticString)
        }
        whole.append("]" as StaticString)
        TraceContent.append(json: whole.slice, to: &input)
    }

    /// The conversation in the words of the GenAI conventions.
    func take(_ request: ModelRequest) {
        TraceContent.append(parts: request, to: &inputMessages)
    }

    // MARK: The answer

    /// The request is asked again, or somewhere else: what was answered so far is nothing.
    func restart() {
        reportedModel.removeAll()
        responseID.removeAll()
        response = ModelResponse()
        decoder = nil
        text.removeAll()
        output.removeAll()
        hasLooked = false
        (idPlace, modelPlace, messagePlace) = (nil, nil, nil)
    }

    /// An event of an answer that is translated.
    func take(_ event: ModelEvent) {
        if case .started(let start) = event, responseID.isEmpty {
            responseID.append(start.id.prefixed(by: Self.nameBytesMax))
            reportedModel.append(start.model.prefixed(by: Self.nameBytesMax))
        }
        guard keepsAnswer else { return }
        if case .delta = event, response.byteCount > TraceContent.bytesMax { return }
        response.add(event)
    }

    /// An event of a stream that is relayed.
    func take(
        _ event: EventStreamEvent, at door: AnswerDoor, _ context: ProviderContext
    ) {
        if !hasLooked {
            hasLooked = true
            take(names: AnswerSketch(of: event.data))
        }
        guard keepsAnswer else { return }
        switch door {
        case .chat, .messages:
            if decoder == nil { decoder = Self.codec(of: door).openStream() }
            decoder?.decode(event, context) { self.take($0) }
        case .responses:
            // The last event holds the whole answer.
            guard event.data.prefixed(by: 64).contains(#""response.completed""#) else { return }
            let sketch = AnswerSketch(of: event.data, wantsContent: true)
            output.removeAll()
            TraceContent.append(json: sketch.content, to: &output)
        default:
            guard text.count < TraceContent.bytesMax else { return }
            let sketch = AnswerSketch(of: event.data, wantsContent: true)
            AnswerSketch.texts(in: sketch.content) { text.append($0) }
        }
    }

    /// A whole answer that was relayed.
    func take(
        whole answer: ByteSlice, at door: AnswerDoor, _ context: ProviderContext
    ) {
        guard keepsAnswer else { return take(namesOf: answer) }
        switch door {
        case .chat, .messages:
            Self.codec(of: door).decode(answer, context) { self.take($0) }
        default:
            let sketch = AnswerSketch(of: answer, wantsContent: true)
            take(names: sketch)
            TraceContent.append(json: sketch.content, to: &output)
        }
    }

    private static func codec(of door: AnswerDoor) -> AnswerCodec {
        door == .messages ? .messages(isAnswerInTool: false) : .chat
    }

    /// Where a whole answer of the chat dialect has its names and its message; it stays as it is to the
    /// end.
    func note(id: Range<Int>?, model: Range<Int>?, message: Range<Int>?) {
        (idPlace, modelPlace, messagePlace) = (id, model, message)
    }

    /// Takes the message from the place that was noted, if it is one that need not be read.
    func takeNotedMessage(of answer: ByteSlice) -> Bool {
        guard !keepsMessages, let messagePlace else { return false }
        return TraceContent.append(plain: answer[messagePlace], to: &output)
    }

    /// Takes the names from the places that were noted, if any were.
    func takeNoted(of answer: ByteSlice) -> Bool {
        guard idPlace != nil || modelPlace != nil else { return false }
        if let idPlace {
            record.responseID = Self.plain(answer[idPlace], scratch: &responseID)
        }
        if let modelPlace {
            record.reportedModel = Self.plain(answer[modelPlace], scratch: &reportedModel)
        }
        return true
    }

    /// A name as it stands in JSON; one with escapes is copied.
    private static func plain(_ inside: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        if inside.count <= nameBytesMax, inside.firstIndex(of: ASCII.backslash) == nil {
            return inside
        }
        append(inside, to: &scratch)
        return scratch.slice
    }

    /// The same, without its content.
    func take(namesOf answer: ByteSlice) { take(names: AnswerSketch(of: answer)) }

    private func take(names sketch: AnswerSketch) {
        Self.append(sketch.id, to: &responseID)
        Self.append(sketch.model, to: &reportedModel)
    }

    // MARK: The end

    /// Completes the record, which borrows from this trace.
    func complete() {
        if !response.choices.isEmpty {
            if keepsContent { TraceContent.append(message: response, to: &output) }
            if keepsMessages { TraceContent.append(parts: response, to: &outputMessages) }
        } else if !text.isEmpty {
            output.append(ASCII.quote)
            output.append(text.slice)
            output.append(ASCII.quote)
        }
        if record.reportedModel.isEmpty { record.reportedModel = reportedModel.slice }
        if record.responseID.isEmpty { record.responseID = responseID.slice }
        record.user = user.slice
        record.session = session.slice
        record.tags = tags.slice
        record.temperature = temperature.slice
        record.topP = topP.slice
        record.input = input.slice
        if keepsContent { record.output = output.slice }
        record.inputMessages = inputMessages.slice
        record.outputMessages = outputMessages.slice
    }
}

extension ByteSlice {
    /// The beginning; with `atEscapes` not so that it ends within an escape sequence of JSON.
    fileprivate func prefixed(by length: Int, atEscapes: Bool = false) -> ByteSlice {
        guard count > length else { return self }
        var end = length
        if atEscapes, let escape = (max(end - 12, 0)..<end).first(where: { self[$0] == 0x5C }) {
            end = escape
        }
        return prefix(end)
    }

    fileprivate func contains(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        return (0...(count - length)).contains { self[$0..<$0 + length] == text }
    }
}
