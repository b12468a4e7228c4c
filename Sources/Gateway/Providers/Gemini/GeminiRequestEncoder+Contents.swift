// GeminiRequestEncoder+Contents.swift — the conversation: system instruction, turns that alternate,
// function calls with their signatures, and their results.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The content that is being written. Roles alternate: messages of one role become one content.
private struct OpenContent {
    enum Role { case user, model }

    private var role: Role?
    private var partCount = 0
    private(set) var isFirst = true

    /// Begins a content of that role unless one is open.
    mutating func begin(_ next: Role, _ json: inout JSONWriter) {
        if role == next { return }
        end(&json)
        if isFirst, next == .model {
            // The first one must be the user's.
            begin(.user, &json)
            end(&json)
        }
        isFirst = false
        json.beginObject()
        json.field(GeminiWire.role, next == .user ? GeminiWire.user : GeminiWire.model)
        json.beginArray(GeminiWire.parts)
        role = next
        partCount = 0
    }

    mutating func end(_ json: inout JSONWriter) {
        guard role != nil else { return }
        // A content without parts, and a part without text, is refused.
        if partCount == 0 {
            json.beginObject()
            json.field(GeminiWire.text, " ")
            json.endObject()
        }
        json.endArray()
        json.endObject()
        role = nil
    }

    mutating func text(_ text: ByteSlice, _ json: inout JSONWriter) {
        guard !text.isEmpty else { return }
        json.beginObject()
        json.field(GeminiWire.text, text)
        json.endObject()
        partCount += 1
    }

    mutating func countPart() { partCount += 1 }
}

/// Where a tool call stands in the history.
private struct PlacedCall {
    let name: ByteSlice
    let place: Int
}

/// One message of the role `tool`, matched with its call.
private struct PlacedResult {
    let message: Int
    let name: ByteSlice
    let place: Int
}

extension GeminiRequestEncoder {
    mutating func writeSystem(_ json: inout JSONWriter) throws(Failure) {
        var hasBegun = false
        for (index, message) in request.messages.enumerated() {
            guard message.role == .system || message.role == .developer else { continue }
            for (place, part) in request.parts(of: message).enumerated() {
                guard case .text(let text) = part.content else {
                    throw Self.failure(
                        .unsupportedParameter, "A system message of this model holds text only.",
                        message: index, part: place)
                }
                guard !text.isEmpty else { continue }
                if !hasBegun {
                    json.beginObject(GeminiWire.systemInstruction)
                    json.beginArray(GeminiWire.parts)
                    hasBegun = true
                }
                json.beginObject()
                json.field(GeminiWire.text, text)
                json.endObject()
            }
        }
        guard hasBegun else { return }
        json.endArray()
        json.endObject()
    }

    mutating func writeContents(_ json: inout JSONWriter) throws(Failure) {
        var content = OpenContent()
        var calls: [GeminiKey: PlacedCall] = [:]
        let hasResults = request.messages.contains { $0.role == .tool }
        json.beginArray(GeminiWire.contents)
        var index = 0
        while index < request.messages.count {
            let message = request.messages[index]
            switch message.role {
            case .system, .developer: break
            case .user:
                content.begin(.user, &json)
                try writeParts(of: index, &content, &json)
            case .assistant:
                content.begin(.model, &json)
                if hasResults { note(callsOf: message, &calls) }
                try writeAnswer(index, &content, &json)
            case .tool:
                let end = try writeResults(from: index, calls, &content, &json)
                index = end
                continue
            }
            index += 1
        }
        if content.isFirst { content.begin(.user, &json) }
        content.end(&json)
        json.endArray()
    }

    private mutating func writeParts(
        of index: Int, _ content: inout OpenContent, _ json: inout JSONWriter
    ) throws(Failure) {
        for (place, part) in request.parts(of: request.messages[index]).enumerated() {
            switch part.content {
            case .text(let text), .refusal(let text): content.text(text, &json)
            case .image, .audio, .file:
                try writeMedia(part.content, message: index, part: place, &json)
                content.countPart()
            case .foreign(.gemini, let value):
                json.value(value)
                content.countPart()
            case .foreign, .reasoning, .toolCall:
                throw Self.failure(
                    .unsupportedParameter, "This model has no word for this kind of content.",
                    message: index, part: place)
            }
        }
    }

    /// A message of the assistant. Of parallel calls only the first needs a signature.
    private mutating func writeAnswer(
        _ index: Int, _ content: inout OpenContent, _ json: inout JSONWriter
    ) throws(Failure) {
        var callCount = 0
        for (place, part) in request.parts(of: request.messages[index]).enumerated() {
            switch part.content {
            case .text(let text), .refusal(let text): content.text(text, &json)
            case .reasoning:
                // Gemini needs no thoughts back, only the signatures of its calls.
                drop(.reasoningHistory)
            case .toolCall(let call):
                write(call, isFirst: callCount == 0, &json)
                callCount += 1
                content.countPart()
            case .image, .audio, .file:
                try writeMedia(part.content, message: index, part: place, &json)
                content.countPart()
            case .foreign(.gemini, let value):
                json.value(value)
                content.countPart()
            case .foreign:
                throw Self.failure(
                    .unsupportedParameter, "This model has no word for this kind of content.",
                    message: index, part: place)
            }
        }
    }

