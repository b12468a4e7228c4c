// ChatRequestScan.swift — what the relay lane must know of a chat request, in one validating pass
// over its bytes. Builds no tree and copies nothing; what it does not name is the upstream's to
// judge.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The deciding fields of a chat completion request, as ranges of its body.
package struct ChatRequestScan: Equatable, Sendable {
    /// Bytes of a model's name, at most.
    package static let modelBytesMax = 256

    /// The content of the `model` string, without its quotes.
    package var model = 0..<0
    /// The model's name where its string has escapes (some clients write `\/`).
    package var unescapedModel: String?
    package var streams = false
    package var hasTools = false
    /// `stream_options.include_usage` as the client set it.
    package var includesUsage = false
    /// The `stream_options` object with its braces, where the client sent one.
    package var streamOptions: Range<Int>?
    /// The value of `include_usage` in it, where there is one.
    package var includeUsageValue: Range<Int>?
    /// The smaller of the two limits on tokens, where given as an integer.
    package var tokensMax: Int?
    /// The content of the `user` string.
    package var user: Range<Int>?
    /// The offset behind the body's opening brace.
    package var firstMember = 0

    private var seen: UInt8 = 0

    private enum Field: UInt8 {
        case model = 1
        case messages = 2
        case stream = 4
        case tools = 8
        case streamOptions = 16
    }

    /// Scans `body`.
    package init(_ body: ByteSlice) throws(Failure) {
        var scanner = JSONScanner(body)
        do throws(JSONFailure) {
            guard scanner.valueKind == .object || scanner.valueKind == nil else {
                _ = try scanner.value()
                try scanner.finish()
                throw JSONFailure(kind: .unexpectedByte, offset: 0)
            }
            try scanner.beginObject()
        } catch {
            throw Self.notJSON(error)
        }
        firstMember = scanner.offset
        while let key = try Self.scan({ () throws(JSONFailure) in try scanner.nextKey() }) {
            try member(key, &scanner, in: body)
        }
        try Self.scan { () throws(JSONFailure) in try scanner.finish() }
        guard seen & Field.model.rawValue != 0 else {
            throw .invalid("you must provide a model parameter", param: "model")
        }
        guard seen & Field.messages.rawValue != 0 else {
            throw .invalid("Missing required parameter: 'messages'.", param: "messages")
        }
        if streamOptions != nil, !streams {
            throw .invalid(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                param: "stream_options")
        }
    }

    private static func scan<Result>(
        _ step: () throws(JSONFailure) -> Result
    ) throws(Failure) -> Result {
        do throws(JSONFailure) { return try step() } catch { throw notJSON(error) }
    }

    private static func notJSON(_ failure: JSONFailure) -> Failure {
        .invalid("The request body is not valid JSON: \(failure).")
    }

    private mutating func member(
        _ key: JSONKey, _ scanner: inout JSONScanner, in body: ByteSlice
    ) throws(Failure) {
        let name = scanner.bytes(key.range)
        if key.hasEscapes {
            // A deciding field in disguise would be read one way here and another way upstream.
            try Self.refuseDisguised(name)
        }
        let start = scanner.offset
        let kind = scanner.valueKind
        if kind == .object, name == ChatWire.streamOptions {
            try first(.streamOptions, "stream_options")
            try readStreamOptions(&scanner)
            streamOptions = start..<scanner.offset
            return
        }
        let value = try Self.scan { () throws(JSONFailure) in try scanner.value() }
        switch name.count {
        case 4 where name == ChatWire.user:
            if value.kind == .string { user = value.inside }
        case 5 where name == ChatWire.model:
            try readModel(value, in: body)
        case 5 where name == ChatWire.tools:
            try first(.tools, "tools")
            guard value.kind == .array || value.kind == .null else {
                throw .invalid("Invalid type for 'tools': expected an array.", param: "tools")
            }
            hasTools = value.kind == .array && value.range.count > 2
        case 6 where name == ChatWire.stream:
            try first(.stream, "stream")
            guard value.kind == .true || value.kind == .false || value.kind == .null else {
                throw .invalid("Invalid type for 'stream': expected a boolean.", param: "stream")
            }
            streams = value.kind == .true
        case 8 where name == ChatWire.messages:
            try readMessages(value, in: body)
        case 14 where name == ChatWire.streamOptions:
            try first(.streamOptions, "stream_options")
            guard value.kind == .null else {
                throw .invalid(
                    "Invalid type for 'stream_options': expected an object.",
                    param: "stream_options")
            }
        case 10 where name == ChatWire.maxTokens, 21 where name == ChatWire.maxCompletionTokens:
            if let limit = scanner.bytes(value.range).decimalValue {
                tokensMax = min(tokensMax ?? .max, limit)
            }
        default:
            break
        }
    }

    private mutating func first(_ field: Field, _ name: String) throws(Failure) {
        guard seen & field.rawValue == 0 else {
            throw .invalid("The field '\(name)' appears more than once.", param: name)
        }
        seen |= field.rawValue
    }

    private mutating func readModel(_ value: JSONSpan, in body: ByteSlice) throws(Failure) {
        try first(.model, "model")
        guard value.kind == .string else {
            throw .invalid("Invalid type for 'model': expected a string.", param: "model")
        }
        model = value.inside
        if value.hasEscapes { unescapedModel = JSONString.unescaped(body[value.inside]) }
        guard (1...Self.modelBytesMax).contains(model.count) else {
            throw .invalid(
                "The field 'model' must have 1 to \(Self.modelBytesMax) bytes.", param: "model")
        }
    }

    private mutating func readMessages(_ value: JSONSpan, in body: ByteSlice) throws(Failure) {
        try first(.messages, "messages")
        guard value.kind == .array else {
            throw .invalid("Invalid type for 'messages': expected an array.", param: "messages")
        }
        let inside = body[value.inside]
        var index = 0
        while index < inside.count, inside[index] <= ASCII.space { index += 1 }
        guard index < inside.count else {
            throw .invalid("'messages' must not be empty.", param: "messages")
        }
    }

    private mutating func readStreamOptions(_ scanner: inout JSONScanner) throws(Failure) {
        try Self.scan { () throws(JSONFailure) in try scanner.beginObject() }
        while let member = try Self.scan({ () throws(JSONFailure) in try scanner.nextMember() }) {
            guard scanner.bytes(member.key.range) == ChatWire.includeUsage else { continue }
            guard includeUsageValue == nil else {
                throw .invalid(
                    "The field 'stream_options.include_usage' appears more than once.",
                    param: "stream_options.include_usage")
            }
            includeUsageValue = member.value.range
            includesUsage = member.value.kind == .true
        }
    }

    private static func refuseDisguised(_ name: ByteSlice) throws(Failure) {
        guard let plain = JSONString.unescaped(name) else { return }
        for field in ["model", "messages", "stream", "tools", "stream_options"] where plain == field {
            throw .invalid("The name of the field '\(field)' must not be escaped.", param: field)
        }
    }
}

extension ChatRequestScan {
    /// What must change on the way to the upstream: its own name for the model, where it has one
    /// (the inside of a JSON string), and asking for the usage where accounting needs it. Every
    /// other byte stays the client's.
    package func splices(
        of body: ByteSlice, upstreamModel: ByteSlice?, asksForUsage: Bool
    ) -> SpliceList {
        var edits = SpliceList()
        if let upstreamModel { edits.add(model, upstreamModel) }
        if asksForUsage, streams, !includesUsage {
            if let value = includeUsageValue {
                edits.add(value, "true")
            } else if let options = streamOptions {
                let isEmpty = body[options.lowerBound + 1..<options.upperBound - 1].trimmedJSON.isEmpty
                edits.add(
                    options.lowerBound + 1..<options.lowerBound + 1,
                    isEmpty ? "\"include_usage\":true" : "\"include_usage\":true,")
            } else {
                edits.add(
                    firstMember..<firstMember, "\"stream_options\":{\"include_usage\":true},")
            }
        }
        return edits
    }
}

extension ByteSlice {
    fileprivate var trimmedJSON: ByteSlice {
        var first = 0
        while first < count, base[first] <= ASCII.space { first += 1 }
        return dropFirst(first)
    }
}
