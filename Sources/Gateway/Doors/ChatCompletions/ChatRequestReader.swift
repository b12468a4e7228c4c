// ChatRequestReader.swift — the pass over a chat request's body that fills a ChatRequestScan.
// Pure. Only ChatRequestScan uses it. A syntax error wins over a wrong value, whatever their
// order: the first problem is kept and the pass goes on.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The members that the gateway acts upon. They may come once only and must be spelled plainly:
/// the upstream must not be able to read another request than the one that was checked.
enum ChatMember: UInt8 {
    case model, messages, stream, streamOptions, tools, maxTokens, maxCompletionTokens, user
    case includeUsage

    var name: StaticString {
        switch self {
        case .model: ChatWire.model
        case .messages: ChatWire.messages
        case .stream: ChatWire.stream
        case .streamOptions: ChatWire.streamOptions
        case .includeUsage: ChatWire.includeUsage
        case .tools: ChatWire.tools
        case .maxTokens: ChatWire.maxTokens
        case .maxCompletionTokens: ChatWire.maxCompletionTokens
        case .user: ChatWire.user
        }
    }

    /// The members of a request, by raw value, so that a name's place in the list is its case.
    static let names = JSONNames(
        ChatWire.model, ChatWire.messages, ChatWire.stream, ChatWire.streamOptions, ChatWire.tools,
        ChatWire.maxTokens, ChatWire.maxCompletionTokens, ChatWire.user,
        ScannedDetails.metadataName, ScannedDetails.temperatureName, ScannedDetails.topPName,
        ChatWire.reasoningEffort)
    /// Those from here on are details.
    static let detailIndex = 8
    static let effortIndex = 11

    /// The members of stream options.
    static let optionNames = JSONNames(ChatWire.includeUsage)
}

/// What is wrong with a request that is valid JSON.
enum ChatProblem {
    case notAnObject
    case missing(ChatMember)
    case twice(ChatMember)
    case escaped(ChatMember)
    case wrongType(ChatMember, expected: StaticString)
    case empty(ChatMember)
    case modelTooLong
    case modelUnprintable
    case optionsWithoutStream

    var failure: Failure {
        switch self {
        case .notAnObject:
            Failure(.malformedRequest, "The request body must be a JSON object.")
        case .missing(let member):
            Self.failure(.missingParameter, member, "The parameter '\(member.name)' is missing.")
        case .twice(let member):
            Self.failure(
                .invalidParameter, member, "The parameter '\(member.name)' is given more than once."
            )
        case .escaped(let member):
            Self.failure(
                .invalidParameter, member,
                "The name of the parameter '\(member.name)' is spelled with an escape sequence.")
        case .wrongType(let member, let expected):
            Self.failure(.invalidParameter, member, "'\(member.name)' must be \(expected).")
        case .empty(let member):
            Self.failure(.invalidParameter, member, "'\(member.name)' must not be empty.")
        case .modelTooLong:
            Self.failure(
                .invalidParameter, .model,
                "'model' is longer than \(ChatRequestScan.modelBytesMax) bytes.")
        case .modelUnprintable:
            Self.failure(.invalidParameter, .model, "'model' holds a control character.")
        case .optionsWithoutStream:
            Self.failure(
                .invalidParameter, .streamOptions,
                "'stream_options' is only allowed when 'stream' is true.")
        }
    }

    private static func failure(
        _ kind: Failure.Kind, _ member: ChatMember, _ message: String
    ) -> Failure {
        Failure(kind, message, parameter: "\(member.name)")
    }
}

struct ChatRequestReader {
    private let body: ByteSlice
    private var scanner: JSONScanner
    private(set) var scan = ChatRequestScan()
    private(set) var problem: ChatProblem?
    /// One bit a member.
    private var seen: UInt16 = 0

    init(_ body: ByteSlice) {
        self.body = body
        scanner = JSONScanner(body)
    }

