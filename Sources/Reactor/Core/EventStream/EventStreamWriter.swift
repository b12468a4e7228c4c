// EventStreamWriter.swift — events and comments to the canonical bytes of text/event-stream.
// Pure; appends to the caller's buffer. Imported by everyone who writes event streams.

/// Writes event streams in one spelling: LF line ends, one space behind the colon, `event` first.
public enum EventStreamWriter {
    /// Appends one event. Data of several lines becomes several data lines, whatever line ends
    /// it has: no payload can end its own event. An empty name writes no `event` line; a name
    /// must be free of line ends.
    public static func event(
        name: ByteSlice = .empty, data: ByteSlice, to buffer: inout ByteBuffer
    ) {
        buffer.reserve(name.count + data.count + 17)
        if !name.isEmpty {
            precondition(
                name.firstIndex(of: ASCII.lf) == nil && name.firstIndex(of: ASCII.cr) == nil,
                "line end in an event name")
            buffer.append("event: ")
            buffer.append(name)
            buffer.append(ASCII.lf)
        }
        lines(of: data, each: "data: ", to: &buffer)
        buffer.append(ASCII.lf)
    }

    /// Appends a comment and a blank line: the heartbeat that every reader skips.
    public static func comment(_ text: ByteSlice, to buffer: inout ByteBuffer) {
        lines(of: text, each: ":", to: &buffer)
        buffer.append(ASCII.lf)
    }

    /// Appends a comment and a blank line.
    public static func comment(_ text: StaticString, to buffer: inout ByteBuffer) {
        comment(ByteSlice(text), to: &buffer)
    }

    private static func lines(
        of text: ByteSlice, each prefix: StaticString, to buffer: inout ByteBuffer
    ) {
        var rest = text
        if rest.firstIndex(of: ASCII.lf) != nil || rest.firstIndex(of: ASCII.cr) != nil {
            while let end = firstLineEnd(in: rest) {
                buffer.append(prefix)
                buffer.append(rest.prefix(end))
                buffer.append(ASCII.lf)
                let isPair =
                    rest[end] == ASCII.cr && end + 1 < rest.count && rest[end + 1] == ASCII.lf
                rest = rest.dropFirst(isPair ? end + 2 : end + 1)
            }
        }
        buffer.append(prefix)
        buffer.append(rest)
        buffer.append(ASCII.lf)
    }

    private static func firstLineEnd(in text: ByteSlice) -> Int? {
        var index = 0
        while index < text.count {
            let byte = text.base[index]
            if byte == ASCII.lf || byte == ASCII.cr { return index }
            index += 1
        }
        return nil
    }
}
