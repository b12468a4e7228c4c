// OpenAIProvider.swift — any server that speaks OpenAI's chat dialect: its settings, and the request
// that it is sent where a door spoke another.
// Pure. Imported by Catalog and Config.

import GatewayCodec
import GatewayModel
import ReactorCore

/// In what a server departs from OpenAI's own.
package struct OpenAIQuirks: OptionSet, Equatable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// It knows `max_tokens` only.
    package static let legacyMaxTokens = OpenAIQuirks(rawValue: 1)
    /// SambaNova's words for sounds and for thinking, and no parameter that it does not list.
    package static let sambaNova = OpenAIQuirks(rawValue: 2)
    /// It does not know the role `developer`.
    package static let systemForDeveloper = OpenAIQuirks(rawValue: 4)
    /// It takes `top_k`.
    package static let topK = OpenAIQuirks(rawValue: 8)
    /// It takes earlier thoughts back, as `reasoning_content`.
    package static let reasoningHistory = OpenAIQuirks(rawValue: 16)
    /// It takes marks of Anthropic's that prompts may be cached.
    package static let cacheControl = OpenAIQuirks(rawValue: 32)
    /// It wants thought signatures back, as `extra_content` (Gemini in this dialect).
    package static let thoughtSignatures = OpenAIQuirks(rawValue: 64)
    /// It takes instructions as one string only, and no `detail` of an image.
    package static let bareMessages = OpenAIQuirks(rawValue: 128)
}

/// A server that speaks OpenAI's chat dialect.
package struct OpenAIProvider: Equatable, Sendable {
    package var quirks: OpenAIQuirks
    /// Whether it serves the responses dialect too.
    package var servesResponses: Bool

    package init(quirks: OpenAIQuirks = [], servesResponses: Bool = false) {
        self.quirks = quirks
        self.servesResponses = servesResponses
    }

    /// Whether requests of this dialect can be passed on as they are.
    package func relays(_ dialect: Dialect) -> Bool {
        switch dialect {
        // What departs from OpenAI's own form has to be brought into it.
        case .chat: quirks.isEmpty
        case .responses: servesResponses
        // Servers of text completions differ in little, but SambaNova's answers are made at
        // fractions of a second, which clients do not take.
        case .completions: !quirks.contains(.sambaNova)
        default: false
        }
    }

    /// Where relayed responses requests go, behind the base URL.
    package static let responsesTarget: StaticString = "/responses"

    /// Behind the base URL.
    package static let target: StaticString = "/chat/completions"

    /// Writes `request` as a chat completion request.
    /// - Throws: a failure that tells the caller what the dialect has no word for.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        var encoder = OpenAIChatRequestEncoder(request, context, quirks)
        call.body.writeJSON { encoder.write(to: &$0) }
        if let failure = encoder.failure { throw failure }
        call.target.append(Self.target)
        call.streams = request.streams
        call.codec = .chat
        encoder.dropped.forEach { call.drop($0) }
        for name in encoder.droppedExtras { call.drop(extra: name) }
    }
}
