// AWSEventStreamParser.swift — cuts the binary event stream of AWS into messages and checks their
// sums (application/vnd.amazon.eventstream). Only an unfinished message is copied.
// Pure. Salesforce's LLM gateway streams Anthropic's models in it. Source: Amazon's event stream
// encoding, "prelude, headers, payload, message CRC".

import ReactorCore

/// One message: the headers that matter, and its payload. Slices live until the next call.
package struct AWSEventStreamMessage {
    /// `:message-type`: `event`, `exception` or `error`.
    package var kind = ByteSlice.empty
    /// `:event-type`, `:exception-type` or `:error-code`.
    package var name = ByteSlice.empty
    package var payload = ByteSlice.empty
}

/// Why bytes are no event stream.
package enum AWSEventStreamFailure: Error, Equatable, Sendable {
    case tooLarge
    case badChecksum
    case malformed
}

package struct AWSEventStreamParser: ~Copyable {
    /// The encoding allows 16 MiB; an event of ours may be half as long.
    package let messageBytesMax: Int
    private var held = ByteBuffer()
    /// How many of the held bytes the message has that was given out.
    private var given = 0

    private static let preludeBytes = 12
    /// Prelude and the message's own checksum.
    private static let messageBytesMin = 16

    package init(messageBytesMax: Int = 8 << 20) { self.messageBytesMax = messageBytesMax }

    /// Whether no message is begun.
    package var isBetweenMessages: Bool { held.count == given }

    /// The next whole message in what was held and `input`, which loses what was used; nil when more
    /// bytes are needed. After a failure the parser is not used again.
    package mutating func next(
        _ input: inout ByteSlice
    ) throws(AWSEventStreamFailure) -> AWSEventStreamMessage? {
        held.removeFirst(given)
        given = 0
        if held.isEmpty, let length = try Self.length(of: input, max: messageBytesMax),
            length <= input.count
        {
            let message = input.prefix(length)
            input = input.dropFirst(length)
            return try Self.message(message)
        }
        try fill(to: Self.preludeBytes, &input)
        guard let length = try Self.length(of: held.slice, max: messageBytesMax) else { return nil }
        try fill(to: length, &input)
        guard held.count == length else { return nil }
        given = length
        return try Self.message(held.slice)
    }

    private mutating func fill(
        to count: Int, _ input: inout ByteSlice
    ) throws(AWSEventStreamFailure) {
        let missing = min(max(0, count - held.count), input.count)
        held.append(input.prefix(missing))
        input = input.dropFirst(missing)
    }

    /// The length that a prelude tells; nil while it is not whole.
    private static func length(
        of bytes: ByteSlice, max: Int
    ) throws(AWSEventStreamFailure) -> Int? {
        guard bytes.count >= preludeBytes else { return nil }
        guard bytes.bigEndian32(at: 8) == CRC32(of: bytes.prefix(8)).value else {
            throw .badChecksum
        }
        let length = Int(bytes.bigEndian32(at: 0))
        guard length >= messageBytesMin else { throw .malformed }
        guard length <= max else { throw .tooLarge }
        return length
    }

    private static func message(
        _ bytes: ByteSlice
    ) throws(AWSEventStreamFailure) -> AWSEventStreamMessage {
        let end = bytes.count - 4
        guard bytes.bigEndian32(at: end) == CRC32(of: bytes.prefix(end)).value else {
            throw .badChecksum
        }
        let headerBytes = Int(bytes.bigEndian32(at: 4))
        guard headerBytes <= end - preludeBytes else { throw .malformed }
        var message = AWSEventStreamMessage()
        message.payload = bytes[preludeBytes + headerBytes..<end]
        var headers = bytes[preludeBytes..<preludeBytes + headerBytes]
        while !headers.isEmpty { try readHeader(&headers, into: &message) }
        return message
    }

    private static func readHeader(
        _ headers: inout ByteSlice, into message: inout AWSEventStreamMessage
    ) throws(AWSEventStreamFailure) {
        let name = try take(Int(try take(1, &headers)[0]), &headers)
        let type = try take(1, &headers)[0]
        let valueBytes: Int
        switch type {
        case 0, 1: valueBytes = 0
        case 2: valueBytes = 1
        case 3: valueBytes = 2
        case 4: valueBytes = 4
        case 5, 8: valueBytes = 8
        case 9: valueBytes = 16
        case 6, 7:
            let length = try take(2, &headers)
            valueBytes = Int(length[0]) << 8 | Int(length[1])
        default: throw .malformed
        }
        let value = try take(valueBytes, &headers)
        guard type == 7 else { return }
        if name == ":message-type" { message.kind = value }
        if name == ":event-type" || name == ":exception-type" || name == ":error-code" {
            message.name = value
        }
    }

    private static func take(
        _ count: Int, _ bytes: inout ByteSlice
    ) throws(AWSEventStreamFailure) -> ByteSlice {
        guard count <= bytes.count else { throw .malformed }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}

extension ByteSlice {
    fileprivate func bigEndian32(at index: Int) -> UInt32 {
        UInt32(self[index]) << 24 | UInt32(self[index + 1]) << 16 | UInt32(self[index + 2]) << 8
            | UInt32(self[index + 3])
    }
}
