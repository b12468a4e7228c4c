// HTTP1Parser.swift — llhttp as a value: bytes in, one event at a time out.
// Touches CUV for llhttp only. Used by both connection machines.
//
// llhttp calls back; the callbacks here only write down ranges and pause it where an event is due,
// so that no handler ever runs inside the parser. No lenient flag is ever set. What llhttp leaves
// to its users (counts, sizes, Host, versions, stray line ends) is checked here and in
// HTTPRequestRules.

import CUV

/// A push parser of HTTP/1 messages with a pull interface.
///
/// Head slices point into the caller's input when the head came in one piece, else into a private
/// copy that lives until the next message begins. The table of a head's fields may be the one of
/// `HTTP1ParserSettings`: a head is read before any parser of the same settings goes on.
public struct HTTP1Parser: ~Copyable {
    /// Which kind of message is parsed.
    public enum Role: Sendable {
        /// Requests: a server's side.
        case request
        /// Responses: a client's side.
        case response
    }

    /// What the next bytes turned out to be.
    public enum Event {
        /// All input is used up; nothing more to say.
        case needsInput
        /// A head is complete: read it with `head`.
        case head
        /// Bytes of the body, valid as long as the input.
        case body(ByteSlice)
        /// The message is complete. What is left of the input belongs to the next one.
        case end
        /// The message is broken; the parser is dead from here on.
        case failed(HTTP1Failure)
    }

    private let state: UnsafeMutablePointer<ParserState>
    private let isRequest: Bool
    private let plainFields: PlainFieldTable

    /// Makes a parser; llhttp's settings are shared by all parsers of one `HTTP1ParserSettings`.
    public init(_ role: Role, limits: HTTPHeadLimits, settings: HTTP1ParserSettings) {
        isRequest = role == .request
        plainFields = settings.plainFields
        state = .allocate(capacity: 1)
        state.initialize(to: ParserState(limits: limits))
        let kind = role == .request ? HTTP_REQUEST : HTTP_RESPONSE
        llhttp_init(&state.pointee.llhttp, kind, settings.pointer)
        state.pointee.llhttp.data = UnsafeMutableRawPointer(state)
    }

