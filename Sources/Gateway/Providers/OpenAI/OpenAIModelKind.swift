// OpenAIModelKind.swift — what is known of OpenAI's own models by their names, where one kind refuses
// what the other takes.
// Pure. Only OpenAIChatRequestEncoder uses it: on the relay lane a request is the client's own.

import ReactorCore

/// Whether a model thinks before it answers.
package enum OpenAIModelKind: Equatable {
    /// It takes an effort, and neither sampling nor stop texts.
    case thinking
    /// It takes those, and refuses an effort.
    case plain
    /// Another maker's, or too new: whatever is asked for is told.
    case unknown

    private static let plainNames: [StaticString] = [
        "gpt-3.5", "gpt-4", "chatgpt-", "gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat",
    ]
    private static let thinkingNames: [StaticString] = ["gpt-5", "o1", "o3", "o4"]

    package init(_ model: ByteSlice) {
        if Self.plainNames.contains(where: { model.hasPrefix($0) }) {
            self = .plain
        } else if Self.thinkingNames.contains(where: { Self.isFamily($0, of: model) }) {
            self = .thinking
        } else {
            self = .unknown
        }
    }

    /// `o3` and `o3-mini`, but not `o3x`.
    private static func isFamily(_ name: StaticString, of model: ByteSlice) -> Bool {
        guard model.hasPrefix(name) else { return false }
        let length = name.utf8CodeUnitCount
        return model.count == length || model[length] == UInt8(ascii: "-")
            || model[length] == UInt8(ascii: ".")
    }
}
