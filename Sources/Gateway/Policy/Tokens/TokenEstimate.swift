// TokenEstimate.swift — how many tokens a request will take, where nobody counts them for us.
// Pure. Imported by Exchange. An estimate: no model's alphabet of tokens is known here.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Estimates by size. English text has about 3.5 bytes a token; other scripts have more bytes a
/// character and about as many bytes a token. What is not text is estimated by fixed amounts.
package enum TokenEstimate {
    /// An image of middling size.
    package static let imageTokens = 1600
    /// So many bytes of a document's base64 text are taken for one page of `pageTokens`.
    package static let pageBytes = 64 << 10
    package static let pageTokens = 2000
    /// What frames each message, and what tools bring along before their own words.
    package static let messageTokens = 4
    package static let toolsTokens = 346

    /// The tokens that a request's input will take, at least 1.
    package static func inputTokens(of request: ModelRequest) -> Int {
        var bytes = 0
        var tokens = request.messages.count * messageTokens
        for part in request.parts { add(part, &bytes, &tokens) }
        for tool in request.tools {
            bytes += tool.name.count + (tool.description?.count ?? 0)
            switch tool.kind {
            case .function(let schema): bytes += schema.map(size) ?? 0
            case .custom(let format): bytes += format.map(size) ?? 0
            case .foreign(_, let value): bytes += size(value)
            }
        }
        if !request.tools.isEmpty { tokens += toolsTokens }
        return max(1, tokens + (bytes * 2 + 6) / 7)
    }

    /// The tokens that texts to be embedded will take, at least 1.
    package static func inputTokens(of request: EmbeddingRequest) -> Int {
        var bytes = 0
        var tokens = 0
        for input in request.inputs {
            switch input {
            case .text(let text): bytes += text.count
            case .tokens(let list): tokens += list.count
            }
        }
        return max(1, tokens + (bytes * 2 + 6) / 7)
    }

    /// Bytes of a body above which it is taken to hold images, whose size says nothing.
    package static let textBytesMax = 512 << 10

    /// The tokens that a request's input will take by the size of its body alone, at least 1.
    package static func inputTokens(ofBytes bytes: Int) -> Int {
        max(1, (min(bytes, textBytesMax) * 2 + 6) / 7)
    }

    private static func add(_ part: ContentPart, _ bytes: inout Int, _ tokens: inout Int) {
        switch part.content {
        case .text(let text), .refusal(let text): bytes += text.count
        case .image: tokens += imageTokens
        case .audio(let media), .file(let media):
            switch media.source {
            case .text(let text): bytes += text.count
            case .data(let data): tokens += (data.count / pageBytes + 1) * pageTokens
            case .url, .fileID: tokens += pageTokens
            }
        case .reasoning(let reasoning):
            bytes += reasoning.text.count + (reasoning.redacted?.count ?? 0)
        case .toolCall(let call):
            bytes += call.name.count
            switch call.arguments {
            case .text(let text): bytes += text.count
            case .value(let value): bytes += size(value)
            }
        case .foreign(_, let value): bytes += size(value)
        }
    }

    /// About the bytes of a value's JSON text.
    private static func size(_ value: JSONValue) -> Int {
        switch value.kind {
        case .null, .bool, .number: 4
        case .string: (value.string?.count ?? 0) + 2
        case .array: value.elements.reduce(2) { $0 + size($1) + 1 }
        case .object: value.members.reduce(2) { $0 + $1.name.count + 4 + size($1.value) }
        }
    }
}
