// CompletionRequestScan.swift — what the relay lane must know of a text completion request, read in
// one pass.
// Pure; borrows the body. Checks what routing and accounting stand on and nothing else: the rest
// is the upstream's to judge. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Places and flags of a text completion request, good as long as its body.
package struct CompletionRequestScan: Sendable {
    /// How the request speaks of stream options; offsets and ranges as in the chat door's.
    fileprivate enum StreamOptions {
        case absent
        case null(Range<Int>)
        case object(brace: Int, isEmpty: Bool)
        case usage(Range<Int>, isTrue: Bool)
    }

    package fileprivate(set) var model = ScannedModel()
    package fileprivate(set) var isStreaming = false
    /// As the request says it; without a word servers take 16.
    package fileprivate(set) var outputTokensMax: Int?
    /// The end user's name, quotes included, if it is a string.
    package fileprivate(set) var user: Range<Int>?
    /// The opening brace of the body.
    fileprivate var brace = 0
    fileprivate var streamOptions = StreamOptions.absent

    fileprivate init() {}

    /// Whether the client asked for the chunk with the usage.
    package var wantsUsage: Bool {
        if case .usage(_, isTrue: true) = streamOptions { return true }
        return false
    }

    /// The edits that make the body the upstream's: its own model name, if it has another, and the
    /// usage chunk asked for, if a stream is to be accounted and the client did not ask.
    package func splice(model upstreamModel: ByteSlice?, addingUsage: Bool) -> JSONSplice {
        var splice = JSONSplice()
        if let upstreamModel { splice.replace(model.range, with: .string(upstreamModel)) }
        guard addingUsage, isStreaming else { return splice }
        switch streamOptions {
        case .absent: splice.insert(ChatWire.optionsMemberComma, behindBraceAt: brace)
        case .null(let range):
            splice.replace(range, with: .raw(ByteSlice(ChatWire.usageObject)))
        case .object(let brace, let isEmpty):
            splice.insert(
                isEmpty ? ChatWire.usageMember : ChatWire.usageMemberComma, behindBraceAt: brace)
        case .usage(_, isTrue: true): break
        case .usage(let range, isTrue: false): splice.replace(range, with: .raw(ByteSlice("true")))
        }
        return splice
    }

    /// Reads a request's body.
    package static func scan(_ body: ByteSlice) throws(Failure) -> CompletionRequestScan {
        var reader = CompletionRequestReader()
        do throws(JSONFailure) { try reader.read(body) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        if let problem = reader.problem { throw problem }
        return reader.scan
    }
}

/// The pass over a body. Apart from what it finds, which is copied often and holds no references.
private struct CompletionRequestReader {
    var scan = CompletionRequestScan()
    /// The first one.
    var problem: Failure?
    private var names = ScannedNames()

    private static let spelled: [StaticString] = [
        ChatWire.model, CompletionWire.prompt, ChatWire.stream, ChatWire.streamOptions,
        ChatWire.maxTokens, ChatWire.user,
    ]
    private static let members = JSONNames(
        ChatWire.model, CompletionWire.prompt, ChatWire.stream, ChatWire.streamOptions,
        ChatWire.maxTokens, ChatWire.user)
    private static let options = JSONNames(ChatWire.includeUsage)
    private static let optionIndex = 6

    mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        guard scanner.comesObject else {
            try scanner.value()
            note(Failure(.malformedRequest, "The request body must be a JSON object."))
            return try scanner.finish()
        }
        scan.brace = scanner.offset
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.members) {
            note(names.mark(name.index, Self.spelled[name.index], hasEscapes: name.hasEscapes))
            if name.index == 3 {
                try readStreamOptions(&scanner)
            } else {
                take(name.index, try scanner.value(), scanner, body)
            }
        }
        try scanner.finish()
        if !names.has(0) { note(ScannedNames.missing(ChatWire.model)) }
        if scan.isStreaming { return }
        switch scan.streamOptions {
        case .absent, .null: break
        case .object, .usage:
            note(
                Failure(
                    .invalidParameter, "'stream_options' is only allowed when 'stream' is true.",
                    parameter: "\(ChatWire.streamOptions)"))
        }
    }

    private mutating func take(
        _ index: Int, _ value: JSONSpan, _ scanner: JSONScanner, _ body: ByteSlice
    ) {
        switch index {
        case 0: note(scan.model.take(value, in: body))
        case 1:
            if value.kind != .string && value.kind != .array && value.kind != .null {
                note(ScannedNames.wrong(CompletionWire.prompt, "a string or an array"))
            }
        case 2:
            switch value.kind {
            case .true: scan.isStreaming = true
            case .false, .null: scan.isStreaming = false
            default: note(ScannedNames.wrong(ChatWire.stream, "true or false"))
            }
        case 4:
            if value.kind == .number {
                scan.outputTokensMax = scanner.bytes(value.range).decimalValue
            }
        default: if value.kind == .string { scan.user = value.range }
        }
    }

    private mutating func readStreamOptions(
        _ scanner: inout JSONScanner
    ) throws(JSONFailure) {
        let brace = scanner.offset
        guard scanner.comesObject else {
            let value = try scanner.value()
            if value.kind == .null {
                scan.streamOptions = .null(value.range)
            } else {
                note(ScannedNames.wrong(ChatWire.streamOptions, "an object"))
            }
            return
        }
        var usage: JSONSpan?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.options) {
            note(
                names.mark(
                    Self.optionIndex, ChatWire.includeUsage, hasEscapes: name.hasEscapes))
            usage = try scanner.value()
        }
        guard let usage else {
            let inside = scanner.bytes(brace + 1..<scanner.offset - 1)
            let isEmpty = (0..<inside.count).allSatisfy { inside[$0] <= ASCII.space }
            scan.streamOptions = .object(brace: brace, isEmpty: isEmpty)
            return
        }
        switch usage.kind {
        case .true, .false, .null: break
        default: note(ScannedNames.wrong(ChatWire.includeUsage, "true or false"))
        }
        scan.streamOptions = .usage(usage.range, isTrue: usage.kind == .true)
    }

    /// The first problem is kept, and a syntax error wins over it.
    private mutating func note(_ found: Failure?) { problem = problem ?? found }
}
