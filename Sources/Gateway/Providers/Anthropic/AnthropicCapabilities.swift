// AnthropicCapabilities.swift — what each generation of Claude accepts, by the model's name.
// Pure values. What a model does not accept would be a 400 of the upstream's for a caller who cannot
// know it. Source: Anthropic's documentation and reports of what newer models refuse; where the
// table is wrong, an operator's word wins.

import ReactorCore

/// What one model accepts.
package struct AnthropicCapabilities: Equatable, Sendable {
    package enum ThinkingMode: Equatable, Sendable {
        case none
        /// With a number of tokens.
        case budget
        /// As much as the model finds right, steered by an effort.
        case adaptive
        /// As adaptive, and it cannot be switched off.
        case always
    }

    /// `temperature`, `top_p` and `top_k`.
    package var allowsSampling: Bool
    package var allowsTemperatureWithTopP: Bool
    package var thinking: ThinkingMode
    /// Whether efforts above `high` but below `max` are known.
    package var hasExtraHighEffort: Bool
    /// Whether a call of a tool can be demanded.
    package var allowsForcedTools: Bool
    /// Whether the conversation may end with words of the assistant.
    package var allowsPrefill: Bool
    /// Whether it keeps to a JSON schema by itself, in answers and in calls of tools.
    package var hasOutputSchema: Bool
    /// What is asked for where the caller sets no bound, which this dialect demands.
    package var outputTokensDefault: Int
    package var outputTokensMax: Int

    /// What goes with a model's name. An unknown name is taken for a model of version 4.5.
    package init(model: ByteSlice) {
        let version = AnthropicVersion(model: model)
        let number = version.number ?? 45
        allowsSampling = number < 50 && !(version.isOpus && number >= 47)
        allowsTemperatureWithTopP = number < 40
        switch number {
        case ..<37: thinking = .none
        case ..<46: thinking = .budget
        case ..<55: thinking = .adaptive
        default: thinking = .always
        }
        hasExtraHighEffort = number >= 47
        allowsForcedTools = number < 55
        allowsPrefill = number < 46
        hasOutputSchema = number >= 45 || (version.isOpus && number >= 41)
        switch number {
        case ..<35: (outputTokensDefault, outputTokensMax) = (4096, 4096)
        case ..<37: (outputTokensDefault, outputTokensMax) = (8192, 8192)
        case 40..<45 where version.isOpus:
            (outputTokensDefault, outputTokensMax) = (32_000, 32_000)
        case ..<46: (outputTokensDefault, outputTokensMax) = (32_000, 64_000)
        default: (outputTokensDefault, outputTokensMax) = (32_000, 128_000)
        }
    }
}

/// An operator's word on models; nil is nothing.
package struct AnthropicCapabilityRule: Equatable, Sendable {
    /// A model's name at the provider, or the beginning of names followed by `*`.
    package var pattern: String
    package var allowsSampling: Bool?
    package var allowsTemperatureWithTopP: Bool?
    package var thinking: AnthropicCapabilities.ThinkingMode?
    package var allowsForcedTools: Bool?
    package var allowsPrefill: Bool?
    package var hasOutputSchema: Bool?
    package var outputTokensDefault: Int?
    package var outputTokensMax: Int?

    package init(pattern: String) { self.pattern = pattern }

    func matches(_ model: ByteSlice) -> Bool {
        pattern.withByteSlice { pattern in
            guard !pattern.isEmpty, pattern[pattern.count - 1] == UInt8(ascii: "*") else {
                return pattern == model
            }
            let stem = pattern.prefix(pattern.count - 1)
            return model.count >= stem.count && model.prefix(stem.count) == stem
        }
    }
}

extension AnthropicCapabilities {
    /// Puts the word of every rule that matches over what is known, later rules over earlier ones.
    package mutating func apply(_ rules: [AnthropicCapabilityRule], to model: ByteSlice) {
        for rule in rules where rule.matches(model) {
            allowsSampling = rule.allowsSampling ?? allowsSampling
            allowsTemperatureWithTopP =
                rule.allowsTemperatureWithTopP ?? allowsTemperatureWithTopP
            thinking = rule.thinking ?? thinking
            allowsForcedTools = rule.allowsForcedTools ?? allowsForcedTools
            allowsPrefill = rule.allowsPrefill ?? allowsPrefill
            hasOutputSchema = rule.hasOutputSchema ?? hasOutputSchema
            outputTokensMax = rule.outputTokensMax ?? outputTokensMax
            outputTokensDefault = rule.outputTokensDefault ?? outputTokensDefault
        }
        outputTokensDefault = min(outputTokensDefault, outputTokensMax)
    }
}

/// The generation that a name tells: `claude-3-5-sonnet-20241022`, `claude-opus-4-6`,
/// `anthropic.claude-sonnet-4-5-20250929-v1:0`, `claude-sonnet-4@20250514`, `...Claude45Sonnet`.
struct AnthropicVersion: Equatable {
    /// Ten times the major plus the minor number; nil where the name tells none.
    var number: Int?
    var isOpus = false

    init(model: ByteSlice) {
        var rest = Self.behindFamily(model)
        var major: Int?
        while !rest.isEmpty {
            if ASCII.isDigit(rest[0]) {
                let digits = Self.run(rest) { ASCII.isDigit($0) }
                rest = rest.dropFirst(digits.count)
                let value = digits.decimalValue ?? 0
                if number != nil { continue }
                if let first = major {
                    // What is longer is a date.
                    number = first * 10 + (digits.count == 1 ? value : 0)
                } else if digits.count == 1 {
                    major = value
                } else if digits.count == 2 {
                    number = value
                }
            } else if ASCII.isLetter(rest[0]) {
                let word = Self.run(rest) { ASCII.isLetter($0) }
                rest = rest.dropFirst(word.count)
                if word.equalsIgnoringCase("opus") { isOpus = true }
                // A version's two numbers stand side by side.
                if let first = major, number == nil { number = first * 10 }
            } else {
                rest = rest.dropFirst(1)
            }
        }
        if let major, number == nil { number = major * 10 }
    }

    private static func run(_ bytes: ByteSlice, _ belongs: (UInt8) -> Bool) -> ByteSlice {
        var end = 0
        while end < bytes.count, belongs(bytes[end]) { end += 1 }
        return bytes.prefix(end)
    }

    private static func behindFamily(_ model: ByteSlice) -> ByteSlice {
        let family: StaticString = "claude"
        let length = family.utf8CodeUnitCount
        var start = 0
        while start + length <= model.count {
            if model[start..<start + length].equalsIgnoringCase(family) {
                return model.dropFirst(start + length)
            }
            start += 1
        }
        return .empty
    }
}
