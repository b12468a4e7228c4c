// HTTP1Parser+State.swift — what llhttp's callbacks write down, and the checks on it.
// The callbacks get a pointer to this state and nothing else: no class, no reference counting.

import CUV

/// Everything one parser remembers between two calls. Lives at a fixed address: llhttp points at it.
struct ParserState: ~Copyable {
    enum PendingEvent {
        case none, head, body, end
    }

    var llhttp = llhttp_t()
    let limits: HTTPHeadLimits
    var event = PendingEvent.none
    var isPaused = false
    var inMessage = false
    var inHead = true
    var headIsOut = false
    var expectsNoBody = false
    /// The last callback was a field's name, so a value is still owed.
    var awaitsValue = false
    var failure: HTTP1Failure?

    /// The first byte of the head, and the piece of it that is being fed just now.
    var headBase = UnsafePointer<UInt8>(ByteSlice.empty.base)
    var feedBase = UnsafePointer<UInt8>(ByteSlice.empty.base)
    var feedOffset = 0
    var headCount = 0
    var keptHead = ByteBuffer()

    var targetStart: UInt32 = 0
    var targetCount: UInt32 = 0
    /// Field ranges; allocated for the first head and given back while the parser is idle.
    var fields: UnsafeMutablePointer<HTTPFieldRange>?
    var fieldCapacity = 0
    var fieldCount = 0
    var overheadBytes = 0
    var bodySpan = ByteSlice.empty

    var framing = BodyFraming.none
    var keepsAlive = false
    var asksForUpgrade = false
    var framingFailure: HTTP1Failure?
    var method = HTTPMethod.other
    var status = 0
    var minorVersion = 1
    /// The table of the head at hand: `fields`, or that of plain heads.
    var fieldTable: UnsafePointer<HTTPFieldRange>?

    /// Whether the message at hand is one that llhttp has seen nothing of.
    var isPlain = false
    var plainBodyLeft: UInt64 = 0
    /// Whether llhttp would take a message more: its last one did not end the connection.
    var mayBePlain = true

    init(limits: HTTPHeadLimits) { self.limits = limits }

    mutating func beginMessage() {
        inMessage = true
        targetCount = 0
        fieldCount = 0
        overheadBytes = 0
        awaitsValue = false
        framingFailure = nil
    }

    mutating func endMessage() {
        inMessage = false
        inHead = true
        isPlain = false
        releaseHead()
    }

    /// An idle connection keeps neither the copy of a head nor a table of fields.
    mutating func releaseHead() {
        fieldTable = nil
        if keptHead.capacity > 0 { keptHead.release() }
        guard let fields else { return }
        fields.deallocate()
        self.fields = nil
        fieldCapacity = 0
    }

    /// The table for reading; a head without fields has none, and then nothing is read of it.
    var fieldsOrEmpty: UnsafePointer<HTTPFieldRange> {
        if let fieldTable { return fieldTable }
        return UnsafePointer(bitPattern: MemoryLayout<HTTPFieldRange>.alignment).unsafelyUnwrapped
    }

    // MARK: Recording

    mutating func offset(of position: UnsafePointer<CChar>) -> Int {
        let byte = UnsafeRawPointer(position).assumingMemoryBound(to: UInt8.self)
        return byte - feedBase + feedOffset
    }

    mutating func refuse(_ reason: HTTP1Failure) -> Int32 {
        failure = reason
        return -1
    }

    mutating func targetArrived(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
        if targetCount == 0 { targetStart = UInt32(offset(of: at)) }
        targetCount += UInt32(count)
        return targetCount > UInt32(limits.targetBytesMax) ? refuse(.targetTooLong) : 0
    }

    mutating func nameArrived(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
        guard inHead else { return overheadArrived(count) }
        if awaitsValue, continuesName(offset(of: at)) {
            // The name goes on behind a cut between two reads.
            fields.unsafelyUnwrapped[fieldCount - 1].nameCount += UInt32(count)
        } else {
            guard fieldCount < limits.fieldCountMax else { return refuse(.headTooLarge) }
            if fieldCount == fieldCapacity { growFields() }
            let start = UInt32(offset(of: at))
            fields.unsafelyUnwrapped[fieldCount] = HTTPFieldRange(
                nameStart: start, nameCount: UInt32(count), valueStart: start, valueCount: 0)
            fieldCount += 1
            awaitsValue = true
        }
        return lineCheck()
    }

    /// Whether `offset` is right behind the last name: else that field's value was empty, which
    /// llhttp tells nothing of.
    private func continuesName(_ offset: Int) -> Bool {
        let last = fields.unsafelyUnwrapped[fieldCount - 1]
        return Int(last.nameStart + last.nameCount) == offset
    }

    mutating func valueArrived(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
        guard inHead else { return overheadArrived(count) }
        let index = fieldCount - 1
        if awaitsValue {
            fields.unsafelyUnwrapped[index].valueStart = UInt32(offset(of: at))
            awaitsValue = false
        }
        fields.unsafelyUnwrapped[index].valueCount += UInt32(count)
        return lineCheck()
    }

