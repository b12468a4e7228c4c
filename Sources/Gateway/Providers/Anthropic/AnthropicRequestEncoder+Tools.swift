// AnthropicRequestEncoder+Tools.swift — tools on offer, the choice among them, ids and arguments.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension AnthropicRequestWriter {
    func writeTools(_ json: inout JSONWriter) {
        let offered = request.tools.filter { AnthropicRequestPlan.offers($0, request) }
        var answerSchema: JSONValue?
        if case .tool(let schema) = plan.output { answerSchema = schema }
        guard !offered.isEmpty || plan.needsStubs || answerSchema != nil else { return }
        json.beginArray(MessagesWire.tools)
        for tool in offered { write(tool, &json) }
        if plan.needsStubs { writeStubs(&json) }
        if let answerSchema {
            json.beginObject()
            json.field(MessagesWire.name, AnthropicRequestPlan.answerTool)
            json.field(MessagesWire.description, "Gives the answer in the form that is asked for.")
            json.key(MessagesWire.inputSchema)
            writeSchema(answerSchema, &json)
            json.endObject()
        }
        json.endArray()
        writeChoice(&json)
    }

    private func writeChoice(_ json: inout JSONWriter) {
        typealias Word = MessagesWire.Choice
        if case .unsaid = plan.choice { return }
        json.beginObject(MessagesWire.toolChoice)
        switch plan.choice {
        case .unsaid: break
        case .auto: json.field(MessagesWire.type, Word.auto)
        case .any: json.field(MessagesWire.type, Word.any)
        case .none: json.field(MessagesWire.type, Word.none)
        case .tool(let name):
            json.field(MessagesWire.type, Word.tool)
            json.field(MessagesWire.name, name)
        }
        if case .none = plan.choice {
            json.endObject()
            return
        }
        if plan.forbidsParallelCalls { json.field(MessagesWire.disableParallelToolUse, true) }
        json.endObject()
    }

    private func write(_ tool: ToolDefinition, _ json: inout JSONWriter) {
        let parameters: JSONValue?
        switch tool.kind {
        case .function(let schema): parameters = schema
        case .foreign(_, let value):
            json.value(value)
            return
        case .custom:
            preconditionFailure("a custom tool is refused before anything is written")
        }
        json.beginObject()
        json.field(MessagesWire.name, tool.name)
        if let description = tool.description { json.field(MessagesWire.description, description) }
        json.key(MessagesWire.inputSchema)
        writeSchema(parameters, &json)
        if tool.isStrict == true, plan.capabilities.hasOutputSchema {
            json.field(MessagesWire.strict, true)
        }
        if let mark = tool.cacheControl { json.field(MessagesWire.cacheControl, mark) }
        json.endObject()
    }

    /// A schema must say that it is an object's.
    private func writeSchema(_ schema: JSONValue?, _ json: inout JSONWriter) {
        if let schema, schema.kind == .object, schema[MessagesWire.JSONSchema.type] != nil {
            json.value(schema)
            return
        }
        json.beginObject()
        json.field(MessagesWire.JSONSchema.type, MessagesWire.JSONSchema.object)
        var hasProperties = false
        if let schema {
            for (name, value) in schema.members {
                hasProperties = hasProperties || name == MessagesWire.JSONSchema.properties
                json.key(name)
                json.value(value)
            }
        }
        if !hasProperties {
            json.beginObject(MessagesWire.JSONSchema.properties)
            json.endObject()
        }
        json.endObject()
    }

    /// One tool for each name in the history, without parameters; none may be called.
    private func writeStubs(_ json: inout JSONWriter) {
        var seen: [ByteSlice] = []
        for part in request.parts {
            guard case .toolCall(let call) = part.content,
                !seen.contains(where: { $0 == call.name })
            else { continue }
            seen.append(call.name)
            json.beginObject()
            json.field(MessagesWire.name, call.name)
            json.key(MessagesWire.inputSchema)
            writeSchema(nil, &json)
            json.endObject()
        }
    }

    // MARK: Calls in the history

    /// The arguments of a call as an object: what is none goes under a name of its own.
    func writeInput(_ call: ToolCall, _ json: inout JSONWriter) {
        switch call.arguments {
        case .value(let value):
            if value.kind == .object { return json.value(value) }
            json.beginObject()
            json.field(MessagesWire.rawInput, value)
            json.endObject()
        case .text(let text):
            if call.isCustom {
                json.beginObject()
                json.field(MessagesWire.input, text)
                json.endObject()
            } else if text.isBlank {
                json.beginObject()
                json.endObject()
            } else if (try? JSONScanner.validate(text)) == .object {
                json.raw(text)
            } else {
                json.beginObject()
                json.field(MessagesWire.rawInput, text)
                json.endObject()
            }
        }
    }

    /// A call's id. The dialect takes letters, digits, `_` and `-`; another id becomes one that
    /// depends on nothing but itself, so that call and result still meet.
    func writeID(_ name: StaticString, _ id: ByteSlice, _ json: inout JSONWriter) {
        guard id.isEmpty || !id.isToolID else { return json.field(name, id) }
        json.key(name)
        json.string { buffer in
            for index in 0..<min(id.count, 32) {
                buffer.append(ASCII.isIDByte(id[index]) ? id[index] : UInt8(ascii: "_"))
            }
            buffer.append(UInt8(ascii: "_"))
            // FNV-1a: two ids that differ in such characters only stay two.
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for index in 0..<id.count { hash = (hash ^ UInt64(id[index])) &* 0x100_0000_01b3 }
            buffer.append(hex: Int(hash >> 1))
        }
    }
}

extension ByteSlice {
    fileprivate var isToolID: Bool {
        for index in 0..<count where !ASCII.isIDByte(self[index]) { return false }
        return true
    }
}

extension ASCII {
    fileprivate static func isIDByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
