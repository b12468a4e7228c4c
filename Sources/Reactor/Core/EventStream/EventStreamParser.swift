// EventStreamParser.swift — text/event-stream (WHATWG HTML, "Server-sent events") from bytes to
// events, however the bytes are cut. Pure value; touches only the bytes it is fed and its own.
// Imported by everyone who reads event streams.

#if canImport(Glibc)
    import Glibc
#endif

/// One dispatched event. Its slices are valid until the parser's next call, or until the memory
/// the parser was fed from changes, whichever is first.
public struct EventStreamEvent {
    /// The value of the last `event` field; empty means the default type.
    public let name: ByteSlice
    /// The values of all `data` fields, joined by LF.
    public let data: ByteSlice
    /// The raw bytes of the whole event, its blank line included, when they are exactly what
    /// `EventStreamWriter.event` would write and lay in one piece in the fed input; else nil.
    public let canonical: ByteSlice?

    /// An event made of its parts.
    public init(name: ByteSlice, data: ByteSlice, canonical: ByteSlice?) {
        self.name = name
        self.data = data
        self.canonical = canonical
    }
}

/// Why an event stream cannot be read on.
public enum EventStreamFailure: Error, Equatable, Sendable {
    /// An event, or a comment line, has more raw bytes than the parser's limit.
    case eventTooLarge(bytesMax: Int)
}

/// A pull parser of event streams: feed it what one read brought until it answers nil.
///
/// An event that lies whole in the input, LF line ends and single spaces only, is answered as
/// slices of that input. Every other event is gathered line by line in memory of the parser's
/// own. `id`, `retry`, unknown fields and comments are dropped; a byte order mark is dropped at
/// the start of the stream only; text is not decoded, so a cut inside a character is no matter.
///
/// Invariant: `held` is the data gathered so far, each line followed by LF, up to `dataEnd`, and
/// behind it the bytes of the unfinished line.
public struct EventStreamParser: ~Copyable {
    /// The raw size above which an event is refused; a line end counts as one byte.
    public let eventBytesMax: Int

    private var held = ByteBuffer()
    private var dataEnd = 0
    private var heldName = ByteBuffer()
    /// Raw bytes of the finished lines of the event being gathered.
    private var eventBytes = 0
    /// A field line came since the last blank line.
    private var isInEvent = false
    /// The last line ended with CR, so that an LF that follows belongs to it.
    private var skipsLF = false
    /// `held` is lent out as the event of the previous call.
    private var isLent = false
    /// How many bytes of the byte order mark have come; `markDone` once that is settled.
    private var markBytes = 0

    private static let markDone = 3
    /// Memory above this is given back whenever nothing is held.
    private static let keptBytesMax = 4096

    /// A parser at the start of a stream.
    public init(eventBytesMax: Int = 8 << 20) {
        precondition(eventBytesMax >= 3, "smaller than a byte order mark")
        self.eventBytesMax = eventBytesMax
    }

    /// Whether no byte of an unfinished event or line has been taken in.
    public var isBetweenEvents: Bool {
        !isInEvent && (isLent || held.isEmpty) && (markBytes == 0 || markBytes == Self.markDone)
    }

    /// The next event, its bytes taken off the front of `input`; nil when the input is used up,
    /// an unfinished event then being kept inside. After a failure the stream is of no more use.
    public mutating func next(
        _ input: inout ByteSlice
    ) throws(EventStreamFailure) -> EventStreamEvent? {
        if isLent { recycle() }
        if held.isEmpty, !isInEvent, !skipsLF, markBytes == Self.markDone,
            let event = wholeEvent(&input)
        {
            return event
        }
        return try nextByLine(&input)
    }

    /// The end of the stream: the pending event, if it has data, its last line taken as ended.
    /// The standard drops such an event; the caller decides whether it is acceptable.
    public mutating func finish() -> EventStreamEvent? {
        if isLent { recycle() }
        if held.count > dataEnd { takeHeldLine() }
        skipsLF = false
        return dispatch()
    }

    // MARK: The whole event in the input

    /// Takes an event off the input if it lies there whole and canonical; else takes nothing.
    private mutating func wholeEvent(_ input: inout ByteSlice) -> EventStreamEvent? {
        var name = ByteSlice.empty
        var dataAt = 0
        if input.hasPrefix("event: ") {
            guard let end = Self.lineEnd(in: input, from: 7), end > 7, input[end] == ASCII.lf
            else { return nil }
            name = input[7..<end]
            dataAt = end + 1
        }
        let lines = input.dropFirst(dataAt)
        guard lines.hasPrefix("data: "), let end = Self.lineEnd(in: lines, from: 6),
            lines[end] == ASCII.lf, end + 1 < lines.count
        else { return nil }
        guard lines[end + 1] == ASCII.lf else {
            return wholeEvent(&input, name: name, dataAt: dataAt)
        }
        let length = dataAt + end + 2
        guard length <= eventBytesMax else { return nil }
        let canonical = input.prefix(length)
        input = input.dropFirst(length)
        return EventStreamEvent(name: name, data: lines[6..<end], canonical: canonical)
    }

