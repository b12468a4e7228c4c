// HTTP2Frames.swift — a server's frames, written byte by byte, and what a client's frames are.

/// Makes frames (RFC 9113 section 4). Field lines are literals without indexing or Huffman codes.
package enum HTTP2Frames {
    package static let settings: UInt8 = 4
    package static let headers: UInt8 = 1
    package static let data: UInt8 = 0
    package static let reset: UInt8 = 3
    package static let goAway: UInt8 = 7
    package static let windowUpdate: UInt8 = 8
    package static let endStream: UInt8 = 1
    package static let endHeaders: UInt8 = 4

    package static func frame(
        _ type: UInt8, flags: UInt8 = 0, stream: Int32 = 0, _ payload: [UInt8] = []
    ) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
            + word(UInt32(stream)) + payload
    }

    package static func word(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    package static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        var payload: [UInt8] = []
        for (name, value) in entries {
            payload += [UInt8(name >> 8), UInt8(name & 255)] + word(value)
        }
        return frame(settings, payload)
    }

    /// A whole header block.
    package static func headers(
        stream: Int32, _ fields: [(String, String)], ends: Bool = false
    ) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in fields { block += [0] + string(name) + string(value) }
        return frame(
            headers, flags: endHeaders | (ends ? endStream : 0), stream: stream, block)
    }

    private static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        // An integer with a prefix of seven bits (RFC 7541 section 5.1).
        var head: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            head.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return head + [UInt8(rest)] + bytes
    }

    package static func data(stream: Int32, _ text: String, ends: Bool = false) -> [UInt8] {
        frame(data, flags: ends ? endStream : 0, stream: stream, Array(text.utf8))
    }

    package static func reset(stream: Int32, _ code: UInt32) -> [UInt8] {
        frame(reset, stream: stream, word(code))
    }

    package static func goAway(last: Int32, _ code: UInt32 = 0) -> [UInt8] {
        frame(goAway, word(UInt32(last)) + word(code))
    }
}

/// One frame that a client sent.
package struct SentFrame: Equatable {
    package var type: UInt8
    package var flags: UInt8
    package var stream: Int32
    package var payload: [UInt8]

    /// The frames in `bytes`, behind the client's preface if that is there; what is not whole is left.
    package static func take(from bytes: inout [UInt8]) -> [SentFrame] {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        if bytes.starts(with: preface) { bytes.removeFirst(preface.count) }
        var frames: [SentFrame] = []
        while bytes.count >= 9 {
            let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
            guard bytes.count >= 9 + count else { break }
            let stream = bytes[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) }
            frames.append(
                SentFrame(
                    type: bytes[3], flags: bytes[4], stream: stream,
                    payload: Array(bytes[9..<9 + count])))
            bytes.removeFirst(9 + count)
        }
        return frames
    }
}
