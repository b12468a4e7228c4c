// ResponsesRequestScan.swift — what the relay lane must know of a responses request, read in one
// pass.
// Pure; borrows the body. Checks what routing and accounting stand on and nothing else: the rest is
// the upstream's to judge. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Places and flags of a responses request, good as long as its body.
package struct ResponsesRequestScan: Sendable {
    /// How long a model's name may be.
    package static let modelBytesMax = 256

    /// The model's value, quotes included.
    package internal(set) var model = 0..<0
    package internal(set) var modelHasEscapes = false
    package internal(set) var isStreaming = false
    /// The array of the tools, if there is at least one.
    package internal(set) var tools: Range<Int>?
    package var hasTools: Bool { tools != nil }
    package internal(set) var outputTokensMax: Int?
    /// The tokens that stand for the effort it asks for; nil: it asks for none.
    package internal(set) var thinking = ScannedTokens()
    /// The end user's name, quotes included, if it is a string.
    package internal(set) var user: Range<Int>?
    package internal(set) var details = ScannedDetails()
    /// The response that this one goes on with, quotes included, if it is a string.
    package internal(set) var previousResponseID: Range<Int>?
    /// Whether the answer is to be made behind the client's back.
    package internal(set) var isBackground = false

    init() {}

    /// The model's name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func modelName(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        let inside = body[model.lowerBound + 1..<model.upperBound - 1]
        guard modelHasEscapes else { return inside }
        scratch.removeAll()
        scratch.append(jsonUnescaping: inside)
        return scratch.slice
    }

    /// The edit that makes the body the upstream's: its own model name, if it has another.
    package func splice(model upstreamModel: ByteSlice?) -> JSONSplice {
        var splice = JSONSplice()
        if let upstreamModel { splice.replace(model, with: .string(upstreamModel)) }
        return splice
    }

    /// Reads a request's body.
    package static func scan(_ body: ByteSlice) throws(Failure) -> ResponsesRequestScan {
        var reader = ResponsesRequestReader(body)
        do throws(JSONFailure) { try reader.read() } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        if let problem = reader.problem { throw problem }
        return reader.scan
    }
}

/// The members that the gateway acts upon. They may come once only and must be spelled plainly:
/// the upstream must not be able to read another request than the one that was checked.
private enum ResponsesMember: Int, CaseIterable {
    case model, input, stream, tools, maxOutputTokens, user, previousResponseID, background

    var name: StaticString {
        switch self {
        case .model: ResponsesWire.model
        case .input: ResponsesWire.input
        case .stream: ResponsesWire.stream
        case .tools: ResponsesWire.tools
        case .maxOutputTokens: ResponsesWire.maxOutputTokens
        case .user: ResponsesWire.user
        case .previousResponseID: ResponsesWire.previousResponseID
        case .background: ResponsesWire.background
        }
    }

    /// By raw value, so that a name's place in the list is its case.
    static let names = JSONNames(
        ResponsesWire.model, ResponsesWire.input, ResponsesWire.stream, ResponsesWire.tools,
        ResponsesWire.maxOutputTokens, ResponsesWire.user, ResponsesWire.previousResponseID,
        ResponsesWire.background, ResponsesWire.instructions, ScannedDetails.metadataName,
        ScannedDetails.temperatureName, ScannedDetails.topPName, ResponsesWire.reasoning)
    /// Those from here on are details.
    static let detailIndex = 8
    static let reasoningIndex = 12
}

/// The pass. A syntax error wins over a wrong value, whatever their order: the first problem is
/// kept and the pass goes on.
private struct ResponsesRequestReader {
    private let body: ByteSlice
    private var scanner: JSONScanner
    private(set) var scan = ResponsesRequestScan()
    private(set) var problem: Failure?
    /// One bit a member.
    private var seen: UInt16 = 0

    init(_ body: ByteSlice) {
        self.body = body
        scanner = JSONScanner(body)
    }