    private func write(_ call: ToolCall, isFirst: Bool, _ json: inout JSONWriter) {
        json.beginObject()
        json.beginObject(GeminiWire.functionCall)
        if capabilities.takesCallIDs, !call.id.isEmpty { json.field(GeminiWire.id, call.id) }
        json.field(GeminiWire.name, call.name)
        json.key(GeminiWire.args)
        write(call.arguments, &json)
        json.endObject()
        let remembered = context.signatures?.signature(ofCall: call.id, model: context.model)
        if let signature = call.signature ?? remembered {
            json.field(GeminiWire.thoughtSignature, signature)
        } else if isFirst, capabilities.requiresSignatures {
            json.field(GeminiWire.thoughtSignature, GeminiWire.signatureSentinel)
        }
        json.endObject()
    }

    /// Arguments must be an object; what a model wrote otherwise is told as it is.
    private func write(_ arguments: ToolCall.Arguments, _ json: inout JSONWriter) {
        switch arguments {
        case .value(let value):
            if value.kind == .object { return json.value(value) }
            json.beginObject()
            json.field(GeminiWire.input, value)
            json.endObject()
        case .text(let text):
            if isObject(text) { return json.raw(text) }
            json.beginObject()
            if !text.isEmpty { json.field(GeminiWire.input, text) }
            json.endObject()
        }
    }

    private func isObject(_ text: ByteSlice) -> Bool {
        guard text.firstIndex(of: ASCII.openBrace) != nil,
            let tree = try? context.arena.read(text)
        else { return false }
        return tree.root.kind == .object
    }

    private func note(callsOf message: Message, _ calls: inout [GeminiKey: PlacedCall]) {
        for place in message.parts {
            guard case .toolCall(let call) = request.parts[place].content else { continue }
            calls[GeminiKey(call.id)] = PlacedCall(name: call.name, place: place)
        }
    }

    /// Writes consecutive results into one content, in the order of their calls; answers where they
    /// end. Words of the user behind them join it: roles must alternate.
    private mutating func writeResults(
        from start: Int, _ calls: [GeminiKey: PlacedCall], _ content: inout OpenContent,
        _ json: inout JSONWriter
    ) throws(Failure) -> Int {
        var results: [PlacedResult] = []
        var end = start
        while end < request.messages.count, let result = request.messages[end].result {
            let call = calls[GeminiKey(result.callID)]
            guard let name = result.name ?? call?.name else {
                throw Failure(
                    .invalidParameter, "No earlier message holds the tool call that this answers.",
                    parameter: "messages[\(end)].tool_call_id")
            }
            results.append(PlacedResult(message: end, name: name, place: call?.place ?? .max))
            end += 1
        }
        // A message of this role without a result is the door's mistake; it must not stop us.
        guard end > start else { return start + 1 }
        results.sort { ($0.place, $0.message) < ($1.place, $1.message) }
        content.begin(.user, &json)
        for result in results {
            try write(result, &json)
            content.countPart()
        }
        for result in results {
            for (place, part) in request.parts(of: request.messages[result.message]).enumerated() {
                guard !part.content.isText else { continue }
                try writeMedia(part.content, message: result.message, part: place, &json)
                content.countPart()
            }
        }
        return end
    }

    private func write(_ placed: PlacedResult, _ json: inout JSONWriter) throws(Failure) {
        let message = request.messages[placed.message]
        json.beginObject()
        json.beginObject(GeminiWire.functionResponse)
        if let result = message.result, capabilities.takesCallIDs, !result.callID.isEmpty {
            json.field(GeminiWire.id, result.callID)
        }
        json.field(GeminiWire.name, placed.name)
        json.key(GeminiWire.response)
        write(resultOf: message, &json)
        json.endObject()
        json.endObject()
    }

    /// A result must be an object: one that is passes as it is, anything else is wrapped.
    private func write(resultOf message: Message, _ json: inout JSONWriter) {
        let parts = request.parts(of: message)
        let texts = parts.lazy.compactMap(\.content.text)
        let isError = message.result?.isError == true
        if !isError, parts.count == 1, let text = texts.first, isObject(text) {
            return json.raw(text)
        }
        json.beginObject()
        json.key(isError ? GeminiWire.error : GeminiWire.output)
        json.string { buffer in
            for (index, text) in texts.enumerated() {
                if index > 0 { buffer.append("\\n" as StaticString) }
                buffer.append(jsonEscaping: text)
            }
        }
        json.endObject()
    }
}

extension ContentPart.Content {
    fileprivate var text: ByteSlice? {
        switch self {
        case .text(let text), .refusal(let text): text
        default: nil
        }
    }

    fileprivate var isText: Bool { text != nil }
}
