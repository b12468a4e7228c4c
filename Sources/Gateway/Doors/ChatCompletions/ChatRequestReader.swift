// ChatRequestReader.swift — the pass over a chat request's body that fills a ChatRequestScan.
// Pure. Only ChatRequestScan uses it. A syntax error wins over a wrong value, whatever their
// order: the first problem is kept and the pass goes on.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The members that the gateway acts upon. They may come once only and must be spelled plainly:
/// the upstream must not be able to read another request than the one that was checked.
enum ChatMember: UInt8, CaseIterable {
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

    /// The members of a request, by raw value, so that a member's number is its case. Two are
    /// foreseen that most requests have.
    static let picks = JSONPicks(
        .wanted(ChatWire.model), .wanted(ChatWire.messages), .known(ChatWire.temperature),
        .wanted(ChatWire.stream),
        .within(ChatWire.streamOptions, JSONPicks(.wanted(ChatWire.includeUsage))),
        .wanted(ChatWire.tools), .known(ChatWire.toolChoice), .wanted(ChatWire.maxTokens),
        .wanted(ChatWire.maxCompletionTokens), .wanted(ChatWire.user))
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
    private var found = JSONFound()
    private(set) var scan = ChatRequestScan()
    private(set) var problem: ChatProblem?

    init(_ body: ByteSlice) {
        self.body = body
        scanner = JSONScanner(body)
    }

    mutating func read() throws(JSONFailure) {
        let isObject = scanner.comesObject
        scan.brace = scanner.offset
        try scanner.find(ChatMember.picks, &found)
        try scanner.finish()
        guard isObject else { return note(.notAnObject) }
        if found.hasOddNames { noteOddNames() }
        readModel()
        readMessages()
        readStream()
        if let value = found[.tools] { read(tools: value) }
        // The newer name wins, in whatever order they come.
        scan.outputTokensMax = tokens(found[.maxCompletionTokens]) ?? tokens(found[.maxTokens])
        if let value = found[.user], value.kind == .string { scan.user = value.range }
    }

    private mutating func note(_ found: ChatProblem) {
        if problem == nil { problem = found }
    }

    private mutating func noteOddNames() {
        for member in ChatMember.allCases {
            if found.isEscaped(Int(member.rawValue)) { note(.escaped(member)) }
            if found.isRepeated(Int(member.rawValue)) { note(.twice(member)) }
        }
    }

    private mutating func readMessages() {
        guard let value = found[.messages] else { return note(.missing(.messages)) }
        if value.kind != .array {
            note(.wrongType(.messages, expected: "an array of messages"))
        } else if isEmpty(inside: value.inside) {
            note(.empty(.messages))
        }
    }

    private mutating func read(tools value: JSONSpan) {
        if value.kind == .array {
            scan.hasTools = !isEmpty(inside: value.inside)
        } else if value.kind != .null {
            note(.wrongType(.tools, expected: "an array"))
        }
    }

    private mutating func readStream() {
        switch found[.stream]?.kind {
        case .true: scan.isStreaming = true
        case .false, .null, nil: break
        default: note(.wrongType(.stream, expected: "true or false"))
        }
        if let value = found[.streamOptions] { read(streamOptions: value) }
        guard !scan.isStreaming else { return }
        switch scan.streamOptions {
        case .absent, .null: break
        case .object, .usage: note(.optionsWithoutStream)
        }
    }

    private func tokens(_ value: JSONSpan?) -> Int? {
        guard let value, value.kind == .number else { return nil }
        return body[value.range].decimalValue
    }

    private func isEmpty(inside range: Range<Int>) -> Bool {
        let inside = body[range]
        // Validated: what is no white space is the first element.
        for index in 0..<inside.count where inside[index] > ASCII.space { return false }
        return true
    }

    private mutating func readModel() {
        guard let value = found[.model] else { return note(.missing(.model)) }
        guard value.kind == .string else {
            return note(.wrongType(.model, expected: "a string"))
        }
        scan.model = value.range
        scan.modelHasEscapes = value.hasEscapes
        guard value.range.count <= ChatRequestScan.modelBytesMax * 6 + 2 else {
            return note(.modelTooLong)
        }
        guard value.hasEscapes else { return check(model: body[value.inside]) }
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

    private mutating func read(streamOptions value: JSONSpan) {
        guard value.kind == .object else {
            if value.kind == .null {
                scan.streamOptions = .null(value.range)
            } else {
                note(.wrongType(.streamOptions, expected: "an object"))
            }
            return
        }
        let brace = value.range.lowerBound
        guard let usage = found[.includeUsage] else {
            var first = brace + 1
            while body[first] <= ASCII.space { first += 1 }
            scan.streamOptions = .object(brace: brace, isEmpty: body[first] == ASCII.closeBrace)
            return
        }
        switch usage.kind {
        case .true, .false, .null: break
        default: note(.wrongType(.includeUsage, expected: "true or false"))
        }
        scan.streamOptions = .usage(usage.range, isTrue: usage.kind == .true)
    }
}

extension JSONFound {
    fileprivate subscript(member: ChatMember) -> JSONSpan? { self[Int(member.rawValue)] }
}