    deinit {
        state.pointee.releaseHead()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Whether no byte of a message has been seen since the last one ended.
    public var isBetweenMessages: Bool { !state.pointee.inMessage }

    /// Responses: the next one answers a HEAD request and has no body whatever its fields say.
    /// Must be set before its head arrives.
    public mutating func expectNoBody(_ expected: Bool) { state.pointee.expectsNoBody = expected }

    /// Responses: the status of the message that was last begun.
    public var status: Int { state.pointee.status }

    /// Consumes bytes from the front of `input` up to the next event.
    public mutating func next(_ input: inout ByteSlice) -> Event {
        if state.pointee.failure != nil { return failed() }
        if state.pointee.headIsOut {
            state.pointee.headIsOut = false
            state.pointee.releaseHead()
        }
        if state.pointee.isPlain { return plainBody(&input) }
        // Behind a message's end only bytes can begin another.
        guard !input.isEmpty || (state.pointee.isPaused && state.pointee.inMessage) else {
            return .needsInput
        }
        if !state.pointee.inMessage, state.pointee.mayBePlain, !state.pointee.expectsNoBody,
            let count = state.pointee.takePlainHead(
                input, isRequest: isRequest, into: plainFields)
        {
            state.pointee.headIsOut = true
            input = input.dropFirst(count)
            return .head
        }
        if state.pointee.isPaused {
            llhttp_resume(&state.pointee.llhttp)
            state.pointee.isPaused = false
        }
        return state.pointee.inHead ? parseHead(&input) : execute(&input)
    }

    /// Tells that the input has ended. `.end` closes a body that ends with the connection,
    /// `.needsInput` says that nothing was open, anything else is `.failed(.truncated)`.
    public mutating func finish() -> Event {
        if state.pointee.failure != nil { return failed() }
        guard state.pointee.inMessage else { return .needsInput }
        if !state.pointee.inHead, !state.pointee.isPlain,
            llhttp_message_needs_eof(&state.pointee.llhttp) != 0
        {
            state.pointee.endMessage()
            return .end
        }
        state.pointee.failure = .truncated
        return .failed(.truncated)
    }

    /// The head that the last `.head` event announced.
    public var head: HTTPHead {
        let state = self.state
        let base = state.pointee.headBase
        return HTTPHead(
            fields: HTTPFields(
                bytes: base, ranges: state.pointee.fieldsOrEmpty,
                count: state.pointee.fieldCount),
            method: state.pointee.method,
            target: ByteSlice(
                base + Int(state.pointee.targetStart), count: Int(state.pointee.targetCount)),
            status: state.pointee.status,
            minorVersion: state.pointee.minorVersion,
            framing: state.pointee.framing,
            keepsAlive: state.pointee.keepsAlive,
            asksForUpgrade: state.pointee.asksForUpgrade,
            byteCount: state.pointee.headCount)
    }

    /// The body of a message with a plain head is as many bytes as that said.
    private mutating func plainBody(_ input: inout ByteSlice) -> Event {
        let left = state.pointee.plainBodyLeft
        guard left > 0 else {
            state.pointee.endMessage()
            return .end
        }
        guard !input.isEmpty else { return .needsInput }
        let body = UInt64(input.count) <= left ? input : input.prefix(Int(left))
        state.pointee.plainBodyLeft = left - UInt64(body.count)
        input = input.dropFirst(body.count)
        return .body(body)
    }

    // MARK: Feeding llhttp

    /// A head is parsed in place; the part of it that one read did not complete is kept, and the
    /// next read is appended to it, so that all ranges are offsets into one run of bytes.
    private mutating func parseHead(_ input: inout ByteSlice) -> Event {
        let state = self.state
        if !state.pointee.inMessage { state.pointee.beginMessage() }
        let kept = state.pointee.keptHead.count
        guard kept > 0 else {
            state.pointee.headBase = input.base
            state.pointee.feedBase = input.base
            state.pointee.feedOffset = 0
            let whole = input
            let event = execute(&input)
            if case .needsInput = event, state.pointee.inHead {
                guard whole.count <= state.pointee.limits.headBytesMax else {
                    return fail(.headTooLarge)
                }
                state.pointee.keptHead.append(whole)
                if let failure = state.pointee.earlyFailure(in: whole) {
                    return fail(failure)
                }
            }
            return event
        }
        let room = state.pointee.limits.headBytesMax + 1 - kept
        let taken = input.prefix(min(input.count, max(room, 0)))
        guard !taken.isEmpty else { return fail(.headTooLarge) }
        state.pointee.keptHead.append(taken)
        let base = state.pointee.keptHead.slice
        state.pointee.headBase = base.base
        state.pointee.feedBase = base.base + kept
        state.pointee.feedOffset = kept
        var rest = base.dropFirst(kept)
        let event = execute(&rest)
        let used = taken.count - rest.count
        state.pointee.keptHead.truncate(to: kept + used)
        input = input.dropFirst(used)
        if case .needsInput = event, state.pointee.inHead,
            state.pointee.keptHead.count > state.pointee.limits.headBytesMax
        {
            return fail(.headTooLarge)
        }
        if case .needsInput = event, state.pointee.inHead,
            let failure = state.pointee.earlyFailure(in: state.pointee.keptHead.slice)
        {
            return fail(failure)
        }
        return event
    }

    private mutating func execute(_ input: inout ByteSlice) -> Event {
        let state = self.state
        state.pointee.event = .none
        // From the head's first byte to the last one fed.
        let fed = ByteSlice(
            state.pointee.headBase,
            count: state.pointee.inHead ? input.end - state.pointee.headBase : 0)
        let start = UnsafeRawPointer(input.base).assumingMemoryBound(to: CChar.self)
        let code = llhttp_execute(&state.pointee.llhttp, start, input.count)
        if code == HPE_OK {
            input = input.dropFirst(input.count)
            return .needsInput
        }
        if code == HPE_PAUSED, let stop = llhttp_get_error_pos(&state.pointee.llhttp) {
            input = input.dropFirst(stop - start)
            state.pointee.isPaused = true
            switch state.pointee.event {
            case .head:
                return completeHead(stop)
            case .body:
                return .body(state.pointee.bodySpan)
            case .end:
                state.pointee.endMessage()
                return .end
            case .none:
                preconditionFailure("llhttp paused without an event")
            }
        }
        if state.pointee.inHead, state.pointee.lacksVersion(fed) {
            return fail(.unsupportedVersion)
        }
        return fail(state.pointee.failure ?? HTTP1Failure(llhttp: code, in: state.pointee.llhttp))
    }

    private mutating func completeHead(_ stop: UnsafePointer<CChar>) -> Event {
        let state = self.state
        let end = UnsafeRawPointer(stop).assumingMemoryBound(to: UInt8.self)
        // llhttp stops on the last LF of the head, or right behind it.
        let behind = end - state.pointee.feedBase + state.pointee.feedOffset
        state.pointee.headCount = behind
        state.pointee.inHead = false
        state.pointee.headIsOut = true
        guard behind <= state.pointee.limits.headBytesMax else { return fail(.headTooLarge) }
        guard state.pointee.linesAreStrict() else {
            return fail(.malformed(.controlCharacter))
        }
        if let failure = state.pointee.framingFailure { return fail(failure) }
        guard state.pointee.requestLineIsStrict else { return fail(.malformed(.requestLine)) }
        return .head
    }

    private mutating func fail(_ failure: HTTP1Failure) -> Event {
        state.pointee.failure = failure
        return .failed(failure)
    }

    private func failed() -> Event { .failed(state.pointee.failure ?? .malformed(.other)) }
}

/// llhttp's table of callbacks, shared by any number of parsers on one thread.
public final class HTTP1ParserSettings {
    let pointer: UnsafeMutablePointer<llhttp_settings_t>
    let plainFields = PlainFieldTable()

