// Message.swift — one turn of a conversation.
// Pure; see ModelRequest for how long slices live.

import ReactorCore

/// One turn.
package struct Message {
    package enum Role: Equatable, Sendable {
        case system
        /// Instructions of the application, below those of the system.
        case developer
        case user
        case assistant
        /// The result of one tool call. Consecutive ones answer one turn of the assistant.
        case tool
    }

    package var role: Role
    /// Its parts among the request's. Text, images, audio and files for system, user and tool;
    /// text, refusal, reasoning and tool calls for the assistant.
    package var parts: Range<Int>
    /// A participant's name.
    package var name: ByteSlice?
    /// There exactly for the role `tool`.
    package var result: ToolResult?

    package init(
        role: Role, parts: Range<Int>, name: ByteSlice? = nil, result: ToolResult? = nil
    ) {
        self.role = role
        self.parts = parts
        self.name = name
        self.result = result
    }
}

/// Which call a message of the role `tool` answers.
package struct ToolResult {
    /// The id of the call.
    package var callID: ByteSlice
    /// The tool's name, where the dialect says it; else it is found by the id.
    package var name: ByteSlice?
    package var isError: Bool

    package init(callID: ByteSlice, name: ByteSlice? = nil, isError: Bool = false) {
        self.callID = callID
        self.name = name
        self.isError = isError
    }
}

extension ModelRequest {
    /// The name of the tool that the call with this id was for.
    package func toolName(ofCall id: ByteSlice) -> ByteSlice? {
        for message in messages where message.role == .assistant {
            for part in parts(of: message) {
                if case .toolCall(let call) = part.content, call.id == id { return call.name }
            }
        }
        return nil
    }
}
