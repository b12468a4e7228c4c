// ModelRequest.swift — what a caller asks a model for, in no dialect's words.
// Pure; borrows everything from the document that it was decoded from and is encoded before that
// goes away. Made by doors, read by providers.

import GatewayCodec
import ReactorCore

/// A request for an answer.
///
/// Borrowed: every slice and JSON value lives as long as the tree that the door decoded. Text is
/// plain UTF-8, unescaped.
package struct ModelRequest {
    /// The model as the caller named it.
    package var model = ByteSlice.empty
    /// In the order of the conversation, system messages in their places.
    package var messages: [Message] = []
    /// The parts of all messages; each message has a range of them.
    package var parts: [ContentPart] = []
    package var tools: [ToolDefinition] = []
    /// Nil: not said.
    package var toolChoice: ToolChoice?
    /// Whether several tools may be called at once; nil: not said.
    package var allowsParallelCalls: Bool?
    package var sampling = Sampling()
    package var output = OutputFormat.text
    /// Nil: not said.
    package var reasoning: ReasoningRequest?
    /// How many answers.
    package var choiceCount = 1
    package var streams = false
    /// Whether a stream is to end with its usage.
    package var wantsUsage = false
    /// What the door is to put before every choice; no provider's business.
    package var echo = ByteSlice.empty
    /// Names of tools that are made of two of the caller's words; nil where there are none.
    package var namespaces: ToolNamespaces?
    /// The caller's word for its own user.
    package var user: ByteSlice?
    /// Members that the model has no word for, as they were written.
    package var extras = Extras()

    package init() {}

    /// Appends a message with `parts`.
    package mutating func append(
        _ role: Message.Role, _ parts: [ContentPart] = [], name: ByteSlice? = nil,
        result: ToolResult? = nil
    ) {
        let start = self.parts.count
        self.parts.append(contentsOf: parts)
        messages.append(
            Message(role: role, parts: start..<self.parts.count, name: name, result: result))
    }

    /// Appends a message of one part.
    package mutating func append(
        _ role: Message.Role, _ part: ContentPart, name: ByteSlice? = nil
    ) {
        let start = parts.count
        parts.append(part)
        messages.append(Message(role: role, parts: start..<start + 1, name: name, result: nil))
    }

    /// The parts of `message`.
    package func parts(of message: Message) -> ArraySlice<ContentPart> { parts[message.parts] }
}

/// What travels beside the model's words.
package struct Extras {
    /// One member of the request's outermost object.
    package struct Member {
        package var name: ByteSlice
        package var value: JSONValue

        package init(name: ByteSlice, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The dialect whose words they are.
    package var dialect = Dialect.chat
    package var members: [Member] = []

    package init() {}

    /// The member of that name.
    package subscript(name: StaticString) -> JSONValue? {
        members.first { $0.name == name }?.value
    }
}
