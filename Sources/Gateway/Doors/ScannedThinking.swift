// ScannedThinking.swift — how much a request lets its model think, read from the one member that says
// so. Clocks are reckoned by it; nothing is refused for it.
// Pure. Only the doors' scans use it, with values that are valid JSON.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// A number of tokens, or none, in half the room of an Optional: scans are copied often.
package struct ScannedTokens: Equatable, Sendable {
    private var stored: Int32 = -1

    init() {}

    package var count: Int? {
        get { stored < 0 ? nil : Int(stored) }
        set { stored = newValue.map { Int32(clamping: max($0, 0)) } ?? -1 }
    }
}

enum ScannedThinking {
    private static let effortNames = JSONNames(ResponsesWire.effort)
    private static let thinkingNames = JSONNames(MessagesWire.type, MessagesWire.budgetTokens)

    /// What an effort comes to in tokens; nil where its word is unknown.
    static func tokens(effort value: JSONSpan, in body: ByteSlice) -> Int? {
        guard value.kind == .string else { return nil }
        return ReasoningRequest.Effort(name: body[value.inside])?.tokens
    }

    /// The same of an object that names an effort.
    static func tokens(reasoning value: JSONSpan, in body: ByteSlice) -> Int? {
        var tokens: Int?
        read(value, in: body, effortNames) { _, effort, inside in
            tokens = Self.tokens(effort: effort, in: inside)
        }
        return tokens
    }

    /// Of Anthropic's object: a number of tokens, none, or as many as the model finds right.
    static func tokens(thinking value: JSONSpan, in body: ByteSlice) -> Int? {
        var type = ByteSlice.empty
        var budget: Int?
        read(value, in: body, thinkingNames) { index, member, inside in
            if index == 0, member.kind == .string {
                type = inside[member.inside]
            } else if index == 1, member.kind == .number {
                budget = inside[member.range].decimalValue
            }
        }
        if type == MessagesWire.Thinking.disabled { return 0 }
        return budget
            ?? (type == MessagesWire.Thinking.adaptive
                ? ReasoningRequest.Effort.medium.tokens : nil)
    }

    /// Hands over the members of an object that have one of `names`.
    private static func read(
        _ value: JSONSpan, in body: ByteSlice, _ names: JSONNames,
        _ take: (_ index: Int, _ member: JSONSpan, _ inside: ByteSlice) -> Void
    ) {
        guard value.kind == .object else { return }
        let inside = body[value.range]
        var scanner = JSONScanner(inside)
        do throws(JSONFailure) {
            try scanner.beginObject()
            while let name = try scanner.nextName(in: names) {
                take(name.index, try scanner.value(), inside)
            }
        } catch {
            // It was validated once already.
        }
    }
}