    mutating func read() throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            note(Failure(.malformedRequest, "The request body must be a JSON object."))
            return try scanner.finish()
        }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: ResponsesMember.names) {
            if name.index >= ResponsesMember.detailIndex {
                let index = name.index - ResponsesMember.detailIndex
                let value = try scanner.value()
                if index == 0 {
                    scan.details.system = .init(value.range)
                } else if name.index == ResponsesMember.reasoningIndex {
                    scan.thinking.count = ScannedThinking.tokens(reasoning: value, in: body)
                } else {
                    scan.details.take(index - 1, value)
                }
                continue
            }
            guard let member = ResponsesMember(rawValue: name.index) else {
                preconditionFailure("a name that no member has")
            }
            let bit: UInt16 = 1 << UInt16(member.rawValue)
            if name.hasEscapes {
                refuse(
                    member,
                    "The name of the parameter '\(member.name)' is spelled with an escape sequence."
                )
            }
            if seen & bit != 0 {
                refuse(member, "The parameter '\(member.name)' is given more than once.")
            }
            seen |= bit
            read(member, try scanner.value())
        }
        try scanner.finish()
        if seen & 1 == 0 {
            note(
                Failure(
                    .missingParameter, "The parameter 'model' is missing.", parameter: "model"))
        }
    }

    private mutating func note(_ found: Failure) {
        if problem == nil { problem = found }
    }

    private mutating func refuse(_ member: ResponsesMember, _ message: String) {
        note(Failure(.invalidParameter, message, parameter: "\(member.name)"))
    }

    private mutating func read(_ member: ResponsesMember, _ value: JSONSpan) {
        switch member {
        case .model: read(model: value)
        case .input:
            scan.details.content = .init(value.range)
            switch value.kind {
            case .string, .array, .null: break
            default: refuse(member, "'input' must be a string or an array of items.")
            }
        case .stream: scan.isStreaming = flag(member, value)
        case .background: scan.isBackground = flag(member, value)
        case .tools:
            switch value.kind {
            case .array: scan.tools = isEmpty(inside: value.inside) ? nil : value.range
            case .null: break
            default: refuse(member, "'tools' must be an array.")
            }
        case .maxOutputTokens:
            if value.kind == .number {
                scan.outputTokensMax = scanner.bytes(value.range).decimalValue
            }
        case .user: if value.kind == .string { scan.user = value.range }
        case .previousResponseID:
            if value.kind == .string { scan.previousResponseID = value.range }
        }
    }

    private mutating func flag(_ member: ResponsesMember, _ value: JSONSpan) -> Bool {
        switch value.kind {
        case .true: return true
        case .false, .null: return false
        default:
            refuse(member, "'\(member.name)' must be true or false.")
            return false
        }
    }

    private func isEmpty(inside range: Range<Int>) -> Bool {
        let inside = scanner.bytes(range)
        // Validated: what is no white space is the first element.
        for index in 0..<inside.count where inside[index] > ASCII.space { return false }
        return true
    }

    private mutating func read(model value: JSONSpan) {
        guard value.kind == .string else { return refuse(.model, "'model' must be a string.") }
        scan.model = value.range
        scan.modelHasEscapes = value.hasEscapes
        let bytesMax = ResponsesRequestScan.modelBytesMax
        var scratch = ByteBuffer()
        let isShort = value.range.count <= bytesMax * 6 + 2
        let name = isShort ? scan.modelName(in: body, scratch: &scratch) : .empty
        guard isShort, name.count <= bytesMax else {
            return refuse(.model, "'model' is longer than \(bytesMax) bytes.")
        }
        if name.isEmpty { return refuse(.model, "'model' must not be empty.") }
        // It goes into headers and log lines.
        for index in 0..<name.count where name[index] < ASCII.space || name[index] == 0x7F {
            return refuse(.model, "'model' holds a control character.")
        }
    }
}
