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
        releaseHead()
    }

    /// An idle connection keeps neither the copy of a head nor a table of fields.
    mutating func releaseHead() {
        keptHead.release()
        fields?.deallocate()
        fields = nil
        fieldCapacity = 0
    }

    /// The table for reading; a head without fields has none, and then nothing is read of it.
    var fieldsOrEmpty: UnsafePointer<HTTPFieldRange> {
        if let fields { return UnsafePointer(fields) }
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
        if awaitsValue {
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
        asksForUpgrade = llhttp.upgrade != 0
        llhttp.upgrade = 0
        keepsAlive = llhttp_should_keep_alive(&llhttp) != 0
        let flags = Int(llhttp.flags)
        let chunked = flags & Int(F_CHUNKED.rawValue) != 0
        let coded = flags & Int(F_TRANSFER_ENCODING.rawValue) != 0
        let hasLength = flags & Int(F_CONTENT_LENGTH.rawValue) != 0
        let isResponse = llhttp.type == UInt8(HTTP_RESPONSE.rawValue)
        if llhttp.http_major != 1 || llhttp.http_minor > 1 {
            framingFailure = .unsupportedVersion
        } else if coded {
            framingFailure = transferCodingFailure(hasLength: hasLength)
        }
        if isResponse, expectsNoBody || llhttp.status_code < 200 || llhttp.status_code == 204
            || llhttp.status_code == 304
        {
            framing = .none
        } else if chunked {
            framing = .chunked
        } else if hasLength {
            framing = llhttp.content_length == 0 ? .none : .length(llhttp.content_length)
        } else {
            framing = isResponse ? .untilClose : .none
        }
    }

    /// Only the single coding `chunked` is understood, only in HTTP/1.1, and never beside a length.
    private func transferCodingFailure(hasLength: Bool) -> HTTP1Failure? {
        if hasLength { return .ambiguousLength }
        if llhttp.http_minor == 0 { return .malformed(.codingInHTTP10) }
        var seen = 0
        for index in 0..<fieldCount {
            let field = fields.unsafelyUnwrapped[index]
            let name = ByteSlice(headBase + Int(field.nameStart), count: Int(field.nameCount))
            guard name.equalsIgnoringCase("transfer-encoding") else { continue }
            seen += 1
            let value = ByteSlice(headBase + Int(field.valueStart), count: Int(field.valueCount))
            if !value.equalsIgnoringCase("chunked") { return .unknownTransferCoding }
        }
        return seen == 1 ? nil : .ambiguousLength
    }

    /// A head of n field lines has n + 2 line ends and no other control character: any stray CR,
    /// LF or NUL changes the count. Older releases of llhttp let some of them through (a CR alone
    /// as a line end, CR LF CR as the end of the head, line ends inside a status line).
    func lineEndsAreStrict(in head: ByteSlice) -> Bool {
        var first = 0
        while first + 1 < head.count, head[first] == ASCII.cr, head[first + 1] == ASCII.lf {
            first += 2
        }
        guard head.count >= 4, head[head.count - 1] == ASCII.lf, head[head.count - 2] == ASCII.cr,
            head[head.count - 3] == ASCII.lf, head[head.count - 4] == ASCII.cr
        else { return false }
        let controls = head.dropFirst(first).countOfControls
        return controls == 2 * (fieldCount + 2)
    }
}

extension ByteSlice {
    /// How many bytes are below 0x20, HTAB apart.
    var countOfControls: Int {
        var total = 0
        var index = 0
        let limit = SIMD16<UInt8>(repeating: 0x20)
        let tab = SIMD16<UInt8>(repeating: ASCII.tab)
        let one = SIMD16<UInt8>(repeating: 1)
        while index + 16 <= count {
            let bytes = UnsafeRawPointer(base + index).loadUnaligned(as: SIMD16<UInt8>.self)
            let hits = one.replacing(with: 0, where: (bytes .>= limit) .| (bytes .== tab))
            total += Int(hits.wrappedSum())
            index += 16
        }
        while index < count {
            if base[index] < 0x20, base[index] != ASCII.tab { total += 1 }
            index += 1
        }
        return total
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
        settings.pointee.on_url = { parser, at, count in
            parserState(parser).pointee.targetArrived(at.unsafelyUnwrapped, count)
        }
        settings.pointee.on_header_field = { parser, at, count in
            parserState(parser).pointee.nameArrived(at.unsafelyUnwrapped, count)
        }
        settings.pointee.on_header_value = { parser, at, count in
            parserState(parser).pointee.valueArrived(at.unsafelyUnwrapped, count)
        }
        // A value may be empty and then have no span: the name after it must not be glued to it.
        settings.pointee.on_header_value_complete = { parser in
            parserState(parser).pointee.awaitsValue = false
            return 0
        }
        settings.pointee.on_headers_complete = { parser in
            let state = parserState(parser)
            state.pointee.headCompleted()
            state.pointee.event = .head
            // llhttp takes no body for granted only when told here, and cannot be told when
            // paused; so such a response is let through, and its head comes with its end.
            if state.pointee.expectsNoBody { state.pointee.skipsBody() }
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
            parserState(parser).pointee.event = .end
            return Int32(HPE_PAUSED.rawValue)
        }
        settings.pointee.on_chunk_extension_name = { parser, _, count in
            parserState(parser).pointee.overheadArrived(count)
        }
        settings.pointee.on_chunk_extension_value = { parser, _, count in
            parserState(parser).pointee.overheadArrived(count)
        }
    }

    /// Sets the flag that returning 1 from on_headers_complete would have set.
    mutating func skipsBody() {
        llhttp.flags |= UInt16(F_SKIPBODY.rawValue)
    }
}