    mutating func overheadArrived(_ count: Int) -> Int32 {
        overheadBytes += count
        return overheadBytes > limits.overheadBytesMax ? refuse(.overheadTooLarge) : 0
    }

    private mutating func lineCheck() -> Int32 {
        let field = fields.unsafelyUnwrapped[fieldCount - 1]
        let bytes = Int(field.nameCount) + Int(field.valueCount)
        return bytes > limits.lineBytesMax ? refuse(.headTooLarge) : 0
    }

    private mutating func growFields() {
        let grown = fieldCapacity == 0 ? 24 : min(fieldCapacity * 2, limits.fieldCountMax)
        let memory = UnsafeMutablePointer<HTTPFieldRange>.allocate(capacity: grown)
        if let fields {
            memory.update(from: fields, count: fieldCount)
            fields.deallocate()
        }
        fields = memory
        fieldCapacity = grown
    }

    // MARK: Judging a head

    /// Takes over what llhttp knows of the body, and clears its upgrade flag: bytes behind an
    /// upgrade request are never another protocol's here.
    mutating func headCompleted() {
        fieldTable = fields.map { UnsafePointer($0) }
        status = Int(llhttp.status_code)
        minorVersion = Int(llhttp.http_minor)
        asksForUpgrade = llhttp.upgrade != 0
        llhttp.upgrade = 0
        let flags = Int(llhttp.flags)
        let chunked = flags & Int(F_CHUNKED.rawValue) != 0
        let hasLength = flags & Int(F_CONTENT_LENGTH.rawValue) != 0
        let isResponse = llhttp.type == UInt8(HTTP_RESPONSE.rawValue)
        method = isResponse ? .other : HTTPMethod(llhttp: llhttp.method)
        if llhttp.http_major != 1 || llhttp.http_minor > 1 {
            framingFailure = .unsupportedVersion
        } else {
            framingFailure = transferCodingFailure(hasLength: hasLength)
        }
        if isResponse,
            expectsNoBody || llhttp.status_code < 200 || llhttp.status_code == 204
                || llhttp.status_code == 304
        {
            framing = .none
            // What returning 1 from on_headers_complete would have set, which cannot pause as
            // well. llhttp alone would read a body behind some interim responses.
            llhttp.flags |= UInt16(F_SKIPBODY.rawValue)
        } else if chunked {
            framing = .chunked
        } else if hasLength {
            framing = llhttp.content_length == 0 ? .none : .length(llhttp.content_length)
        } else {
            framing = isResponse ? .untilClose : .none
        }
        keepsAlive = llhttp_should_keep_alive(&llhttp) != 0
    }

    /// Only the single coding `chunked` is understood, only in HTTP/1.1, and never beside a length.
    /// llhttp does not see an empty Transfer-Encoding, so the fields are looked at themselves.
    private func transferCodingFailure(hasLength: Bool) -> HTTP1Failure? {
        let wanted: StaticString = "transfer-encoding"
        var seen = 0
        for index in 0..<fieldCount {
            let field = fields.unsafelyUnwrapped[index]
            guard Int(field.nameCount) == wanted.utf8CodeUnitCount else { continue }
            let name = ByteSlice(headBase + Int(field.nameStart), count: Int(field.nameCount))
            guard name.equalsIgnoringCase(wanted) else { continue }
            seen += 1
            if hasLength { return .ambiguousLength }
            if llhttp.http_minor == 0 { return .malformed(.codingInHTTP10) }
            let value = ByteSlice(headBase + Int(field.valueStart), count: Int(field.valueCount))
            if !value.trimmed.equalsIgnoringCase("chunked") { return .unknownTransferCoding }
        }
        return seen <= 1 ? nil : .ambiguousLength
    }

    /// Whether a request line is `method SP target SP HTTP/1.x CR LF` and nothing else: llhttp
    /// takes more spaces, and RTSP and ICE in the place of HTTP.
    var requestLineIsStrict: Bool {
        guard llhttp.type == UInt8(HTTP_REQUEST.rawValue) else { return true }
        let start = Int(targetStart)
        let rest = ByteSlice(headBase, count: headCount).dropFirst(start + Int(targetCount))
        return start >= 2 && headBase[start - 1] == ASCII.space
            && headBase[start - 2] != ASCII.space && rest.hasPrefix(" HTTP/1.")
            && rest.count > 10 && rest[9] == ASCII.cr
    }