    mutating func read() throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            note(.notAnObject)
            return try scanner.finish()
        }
        scan.brace = scanner.offset
        try scanner.beginObject()
        var likely = 0
        while let name = try scanner.nextName(in: ChatMember.names, likely: likely) {
            likely = name.index + 1
            if name.index >= ChatMember.detailIndex {
                let value = try scanner.value()
                if name.index == ChatMember.effortIndex {
                    scan.thinking.count = ScannedThinking.tokens(effort: value, in: body)
                } else {
                    scan.details.take(name.index - ChatMember.detailIndex, value)
                }
                continue
            }
            guard let member = ChatMember(rawValue: UInt8(name.index)) else {
                preconditionFailure("a name that no member has")
            }
            mark(member, hasEscapes: name.hasEscapes)
            try read(member)
        }
        try scanner.finish()
        if !has(.model) { note(.missing(.model)) }
        if !has(.messages) { note(.missing(.messages)) }
        if !scan.isStreaming {
            switch scan.streamOptions {
            case .absent, .null: break
            case .object, .usage: note(.optionsWithoutStream)
            }
        }
    }

    private mutating func note(_ found: ChatProblem) {
        if problem == nil { problem = found }
    }

    private func has(_ member: ChatMember) -> Bool { seen & 1 << member.rawValue != 0 }

    private mutating func mark(_ member: ChatMember, hasEscapes: Bool) {
        if hasEscapes { note(.escaped(member)) }
        if has(member) { note(.twice(member)) }
        seen |= 1 << member.rawValue
    }

    private mutating func read(_ member: ChatMember) throws(JSONFailure) {
        switch member {
        case .model: try readModel()
        case .messages:
            let value = try scanner.value()
            scan.details.content = .init(value.range)
            if value.kind != .array {
                note(.wrongType(.messages, expected: "an array of messages"))
            } else if isEmpty(inside: value.inside) {
                note(.empty(.messages))
            }
        case .tools:
            let value = try scanner.value()
            if value.kind == .array {
                scan.tools = isEmpty(inside: value.inside) ? nil : value.range
            } else if value.kind != .null {
                note(.wrongType(.tools, expected: "an array"))
            }
        case .stream:
            switch try scanner.value().kind {
            case .true: scan.isStreaming = true
            case .false, .null: scan.isStreaming = false
            default: note(.wrongType(.stream, expected: "true or false"))
            }
        case .streamOptions: try readStreamOptions()
        case .maxTokens:
            // The newer name wins, in whatever order they come.
            let bound = tokens(try scanner.value())
            if !has(.maxCompletionTokens) { scan.outputTokensMax = bound }
        case .maxCompletionTokens:
            if let bound = tokens(try scanner.value()) { scan.outputTokensMax = bound }
        case .user:
            let value = try scanner.value()
            if value.kind == .string { scan.user = value.range }
        case .includeUsage: preconditionFailure("include_usage is no member of the request")
        }
    }

    private func tokens(_ value: JSONSpan) -> Int? {
        value.kind == .number ? scanner.bytes(value.range).decimalValue : nil
    }

    private func isEmpty(inside range: Range<Int>) -> Bool {
        let inside = scanner.bytes(range)
        // Validated: what is no white space is the first element.
        for index in 0..<inside.count where inside[index] > ASCII.space { return false }
        return true
    }

    private mutating func readModel() throws(JSONFailure) {
        let value = try scanner.value()
        guard value.kind == .string else {
            return note(.wrongType(.model, expected: "a string"))
        }
        scan.model = value.range
        scan.modelHasEscapes = value.hasEscapes
        guard value.range.count <= ChatRequestScan.modelBytesMax * 6 + 2 else {
            return note(.modelTooLong)
        }
        guard value.hasEscapes else { return check(model: scanner.bytes(value.inside)) }
        var scratch = ByteBuffer()
        check(model: scan.modelName(in: body, scratch: &scratch))
    }

    private mutating func check(model name: ByteSlice) {
        if name.isEmpty { return note(.empty(.model)) }
        if name.count > ChatRequestScan.modelBytesMax { return note(.modelTooLong) }
        // It goes into headers and log lines.
        for index in 0..<name.count where name[index] < ASCII.space || name[index] == 0x7F {
            return note(.modelUnprintable)
        }
    }

    private mutating func readStreamOptions() throws(JSONFailure) {
        let brace = scanner.offset
        guard scanner.comesObject else {
            let value = try scanner.value()
            if value.kind == .null {
                scan.streamOptions = .null(value.range)
            } else {
                note(.wrongType(.streamOptions, expected: "an object"))
            }
            return
        }
        var usage: JSONSpan?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: ChatMember.optionNames) {
            mark(.includeUsage, hasEscapes: name.hasEscapes)
            usage = try scanner.value()
        }
        guard let usage else {
            let isEmpty = isEmpty(inside: brace + 1..<scanner.offset - 1)
            scan.streamOptions = .object(brace: brace, isEmpty: isEmpty)
            return
        }
        switch usage.kind {
        case .true, .false, .null: break
        default: note(.wrongType(.includeUsage, expected: "true or false"))
        }
        scan.streamOptions = .usage(usage.range, isTrue: usage.kind == .true)
    }
}
