// ChatRequestScan.swift — what the relay lane must know of a chat request, read in one pass.
// Pure; borrows the body. Checks what routing and accounting stand on and nothing else: the rest
// is the upstream's to judge. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Places and flags of a chat request, good as long as its body.
package struct ChatRequestScan: Sendable {
    /// How the request speaks of stream options.
    package enum StreamOptions: Equatable, Sendable {
        case absent
        /// `null`, at this range.
        case null(Range<Int>)
        /// An object whose `include_usage` is absent; the offset is that of its opening brace.
        case object(brace: Int, isEmpty: Bool)
        /// `include_usage` is there: at this range, and true or not.
        case usage(Range<Int>, isTrue: Bool)
    }

    /// How long a model's name may be.
    package static let modelBytesMax = 256

    /// The opening brace of the body.
    package internal(set) var brace = 0
    /// The model's value, quotes included.
    package internal(set) var model = 0..<0
    package internal(set) var modelHasEscapes = false
    package internal(set) var isStreaming = false
    /// The array of the tools, if there is at least one.
    package internal(set) var tools: Range<Int>?
    package var hasTools: Bool { tools != nil }
    package internal(set) var streamOptions = StreamOptions.absent
    /// The bound on output tokens, by its newer name or its older.
    package internal(set) var outputTokensMax: Int?
    /// The tokens that stand for the effort it asks for; nil: it asks for none.
    package internal(set) var thinking = ScannedTokens()
    /// The end user's name, quotes included, if it is a string.
    package internal(set) var user: Range<Int>?
    package internal(set) var details = ScannedDetails()

    init() {}

    /// Whether the client asked for the chunk with the usage.
    package var wantsUsage: Bool {
        if case .usage(_, isTrue: true) = streamOptions { return true }
        return false
    }

    /// The model's name: bytes of `body`, or of `scratch` if the client wrote it with escapes.
    package func modelName(in body: ByteSlice, scratch: inout ByteBuffer) -> ByteSlice {
        let inside = body[model.lowerBound + 1..<model.upperBound - 1]
        guard modelHasEscapes else { return inside }
        scratch.removeAll()
        scratch.append(jsonUnescaping: inside)
        return scratch.slice
    }

    /// The edits that make the body the upstream's: its own model name, if it has another, and the
    /// usage chunk asked for, if a stream is to be accounted and the client did not ask.
    package func splice(model upstreamModel: ByteSlice?, addingUsage: Bool) -> JSONSplice {
        var splice = JSONSplice()
        if let upstreamModel { splice.replace(model, with: .string(upstreamModel)) }
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
    package static func scan(_ body: ByteSlice) throws(Failure) -> ChatRequestScan {
        var reader = ChatRequestReader(body)
        do throws(JSONFailure) { try reader.read() } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        if let problem = reader.problem { throw problem.failure }
        return reader.scan
    }
}
