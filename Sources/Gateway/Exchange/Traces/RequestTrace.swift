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
    /// Whether anybody but the log is told.
    private(set) var isTold = false
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
    private var responseID = ByteBuffer()
    private var input = ByteBuffer()
    private var inputMessages = ByteBuffer()
    private var output = ByteBuffer()
    private var outputMessages = ByteBuffer()

    /// The answer so far, where its content is kept.
    private var response = ModelResponse()
    /// Reads the events of a stream that is relayed.
    private var decoder: ProviderStreamDecoder?
    /// The choice whose text, or whatever it was, the last event added to, and nothing behind that.
    private var growingChoice: Int?
    /// A piece of text without its escapes.
    private var piece = ByteBuffer()
    /// The text of a completion, as it stands in JSON.
    private var text = ByteBuffer()

    private static let metadataNames = JSONNames("session_id", "sessionId", "tags", "user_id")
    /// The two that name a session, in that list.
    private static let sessionNames = 0...1

    /// Begins anew.
    /// - Parameter client: its place in a trace of the client's; nil without one.
    func begin(
        _ policy: TracePolicy, _ id: TraceID, _ client: TraceContext?, isForSpans: Bool,
        isForGenerations: Bool, _ random: inout SeededRandom
    ) {
        record.trace = id
        record.clientSpan = client?.span ?? 0
        let span = random.nextID()
        record.serverSpan = span
        // Another one as random as the first, of which it is made: odd factors keep words apart.
        record.modelSpan = span &* 0x9E37_79B9_7F4A_7C15
        record.isForSpans = isForSpans
        record.isForGenerations = isForGenerations
        isTold = isForSpans || isForGenerations
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
        responseID.removeAll()
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
        growingChoice = nil
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
        let request = scan.traced(of: body)
        record.outputTokensMax = request.outputTokensMax
        if !request.temperature.isEmpty {
            temperature.append(request.temperature.prefixed(by: 32))
            record.temperature = temperature.slice
        }
        if !request.topP.isEmpty {
            topP.append(request.topP.prefixed(by: 32))
            record.topP = topP.slice
        }
        if !request.user.isEmpty { Self.append(request.user, to: &user) }
        if !request.metadata.isEmpty {
            do throws(JSONFailure) { try read(request.metadata) } catch {}
        }
        guard keepsContent else { return }
        let (content, system) = scan.content(of: body)
        keepInput(content, system: system)
    }

    /// Appends an unescaped text of the client's, bounded.
    static func append(_ inside: ByteSlice, to buffer: inout ByteBuffer) {
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
    private func keepInput(_ content: ByteSlice, system: ByteSlice) {
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
    func take(body: ByteSlice, at door: AnswerDoor, _ arena: JSONArena) {
        // What is wrong with it is told where it is served.
        do throws(JSONFailure) {
            let tree = try arena.read(body)
            do throws(Failure) {
                TraceContent.append(parts: try door.decode(tree.root), to: &inputMessages)
            } catch {}
        } catch {}
    }

    // MARK: The answer

    /// The request is asked again, or somewhere else: what was answered so far is nothing.
    func restart() {
        responseID.removeAll()
        response = ModelResponse()
        decoder = nil
        growingChoice = nil
        text.removeAll()
        output.removeAll()
    }

    /// The answer's id, as it stands within a JSON string.
    func take(id: ByteSlice) {
        guard responseID.isEmpty else { return }
        responseID.append(id.prefixed(by: Self.nameBytesMax, atEscapes: true))
    }

    /// The same, of an answer that is there until the end.
    func note(id: ByteSlice) {
        record.responseID = id.prefixed(by: Self.nameBytesMax, atEscapes: true)
    }

    /// An event of an answer that is translated.
    func take(_ event: ModelEvent) {
        if case .started(let start) = event, responseID.isEmpty {
            responseID.append(jsonEscaping: start.id.prefixed(by: Self.nameBytesMax))
        }
        guard keepsAnswer else { return }
        if case .delta(let choice, _) = event {
            growingChoice = choice
            if response.byteCount > TraceContent.bytesMax { return }
        } else {
            growingChoice = nil
        }
        response.add(event)
    }

    /// More of the text that the event before added to: the inside of a string, escapes as they stand.
    /// - Returns: false where that is not known, and the event has to be taken as a whole.
    func take(more inside: ByteSlice, at door: AnswerDoor) -> Bool {
        switch door {
        case .chat:
            guard let choice = growingChoice else { return false }
            if inside.isEmpty { return true }
            guard inside.firstIndex(of: ASCII.backslash) != nil else {
                take(.delta(choice: choice, inside))
                return true
            }
            piece.removeAll()
            piece.append(jsonUnescaping: inside)
            take(.delta(choice: choice, piece.slice))
            return true
        case .completions:
            if text.count < TraceContent.bytesMax { text.append(inside) }
            return true
        default: return false
        }
    }

    /// An event of a stream that is relayed, where the answer is kept.
    func take(
        _ event: EventStreamEvent, at door: AnswerDoor, _ context: ProviderContext
    ) {
        switch door {
        case .chat, .messages:
            if decoder == nil { decoder = Self.codec(of: door).openStream() }
            growingChoice = nil
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

    /// A whole answer that was relayed, where it is kept.
    /// - Parameter message: where the message of a chat is, if there is but one.
    func take(
        whole answer: ByteSlice, message: Range<Int>?, at door: AnswerDoor,
        _ context: ProviderContext
    ) {
        if !keepsMessages, let message,
            TraceContent.append(plain: answer[message], to: &output)
        {
            return
        }
        switch door {
        case .chat, .messages:
            Self.codec(of: door).decode(answer, context) { self.take($0) }
        default:
            let sketch = AnswerSketch(of: answer, wantsContent: true)
            TraceContent.append(json: sketch.content, to: &output)
        }
    }

    private static func codec(of door: AnswerDoor) -> AnswerCodec {
        door == .messages ? .messages(isAnswerInTool: false) : .chat
    }

    // MARK: The end

    /// Completes the record, which borrows from this trace.
    func complete() {
        if keepsAnswer { completeContent() }
        if record.responseID.isEmpty { record.responseID = responseID.slice }
        record.user = user.slice
        record.session = session.slice
        record.tags = tags.slice
    }

    private func completeContent() {
        if !response.choices.isEmpty {
            if keepsContent { TraceContent.append(message: response, to: &output) }
            if keepsMessages { TraceContent.append(parts: response, to: &outputMessages) }
        } else if !text.isEmpty {
            output.append(ASCII.quote)
            output.append(text.slice)
            output.append(ASCII.quote)
        }
        record.input = input.slice
        if keepsContent { record.output = output.slice }
        record.inputMessages = inputMessages.slice
        record.outputMessages = outputMessages.slice
    }
}

extension ByteSlice {
    /// The beginning; with `atEscapes` not so that it ends within an escape sequence of JSON.
    func prefixed(by length: Int, atEscapes: Bool = false) -> ByteSlice {
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

extension SeededRandom {
    /// A word that is not zero: no id may be.
    mutating func nextID() -> UInt64 {
        let word = next()
        return word == 0 ? 1 : word
    }
}
