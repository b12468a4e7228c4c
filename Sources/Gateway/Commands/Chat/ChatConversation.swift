// ChatConversation.swift — what has been said in `gateway chat`, and the request that goes on with it.
// Pure value.

import GatewayCodec
import GatewayModel
import GatewayTools
import GatewayWire
import ReactorCore

/// A call that a model made.
package struct ChatToolCall: Equatable, Sendable {
    package var id: String
    package var name: String
    /// JSON, as the model wrote it.
    package var arguments: String

    package init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// A conversation and its settings.
package struct ChatConversation: Equatable, Sendable {
    package enum Entry: Equatable, Sendable {
        case user(String)
        case assistant(String, calls: [ChatToolCall])
        case result(id: String, text: String)
    }

    package var model: String
    package var system: String?
    package var temperature: Double?
    package var maxTokens: Int?
    /// Whether the built-in functions are offered; they run here.
    package var hasTools = false
    package var streams = true
    package private(set) var entries: [Entry] = []

    package init(model: String) { self.model = model }

    /// The user's next message.
    package mutating func ask(_ text: String) { entries.append(.user(text)) }

    /// The model's answer. Returns the calls whose results it waits for.
    package mutating func answered(_ response: ModelResponse) -> [ChatToolCall] {
        guard let choice = response.choices.first else { return [] }
        var text = ""
        var calls: [ChatToolCall] = []
        for part in choice.parts {
            let content = String(decoding: part.text, as: UTF8.self)
            switch part.kind {
            case .text, .refusal: text += content
            case .toolCall:
                calls.append(
                    ChatToolCall(
                        id: String(decoding: part.id, as: UTF8.self),
                        name: String(decoding: part.name, as: UTF8.self), arguments: content))
            case .reasoning, .redactedReasoning, .image: break
            }
        }
        entries.append(.assistant(text, calls: calls))
        return calls
    }

    package mutating func add(result: String, of call: ChatToolCall) {
        entries.append(.result(id: call.id, text: result))
    }

    /// Forgets what belongs to the last question, which was not answered.
    package mutating func takeBack() {
        guard
            let last = entries.lastIndex(where: {
                if case .user = $0 { return true }
                return false
            })
        else { return }
        entries.removeSubrange(last...)
    }

    package mutating func forget() { entries = [] }

    // MARK: The request

    package func request() -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeJSON { json in
            json.beginObject()
            json.field(ChatWire.model, text: model)
            json.beginArray(ChatWire.messages)
            if let system { Self.message(ChatWire.system, system, &json) }
            for entry in entries { Self.write(entry, &json) }
            json.endArray()
            if let temperature { json.field(ChatWire.temperature, temperature) }
            if let maxTokens { json.field(ChatWire.maxTokens, maxTokens) }
            if hasTools { Self.writeTools(&json) }
            if streams {
                json.field(ChatWire.stream, true)
                json.beginObject(ChatWire.streamOptions)
                json.field(ChatWire.includeUsage, true)
                json.endObject()
            }
            json.endObject()
        }
        return buffer.array
    }

    private static func message(
        _ role: StaticString, _ text: String, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.field(ChatWire.role, role)
        json.field(ChatWire.content, text: text)
        json.endObject()
    }

    private static func write(_ entry: Entry, _ json: inout JSONWriter) {
        switch entry {
        case .user(let text): message(ChatWire.user, text, &json)
        case .result(let id, let text):
            json.beginObject()
            json.field(ChatWire.role, ChatWire.tool)
            json.field(ChatWire.toolCallID, text: id)
            json.field(ChatWire.content, text: text)
            json.endObject()
        case .assistant(let text, let calls):
            json.beginObject()
            json.field(ChatWire.role, ChatWire.assistant)
            if text.isEmpty, !calls.isEmpty {
                json.null(ChatWire.content)
            } else {
                json.field(ChatWire.content, text: text)
            }
            if !calls.isEmpty {
                json.beginArray(ChatWire.toolCalls)
                for call in calls { write(call, &json) }
                json.endArray()
            }
            json.endObject()
        }
    }

    private static func write(_ call: ChatToolCall, _ json: inout JSONWriter) {
        json.beginObject()
        json.field(ChatWire.id, text: call.id)
        json.field(ChatWire.type, ChatWire.function)
        json.beginObject(ChatWire.function)
        json.field(ChatWire.name, text: call.name)
        json.field(ChatWire.arguments, text: call.arguments)
        json.endObject()
        json.endObject()
    }

    private static func writeTools(_ json: inout JSONWriter) {
        json.beginArray(ChatWire.tools)
        for tool in BuiltInTool.all {
            json.beginObject()
            json.field(ChatWire.type, ChatWire.function)
            json.beginObject(ChatWire.function)
            json.field(ChatWire.name, tool.name)
            json.field(ChatWire.description, ByteSlice(tool.description))
            json.key(ChatWire.parameters)
            json.raw(ByteSlice(tool.parameters))
            json.endObject()
            json.endObject()
        }
        json.endArray()
    }
}