    /// Trims the values, and checks that between one field's value and the next one's name there is
    /// nothing but white space, CR and LF, likewise in front of the first and behind the last.
    /// Older releases of llhttp let other line ends through: a CR alone, CR LF CR as the end of the
    /// head, line ends inside a status line.
    mutating func linesAreStrict() -> Bool {
        guard headCount >= 4, endsLine(at: headCount - 4), endsLine(at: headCount - 2) else {
            return false
        }
        var next = headCount - 2
        var index = fieldCount
        while index > 0, let fields {
            index -= 1
            let start = Int(fields[index].valueStart)
            var count = Int(fields[index].valueCount)
            let end = start + count
            // An empty value has no place of its own: it lies behind the name and its colon.
            let from = count > 0 ? end : Int(fields[index].nameStart + fields[index].nameCount) + 1
            var place = from
            while place < next - 2, isBlank(headBase[place]) { place += 1 }
            guard place == next - 2, endsLine(at: place) else { return false }
            while count > 0, isBlank(headBase[start + count - 1]) { count -= 1 }
            fields[index].valueCount = UInt32(count)
            next = Int(fields[index].nameStart)
        }
        return startLineEnds(at: next - 2)
    }

    /// Whether the request line ends behind its target, as in HTTP/0.9.
    func lacksVersion(_ head: ByteSlice) -> Bool {
        guard llhttp.type == UInt8(HTTP_REQUEST.rawValue), targetCount > 0 else { return false }
        return head.dropFirst(min(Int(targetStart + targetCount), head.count)).hasPrefix("\r\n")
    }

    @inline(__always)
    private func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }

    @inline(__always)
    private func endsLine(at place: Int) -> Bool {
        place >= 0 && headBase[place] == ASCII.cr && headBase[place + 1] == ASCII.lf
    }

    /// Whether the first line, empty lines in front of it apart, goes up to the CR LF at `end`.
    private func startLineEnds(at end: Int) -> Bool {
        guard endsLine(at: end) else { return false }
        var start = 0
        while start < end, endsLine(at: start) { start += 2 }
        for place in start..<max(start, end)
        where headBase[place] < ASCII.space && headBase[place] != ASCII.tab {
            return false
        }
        return true
    }

    /// Why what has come of a head cannot become one, so that nobody waits for the rest: a request
    /// line without a version, or a CR in front of it that no LF follows.
    func earlyFailure(in head: ByteSlice) -> HTTP1Failure? {
        if lacksVersion(head) { return .unsupportedVersion }
        if head.count >= 2, head[0] == ASCII.cr, head[1] != ASCII.lf {
            return .malformed(.lineEnd)
        }
        return nil
    }
}

/// llhttp always hands back the parser it was given, and HTTP1Parser.init set its data.
@inline(__always)
private func parserState(_ parser: UnsafeMutablePointer<llhttp_t>?)
    -> UnsafeMutablePointer<ParserState>
{
    parser.unsafelyUnwrapped.pointee.data.unsafelyUnwrapped
        .assumingMemoryBound(to: ParserState.self)
}

extension ParserState {
    static func install(in settings: UnsafeMutablePointer<llhttp_settings_t>) {
        settings.pointee.on_message_begin = { parser in
            // What is left of the last message must not explain this one's failure.
            parser.unsafelyUnwrapped.pointee.http_major = 0
            return 0
        }
        settings.pointee.on_url = { parser, at, count in
            parserState(parser).pointee.targetArrived(at.unsafelyUnwrapped, count)
        }
        settings.pointee.on_header_field = { parser, at, count in
            parserState(parser).pointee.nameArrived(at.unsafelyUnwrapped, count)
        }
        settings.pointee.on_header_value = { parser, at, count in
            parserState(parser).pointee.valueArrived(at.unsafelyUnwrapped, count)
        }
        settings.pointee.on_headers_complete = { parser in
            let state = parserState(parser)
            state.pointee.headCompleted()
            state.pointee.event = .head
            return Int32(HPE_PAUSED.rawValue)
        }
        settings.pointee.on_body = { parser, at, count in
            // A span that a pause left open is told again, empty, when no more input is there.
            guard count > 0 else { return 0 }
            let state = parserState(parser)
            let start = UnsafeRawPointer(at.unsafelyUnwrapped).assumingMemoryBound(to: UInt8.self)
            state.pointee.bodySpan = ByteSlice(start, count: count)
            state.pointee.event = .body
            return Int32(HPE_PAUSED.rawValue)
        }
        settings.pointee.on_message_complete = { parser in
            let state = parserState(parser)
            state.pointee.event = .end
            // A trailer may have changed it since the head. What llhttp makes of bytes behind an
            // upgrade or an interim response is its own.
            state.pointee.mayBePlain =
                llhttp_should_keep_alive(parser) != 0 && !state.pointee.asksForUpgrade
                && (state.pointee.method != .other || state.pointee.status >= 200)
            return Int32(HPE_PAUSED.rawValue)
        }
        settings.pointee.on_chunk_extension_name = { parser, _, count in
            parserState(parser).pointee.overheadArrived(count)
        }
        settings.pointee.on_chunk_extension_value = { parser, _, count in
            parserState(parser).pointee.overheadArrived(count)
        }
        // Extensions may be empty and then have no span, as in `;=;=;=`.
        settings.pointee.on_chunk_extension_name_complete = { parser in
            parserState(parser).pointee.overheadArrived(1)
        }
    }
}