    /// The same for an event of several data lines, whose values are joined in `held`.
    @inline(never)
    private mutating func wholeEvent(
        _ input: inout ByteSlice, name: ByteSlice, dataAt: Int
    ) -> EventStreamEvent? {
        var at = dataAt
        while at < input.count, input[at] != ASCII.lf {
            guard input.dropFirst(at).hasPrefix("data: "),
                let end = Self.lineEnd(in: input, from: at + 6), input[end] == ASCII.lf
            else { return nil }
            at = end + 1
        }
        guard at < input.count, at < eventBytesMax else { return nil }
        let canonical = input.prefix(at + 1)
        input = input.dropFirst(at + 1)
        var start = dataAt
        while start < at, let end = Self.lineEnd(in: canonical, from: start) {
            held.append(canonical[start + 6..<end])
            held.append(ASCII.lf)
            start = end + 1
        }
        isLent = true
        return EventStreamEvent(
            name: name, data: held.slice.prefix(held.count - 1), canonical: canonical)
    }

    /// The index of the first CR or LF at or behind `start`. Looks in windows that double, so
    /// that the work is bounded by the length of the line and not by that of the input.
    @inline(__always)
    private static func lineEnd(in bytes: ByteSlice, from start: Int) -> Int? {
        var from = start
        var window = 512
        while from < bytes.count {
            let until = min(from + window, bytes.count)
            let part = bytes[from..<until]
            let lf = part.firstIndex(of: ASCII.lf)
            if let cr = part.prefix(lf ?? part.count).firstIndex(of: ASCII.cr) { return from + cr }
            if let lf { return from + lf }
            from = until
            window *= 2
        }
        return nil
    }

    // MARK: Line by line

    @inline(never)
    private mutating func nextByLine(
        _ input: inout ByteSlice
    ) throws(EventStreamFailure) -> EventStreamEvent? {
        while !input.isEmpty {
            if skipsLF {
                skipsLF = false
                if input[0] == ASCII.lf {
                    input = input.dropFirst(1)
                    continue
                }
            }
            if markBytes != Self.markDone {
                takeMark(&input)
                continue
            }
            if held.isEmpty, !isInEvent, let event = wholeEvent(&input) { return event }
            let end = Self.lineEnd(in: input, from: 0)
            let part = input.prefix(end ?? input.count)
            let lineBytes = held.count - dataEnd + part.count
            guard eventBytes + lineBytes + (end == nil ? 0 : 1) <= eventBytesMax else {
                throw .eventTooLarge(bytesMax: eventBytesMax)
            }
            guard let end else {
                held.append(part)
                input = .empty
                return nil
            }
            skipsLF = input[end] == ASCII.cr
            input = input.dropFirst(end + 1)
            eventBytes += lineBytes + 1
            if lineBytes == 0 {
                if let event = dispatch() { return event }
            } else if held.count > dataEnd {
                held.append(part)
                takeHeldLine()
            } else {
                take(line: part)
            }
        }
        return nil
    }

    /// Takes the next byte of the byte order mark, or settles that there is none.
    private mutating func takeMark(_ input: inout ByteSlice) {
        let mark = ByteSlice("\u{FEFF}")
        if input[0] == mark[markBytes] {
            input = input.dropFirst(1)
            markBytes += 1
        } else {
            held.append(mark.prefix(markBytes))
            markBytes = Self.markDone
        }
    }

    /// Takes the finished line that lies in `held` behind the data.
    private mutating func takeHeldLine() {
        let line = held.slice.dropFirst(dataEnd)
        if let value = Self.value(of: "data", in: line) {
            isInEvent = true
            let length = value.count
            memmove(UnsafeMutablePointer(mutating: line.base), value.base, length)
            held.truncate(to: dataEnd + length)
            endDataLine()
        } else {
            take(line: line)
            held.truncate(to: dataEnd)
            if held.isEmpty, held.capacity > Self.keptBytesMax { held.release() }
        }
    }

    /// Takes a finished line that is not blank. It lies outside `held`, or is not a data line.
    private mutating func take(line: ByteSlice) {
        if line[0] == ASCII.colon {
            // A comment between two events belongs to neither, or heartbeats would add up.
            if !isInEvent { eventBytes = 0 }
            return
        }
        isInEvent = true
        if let value = Self.value(of: "data", in: line) {
            held.append(value)
            endDataLine()
        } else if let value = Self.value(of: "event", in: line) {
            heldName.removeAll()
            heldName.append(value)
        }
    }

    private mutating func endDataLine() {
        held.append(ASCII.lf)
        dataEnd = held.count
    }

    /// The value of the line if its field is called `name`: what stands behind the colon, less
    /// one space; empty when there is no colon.
    private static func value(of name: StaticString, in line: ByteSlice) -> ByteSlice? {
        guard line.hasPrefix(name) else { return nil }
        let rest = line.dropFirst(name.utf8CodeUnitCount)
        guard !rest.isEmpty else { return rest }
        guard rest[0] == ASCII.colon else { return nil }
        return rest.dropFirst(rest.count > 1 && rest[1] == ASCII.space ? 2 : 1)
    }

    /// A blank line: the event gathered so far, or nil if it has no data and so is none.
    private mutating func dispatch() -> EventStreamEvent? {
        isInEvent = false
        eventBytes = 0
        guard dataEnd > 0 else {
            heldName.removeAll()
            return nil
        }
        isLent = true
        return EventStreamEvent(
            name: heldName.slice, data: held.slice.prefix(dataEnd - 1), canonical: nil)
    }

    /// Forgets the event lent out by the previous call.
    @inline(never)
    private mutating func recycle() {
        isLent = false
        dataEnd = 0
        if held.capacity > Self.keptBytesMax { held.release() } else { held.removeAll() }
        if heldName.capacity > Self.keptBytesMax {
            heldName.release()
        } else {
            heldName.removeAll()
        }
    }
}
