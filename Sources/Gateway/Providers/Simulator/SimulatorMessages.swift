// SimulatorMessages.swift — the checks on `messages`, and the little an answer depends on.

import GatewayCodec
import ReactorCore

/// The messages of a chat request, found to be in order.
struct SimulatorMessages {
    static let toolCallsMax = 128

    private(set) var count = 0
    /// Of all text in all messages.
    private(set) var textBytes = 0
    private(set) var endsWithToolResult = false
    private var lastUserContent: JSONValue?
    /// The calls that the tool messages now coming must answer.
    private var openCalls: JSONValue?
    /// A bit for each of them.
    private var answered: UInt128 = 0

    init(_ top: SimulatorFields) throws(SimulatorRefusal) {
        guard let list = try top.array("messages", count: 1 ... .max) else {
            throw .missing("messages")
        }
        for value in list.elements {
            try read(SimulatorFields(value, at: .message(count)))
            count += 1
        }
        try closeCalls(at: count - 1)
    }

    /// The text of the last user message, part by part.
    var lastUserTexts: [ByteSlice] {
        guard let content = lastUserContent else { return [] }
        if let text = content.string { return [text] }
        return content.elements.compactMap { $0["text"]?.string }
    }

    private mutating func read(_ message: SimulatorFields) throws(SimulatorRefusal) {
        let role = try message.requiredString("role")
        _ = try message.string("name")
        endsWithToolResult = role == "tool"
        if !endsWithToolResult { try closeCalls(at: count) }
        if role == "user" {
            try readContent(message, parts: ["text", "image_url", "input_audio", "file"])
            lastUserContent = message["content"]
        } else if role == "assistant" {
            try readAssistant(message)
        } else if role == "system" || role == "developer" {
            try readContent(message, parts: ["text"])
        } else if role == "tool" {
            try readContent(message, parts: ["text"])
            try answerCall(message)
        } else if role == "function" {
            _ = try message.requiredString("name")
            if message["content"] != nil { try readContent(message, parts: ["text"]) }
        } else {
            throw .invalid(
                message.place("role"),
                "must be 'system', 'developer', 'user', 'assistant', 'tool' or 'function'")
        }
    }

    private mutating func readAssistant(_ message: SimulatorFields) throws(SimulatorRefusal) {
        let calls = try message.array("tool_calls", count: 1...Self.toolCallsMax)
        let refusal = try message.string("refusal")
        if message["content"] != nil {
            try readContent(message, parts: ["text", "refusal"])
        } else if calls == nil, refusal == nil, message["function_call"] == nil,
            message["audio"] == nil
        {
            throw .missing(message.place("content"))
        }
        guard let calls else { return }
        var index = 0
        for value in calls.elements {
            let call = try SimulatorFields(value, at: .toolCall(message: count, index))
            _ = try call.requiredString("id")
            let type = try call.requiredString("type")
            guard type == "function" || type == "custom" else {
                throw .invalid(call.place("type"), "must be 'function' or 'custom'")
            }
            let body = try call.required(type == "function" ? "function" : "custom")
            let inner = try SimulatorFields(body, at: call.place)
            _ = try inner.requiredString("name")
            textBytes +=
                try inner.requiredString(type == "function" ? "arguments" : "input").count
            index += 1
        }
        openCalls = calls
        answered = 0
    }

    /// A string or a list of typed parts.
    private mutating func readContent(
        _ message: SimulatorFields, parts allowed: [StaticString]
    ) throws(SimulatorRefusal) {
        let content = try message.required("content")
        if let text = content.string {
            textBytes += text.count
            return
        }
        guard content.kind == .array else {
            throw .wrongType(
                message.place("content"), expected: "a string or an array of parts", got: content)
        }
        guard content.count > 0 else {
            throw .invalid(message.place("content"), "must not be empty", code: "empty_array")
        }
        var index = 0
        for value in content.elements {
            let part = try SimulatorFields(value, at: .part(message: count, index))
            let type = try part.requiredString("type")
            guard let name = allowed.first(where: { type == $0 }) else {
                let names = allowed.map { "'\($0)'" }.joined(separator: ", ")
                throw .invalid(part.place("type"), "must be one of \(names)")
            }
            if type == "text" || type == "refusal" {
                textBytes += try part.requiredString(name).count
            } else {
                _ = try SimulatorFields(part.required(name), at: part.place)
            }
            index += 1
        }
    }

    private mutating func answerCall(_ message: SimulatorFields) throws(SimulatorRefusal) {
        let id = try message.requiredString("tool_call_id")
        var bit: UInt128 = 1
        if let openCalls {
            for call in openCalls.elements {
                if answered & bit == 0, let open = call["id"]?.string, open == id {
                    answered |= bit
                    return
                }
                bit <<= 1
            }
        }
        throw .invalid(
            message.place("tool_call_id"),
            "answers no tool call of the assistant message before it, or one answered already")
    }

    /// Every call must be answered before anything else is said.
    private mutating func closeCalls(at index: Int) throws(SimulatorRefusal) {
        guard let openCalls else { return }
        guard answered.nonzeroBitCount == openCalls.count else {
            throw .invalid(
                "messages[\(index)]",
                "comes before every tool call of the assistant message was answered")
        }
        self.openCalls = nil
    }
}