    /// Makes the table.
    public init() {
        pointer = .allocate(capacity: 1)
        llhttp_settings_init(pointer)
        ParserState.install(in: pointer)
    }

    deinit {
        pointer.deallocate()
        plainFields.ranges.deallocate()
    }
}

extension HTTPMethod {
    init(llhttp code: UInt8) {
        switch llhttp_method_t(rawValue: UInt32(code)) {
        case HTTP_GET: self = .get
        case HTTP_HEAD: self = .head
        case HTTP_POST: self = .post
        case HTTP_PUT: self = .put
        case HTTP_DELETE: self = .delete
        case HTTP_OPTIONS: self = .options
        case HTTP_CONNECT: self = .connect
        case HTTP_TRACE: self = .trace
        case HTTP_PATCH: self = .patch
        default: self = .other
        }
    }
}

extension HTTP1Failure {
    init(llhttp code: llhttp_errno_t, in llhttp: llhttp_t) {
        switch code {
        case HPE_INVALID_METHOD: self = .malformed(.method)
        case HPE_INVALID_URL: self = .badTarget
        // llhttp says so, too, when a good version has no CR LF behind it.
        case HPE_INVALID_VERSION where llhttp.http_major == 1 && llhttp.http_minor <= 1:
            self = .malformed(.lineEnd)
        case HPE_INVALID_VERSION, HPE_PAUSED_H2_UPGRADE: self = .unsupportedVersion
        case HPE_INVALID_CONTENT_LENGTH: self = .malformed(.contentLength)
        case HPE_UNEXPECTED_CONTENT_LENGTH: self = .ambiguousLength
        case HPE_INVALID_TRANSFER_ENCODING:
            let hasLength = Int(llhttp.flags) & Int(F_CONTENT_LENGTH.rawValue) != 0
            self = hasLength ? .ambiguousLength : .unknownTransferCoding
        case HPE_INVALID_CHUNK_SIZE: self = .malformed(.chunkSize)
        case HPE_INVALID_HEADER_TOKEN, HPE_UNEXPECTED_SPACE: self = .malformed(.fieldLine)
        case HPE_CR_EXPECTED, HPE_LF_EXPECTED, HPE_STRICT: self = .malformed(.lineEnd)
        case HPE_INVALID_STATUS: self = .malformed(.statusLine)
        default: self = .malformed(.other)
        }
    }
}
