// AWSEventStreamParserTests.swift — messages cut anywhere, and every way to be wrong.

import ReactorCore
import Testing

@testable import GatewayProviders

@Suite struct AWSEventStreamParserTests {
    private struct Heard: Equatable {
        var kind: String
        var name: String
        var payload: String
    }

    /// A message with string headers, spelled by the encoding's description.
    private static func message(_ headers: [(String, String)], _ payload: String) -> [UInt8] {
        var fields: [UInt8] = []
        for (name, value) in headers {
            fields += [UInt8(name.utf8.count)] + name.utf8
            fields +=
                [7, UInt8(value.utf8.count >> 8), UInt8(value.utf8.count & 0xFF)] + value.utf8
        }
        let length = 16 + fields.count + payload.utf8.count
        var bytes = word(UInt32(length)) + word(UInt32(fields.count))
        bytes += word(checksum(bytes)) + fields + payload.utf8
        return bytes + word(checksum(bytes))
    }

    private static func word(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { CRC32(of: ByteSlice($0)).value }
    }

    private func parse(
        _ bytes: [UInt8], cutAt cut: Int, max: Int = 1 << 20
    ) throws(AWSEventStreamFailure) -> (heard: [Heard], isWhole: Bool) {
        var parser = AWSEventStreamParser(messageBytesMax: max)
        var heard: [Heard] = []
        for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: piece.count, alignment: 1)
            defer { buffer.deallocate() }
            buffer.copyBytes(from: piece)
            var input = ByteSlice(UnsafeRawBufferPointer(buffer))
            while let message = try parser.next(&input) {
                heard.append(
                    Heard(
                        kind: message.kind.string, name: message.name.string,
                        payload: message.payload.string))
            }
        }
        return (heard, parser.isBetweenMessages)
    }

    private static let first = message(
        [
            (":event-type", "chunk"), (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        #"{"bytes":"eyJ0eXBlIjoicGluZyJ9"}"#)
    private static let second = message(
        [(":exception-type", "throttlingException"), (":message-type", "exception")],
        #"{"message":"slow down"}"#)
    private static let empty = message([], "")

    @Test func theChecksumIsTheKnownOne() {
        // The check value of CRC-32/ISO-HDLC.
        #expect(Self.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        var pieces = CRC32()
        for piece in ["12", "", "3456789"] { piece.withByteSlice { pieces.add($0) } }
        #expect(pieces.value == 0xCBF4_3926)
    }

    @Test func messagesAreTheSameHoweverTheyAreCut() throws {
        let bytes = Self.first + Self.second + Self.empty + Self.first
        let chunk = Heard(
            kind: "event", name: "chunk", payload: #"{"bytes":"eyJ0eXBlIjoicGluZyJ9"}"#)
        let expected = [
            chunk,
            Heard(
                kind: "exception", name: "throttlingException",
                payload: #"{"message":"slow down"}"#),
            Heard(kind: "", name: "", payload: ""), chunk,
        ]
        for cut in 0...bytes.count {
            let found = try parse(bytes, cutAt: cut)
            #expect(found.heard == expected && found.isWhole, "cut at \(cut)")
        }
    }

    @Test func aMessageThatIsNotWholeIsAwaited() throws {
        let found = try parse(Self.first + Self.second.dropLast(), cutAt: 7)
        #expect(found.heard.count == 1 && !found.isWhole)
    }

    @Test func everyFlippedByteIsNoticed() {
        for index in Self.first.indices {
            var bytes = Self.first
            bytes[index] ^= 0x20
            #expect(throws: AWSEventStreamFailure.self, "byte \(index)") {
                try parse(bytes, cutAt: 0)
            }
        }
    }

    @Test func lengthsAreBounded() {
        #expect(throws: AWSEventStreamFailure.tooLarge) {
            try parse(Self.first, cutAt: 0, max: 64)
        }
        var short = Self.word(15) + Self.word(0)
        short += Self.word(Self.checksum(short)) + [0, 0, 0]
        #expect(throws: AWSEventStreamFailure.malformed) { try parse(short, cutAt: 5) }
    }

    @Test func headersMayNotLeaveTheirPlace() {
        for fields in [[200, 1, 2], [1, 0x61, 99], [1, 0x61, 7, 0xFF, 0xFF, 1]] as [[UInt8]] {
            var bytes = Self.word(UInt32(16 + fields.count)) + Self.word(UInt32(fields.count))
            bytes += Self.word(Self.checksum(bytes)) + fields
            bytes += Self.word(Self.checksum(bytes))
            #expect(throws: AWSEventStreamFailure.malformed) { try parse(bytes, cutAt: 0) }
        }
    }

    @Test func headersOfOtherTypesAreStepped() throws {
        let fields: [UInt8] =
            [1, 0x61, 0, 1, 0x62, 2, 9, 1, 0x63, 3, 9, 9, 1, 0x64, 4, 1, 2, 3, 4]
            + [1, 0x65, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0x66, 6, 0, 1, 7]
            + [1, 0x67, 9] + Array(repeating: 5, count: 16)
            + [13] + Array(":message-type".utf8) + [7, 0, 5] + Array("event".utf8)
        var bytes = Self.word(UInt32(16 + fields.count)) + Self.word(UInt32(fields.count))
        bytes += Self.word(Self.checksum(bytes)) + fields
        bytes += Self.word(Self.checksum(bytes))
        let found = try parse(bytes, cutAt: 0)
        #expect(found.heard == [Heard(kind: "event", name: "", payload: "")])
    }
}
