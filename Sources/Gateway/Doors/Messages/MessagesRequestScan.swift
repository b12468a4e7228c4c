// MessagesRequestScan.swift — what the relay lane must know of a Messages request, read in one pass.
// Pure; borrows the body. Checks what routing and accounting stand on and nothing else: the rest
// is the upstream's to judge. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Places and flags of a Messages request, good as long as its body.
package struct MessagesRequestScan: Sendable {
    /// How long a model's name may be.
    package static let modelBytesMax = 256

    /// The model's value, quotes included.
    package fileprivate(set) var model = 0..<0
    package fileprivate(set) var modelHasEscapes = false
    package fileprivate(set) var isStreaming = false
    /// The array of the tools, if there is at least one.
    package fileprivate(set) var tools: Range<Int>?
    package var hasTools: Bool { tools != nil }
    package fileprivate(set) var outputTokensMax: Int?
    /// The tokens that it lets its model think; nil: it says nothing of that.
    package fileprivate(set) var thinking = ScannedTokens()
    /// The end user's name, quotes included, if it is a string.
    package fileprivate(set) var user: Range<Int>?
    package fileprivate(set) var details = ScannedDetails()

    fileprivate init() {}

    /// The model's name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func modelName(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        let inside = body[model.lowerBound + 1..<model.upperBound - 1]
        guard modelHasEscapes else { return inside }
        scratch.removeAll()
        scratch.append(jsonUnescaping: inside)
        return scratch.slice
    }

    /// The edits that make the body the upstream's: its own model name, if it has another.
    package func splice(model upstreamModel: ByteSlice?) -> JSONSplice {
        var splice = JSONSplice()
        if let upstreamModel { splice.replace(model, with: .string(upstreamModel)) }
        return splice
    }

    /// Reads a request's body.
    package static func scan(_ body: ByteSlice) throws(Failure) -> MessagesRequestScan {
        var reader = MessagesRequestReader()
        do throws(JSONFailure) { try reader.read(body) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        if let problem = reader.problem { throw problem }
        return reader.scan
    }
}

/// The pass over a body. Apart from what it finds, which is copied often and holds no references.
private struct MessagesRequestReader {
    var scan = MessagesRequestScan()
    /// The first one.
    var problem: Failure?
    private var seen: UInt8 = 0

    private static let names = JSONNames(
        MessagesWire.model, MessagesWire.messages, MessagesWire.stream, MessagesWire.maxTokens,
        MessagesWire.tools, MessagesWire.metadata, MessagesWire.system,
        MessagesWire.temperature, MessagesWire.topP, MessagesWire.thinking)
    /// Those from here on are details.
    private static let detailIndex = 6
    private static let thinkingIndex = 9
    private static let spelled: [StaticString] = [
        MessagesWire.model, MessagesWire.messages, MessagesWire.stream, MessagesWire.maxTokens,
        MessagesWire.tools, MessagesWire.metadata,
    ]
    private static let userNames = JSONNames(MessagesWire.userID)

    mutating func read(_ body: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(body)
        guard scanner.comesObject else {
            try scanner.value()
            note(.malformedRequest, "The request body must be a JSON object.")
            return try scanner.finish()
        }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            if name.index >= Self.detailIndex {
                let value = try scanner.value()
                if name.index == Self.detailIndex {
                    scan.details.system = .init(value.range)
                } else if name.index == Self.thinkingIndex {
                    scan.thinking.count = ScannedThinking.tokens(thinking: value, in: body)
                } else {
                    scan.details.take(name.index - Self.detailIndex, value)
                }
                continue
            }
            // They may come once only and must be spelled plainly: the upstream must not be able
            // to read another request than the one that was checked.
            let word = Self.spelled[name.index]
            if name.hasEscapes {
                note(.invalidParameter, "\(word): spelled with an escape sequence")
            }
            if seen & 1 << name.index != 0 {
                note(.invalidParameter, "\(word): given more than once")
            }
            seen |= 1 << name.index
            try read(name.index, &scanner, body)
        }
        try scanner.finish()
        if seen & 1 == 0 { note(.missingParameter, "\(MessagesWire.model): Field required") }
        if seen & 2 == 0 { note(.missingParameter, "\(MessagesWire.messages): Field required") }
    }

    private mutating func read(
        _ index: Int, _ scanner: inout JSONScanner, _ body: ByteSlice
    ) throws(JSONFailure) {
        if index == 5, scanner.comesObject {
            let start = scanner.offset
            defer { scan.details.metadata = .init(start..<scanner.offset) }
            try scanner.beginObject()
            while try scanner.nextName(in: Self.userNames) != nil {
                let value = try scanner.value()
                if value.kind == .string { scan.user = value.range }
            }
            return
        }
        let value = try scanner.value()
        switch index {
        case 0: takeModel(value, scanner, body)
        case 1:
            scan.details.content = .init(value.range)
            if value.kind != .array { wrong(MessagesWire.messages, "list") }
        case 2:
            switch value.kind {
            case .true: scan.isStreaming = true
            case .false, .null: scan.isStreaming = false
            default: wrong(MessagesWire.stream, "boolean")
            }
        case 3:
            if value.kind == .number {
                scan.outputTokensMax = scanner.bytes(value.range).decimalValue
            }
        case 4:
            if value.kind == .array {
                let inside = scanner.bytes(value.inside)
                let hasTools = (0..<inside.count).contains { inside[$0] > ASCII.space }
                scan.tools = hasTools ? value.range : nil
            } else if value.kind != .null {
                wrong(MessagesWire.tools, "list")
            }
        default: break
        }
    }

    private mutating func takeModel(
        _ value: JSONSpan, _ scanner: JSONScanner, _ body: ByteSlice
    ) {
        guard value.kind == .string else { return wrong(MessagesWire.model, "string") }
        scan.model = value.range
        scan.modelHasEscapes = value.hasEscapes
        var scratch = ByteBuffer()
        guard value.range.count <= MessagesRequestScan.modelBytesMax * 6 + 2 else {
            return tooLong()
        }
        let name = scan.modelName(in: body, scratch: &scratch)
        if name.isEmpty {
            note(.invalidParameter, "model: String should have at least 1 character")
        }
        if name.count > MessagesRequestScan.modelBytesMax { tooLong() }
        // It goes into headers and log lines.
        if (0..<name.count).contains(where: { name[$0] < ASCII.space || name[$0] == 0x7F }) {
            note(.invalidParameter, "model: holds a control character")
        }
    }

    private mutating func tooLong() {
        note(
            .invalidParameter,
            "model: String should have at most \(MessagesRequestScan.modelBytesMax) characters")
    }

    private mutating func wrong(_ name: StaticString, _ type: String) {
        note(.invalidParameter, "\(name): Input should be a valid \(type)")
    }

    /// The first problem is kept, and a syntax error wins over it.
    private mutating func note(_ kind: Failure.Kind, _ message: String) {
        if problem == nil { problem = Failure(kind, message) }
    }
}
