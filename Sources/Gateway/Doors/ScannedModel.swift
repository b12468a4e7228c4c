// ScannedModel.swift — the model's name in a body that is passed on as it is.
// Pure; borrows nothing: ranges of the body. Shared by scans of doors that speak OpenAI's dialects.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Where a body says its model.
package struct ScannedModel: Equatable, Sendable {
    /// How long a model's name may be.
    package static let bytesMax = 256

    /// The value, quotes included.
    package private(set) var range = 0..<0
    package private(set) var hasEscapes = false

    init() {}

    /// The name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func name(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        let inside = body[range.lowerBound + 1..<range.upperBound - 1]
        guard hasEscapes else { return inside }
        scratch.removeAll()
        scratch.append(jsonUnescaping: inside)
        return scratch.slice
    }

    /// Takes the member's value. - Returns: what is wrong with it, or nil.
    mutating func take(_ value: JSONSpan, in body: ByteSlice) -> Failure? {
        guard value.kind == .string else { return Self.failure("must be a string") }
        range = value.range
        hasEscapes = value.hasEscapes
        let tooLong = "is longer than \(Self.bytesMax) bytes"
        // No byte of a name takes more than six to spell.
        guard value.range.count <= Self.bytesMax * 6 + 2 else { return Self.failure(tooLong) }
        var scratch = ByteBuffer()
        let name = name(in: body, scratch: &scratch)
        if name.isEmpty { return Self.failure("must not be empty") }
        if name.count > Self.bytesMax { return Self.failure(tooLong) }
        // It goes into headers and log lines.
        if (0..<name.count).contains(where: { name[$0] < ASCII.space || name[$0] == 0x7F }) {
            return Self.failure("holds a control character")
        }
        return nil
    }

    private static func failure(_ what: String) -> Failure {
        Failure(.invalidParameter, "'model' \(what).", parameter: "model")
    }
}

/// Members that the gateway acts upon: they may come once only and must be spelled plainly, for the
/// upstream must not be able to read another request than the one that was checked.
struct ScannedNames {
    private var seen: UInt16 = 0

    /// Notes the member in place `index` of the list. - Returns: what is wrong with it, or nil.
    mutating func mark(_ index: Int, _ name: StaticString, hasEscapes: Bool) -> Failure? {
        defer { seen |= 1 << UInt16(index) }
        if hasEscapes {
            return Failure(
                .invalidParameter,
                "The name of the parameter '\(name)' is spelled with an escape sequence.",
                parameter: "\(name)")
        }
        guard !has(index) else {
            return Failure(
                .invalidParameter, "The parameter '\(name)' is given more than once.",
                parameter: "\(name)")
        }
        return nil
    }

    func has(_ index: Int) -> Bool { seen & 1 << UInt16(index) != 0 }

    static func missing(_ name: StaticString) -> Failure {
        Failure(
            .missingParameter, "The parameter '\(name)' is missing.", parameter: "\(name)")
    }

    static func wrong(_ name: StaticString, _ expected: StaticString) -> Failure {
        Failure(.invalidParameter, "'\(name)' must be \(expected).", parameter: "\(name)")
    }
}
