// GeminiCapabilities.swift — what a Gemini model can be asked for, told from its name.
// Pure. Names that nobody knows yet are taken for the newest generation; whatever is wrong can be
// overridden in a provider's settings. Facts: Google's model pages, July 2026.

import GatewayWire
import ReactorCore

/// One model's abilities.
package struct GeminiCapabilities: Equatable, Sendable {
    /// How a model is told how much to think.
    package enum Thinking: Equatable, Sendable {
        /// It does not think, or not on request.
        case none
        /// `thinkingBudget` in tokens.
        case budget(min: Int, max: Int)
        /// `thinkingLevel`.
        case level(Set<Level>)
    }

    package enum Level: Int, Comparable, Sendable, CaseIterable {
        case minimal, low, medium, high

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        var name: StaticString {
            switch self {
            case .minimal: GeminiWire.levelMinimal
            case .low: GeminiWire.levelLow
            case .medium: GeminiWire.levelMedium
            case .high: GeminiWire.levelHigh
            }
        }
    }

    package var thinking = Thinking.level(Set(Level.allCases))
    /// Whether thinking can be switched off (budgets only).
    package var canSwitchThinkingOff = false
    /// Whether `candidateCount` may be above 1.
    package var takesSeveralCandidates = false
    /// Whether the form of an answer may be asked for beside functions.
    package var takesSchemaWithTools = true
    /// Whether schemas may be real JSON Schema; else the subset of OpenAPI.
    package var takesJSONSchema = true
    /// Whether function calls and their results carry ids.
    package var takesCallIDs = true
    /// Whether function calls of the history must carry a thought signature.
    package var requiresSignatures = true
    /// Whether any URL may be named as a file.
    package var takesURLs = false
    package var takesLogprobs = false
    package var takesLabels = false

    package init() {}

    /// The abilities of `model` at a host.
    package init(model: ByteSlice, at host: GeminiProvider.Host) {
        let name = GeminiModelName(model)
        let version = name.version ?? 300
        let isVertex = host != .developer
        switch version {
        case ..<250:
            thinking = .none
            canSwitchThinkingOff = true
        case ..<300:
            // Pro cannot stop thinking; the floors and ceilings are the API's own.
            thinking =
                name.has("pro")
                ? .budget(min: 128, max: 32_768)
                : .budget(min: name.has("lite") ? 512 : 1, max: 24_576)
            canSwitchThinkingOff = !name.has("pro")
        default:
            if name.has("pro") {
                thinking = .level(version < 310 ? [.low, .high] : [.low, .medium, .high])
            }
        }
        // An alias such as gemini-flash-latest may mean either generation: both take budgets.
        if name.version == nil { thinking = .budget(min: 128, max: 24_576) }
        if name.has("image") || name.has("tts") { thinking = .none }
        takesSeveralCandidates = version < 300
        takesSchemaWithTools = version >= 300
        takesJSONSchema = version >= 250
        takesCallIDs = !isVertex || version >= 300
        requiresSignatures = version >= 300
        takesURLs = isVertex
        takesLogprobs = isVertex && version < 300
        takesLabels = isVertex
    }

    /// What an operator knows better about models with a certain name.
    package struct Override: Equatable, Sendable {
        /// A name, or its beginning followed by `*`.
        package var pattern: String
        package var thinking: Thinking?
        package var canSwitchThinkingOff: Bool?
        package var takesSeveralCandidates: Bool?
        package var takesSchemaWithTools: Bool?
        package var takesJSONSchema: Bool?
        package var takesCallIDs: Bool?
        package var requiresSignatures: Bool?
        package var takesURLs: Bool?
        package var takesLogprobs: Bool?

        package init(_ pattern: String) { self.pattern = pattern }

        func matches(_ model: ByteSlice) -> Bool {
            pattern.withByteSlice { pattern in
                guard pattern.count > 0, pattern[pattern.count - 1] == UInt8(ascii: "*") else {
                    return pattern == model
                }
                let start = pattern.count - 1
                return model.count >= start && model.prefix(start) == pattern.prefix(start)
            }
        }
    }

    package mutating func apply(_ override: Override) {
        thinking = override.thinking ?? thinking
        canSwitchThinkingOff = override.canSwitchThinkingOff ?? canSwitchThinkingOff
        takesSeveralCandidates = override.takesSeveralCandidates ?? takesSeveralCandidates
        takesSchemaWithTools = override.takesSchemaWithTools ?? takesSchemaWithTools
        takesJSONSchema = override.takesJSONSchema ?? takesJSONSchema
        takesCallIDs = override.takesCallIDs ?? takesCallIDs
        requiresSignatures = override.requiresSignatures ?? requiresSignatures
        takesURLs = override.takesURLs ?? takesURLs
        takesLogprobs = override.takesLogprobs ?? takesLogprobs
    }
}

/// A model's name taken apart.
struct GeminiModelName {
    private let name: ByteSlice

    /// `name` may come with a path before it.
    init(_ name: ByteSlice) {
        var start = 0
        for index in 0..<name.count where name[index] == UInt8(ascii: "/") { start = index + 1 }
        self.name = name.dropFirst(start)
    }

    /// Its generation times 100: 250 for `gemini-2.5-pro`; nil where the name has none.
    var version: Int? {
        let prefix: StaticString = "gemini-"
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.utf8CodeUnitCount)
        guard rest.count > 0, ASCII.isDigit(rest[0]) else { return nil }
        var version = Int(rest[0] - ASCII.zero) * 100
        if rest.count > 1, ASCII.isDigit(rest[1]) { return version * 10 }
        if rest.count > 2, rest[1] == UInt8(ascii: "."), ASCII.isDigit(rest[2]) {
            version += Int(rest[2] - ASCII.zero) * 10
        }
        return version
    }

    /// Whether one of the words between its dashes is this one.
    func has(_ word: StaticString) -> Bool {
        var rest = name
        while let dash = rest.firstIndex(of: UInt8(ascii: "-")) {
            if rest.prefix(dash) == word { return true }
            rest = rest.dropFirst(dash + 1)
        }
        return rest == word
    }
}
