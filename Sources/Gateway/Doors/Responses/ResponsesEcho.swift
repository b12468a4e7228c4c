// ResponsesEcho.swift — what an answer repeats of its request, kept when the request is gone.
// Pure; owns its bytes. Made by Exchange when it decodes a request, read by the encoders and, for
// the conversation, by the store.

import GatewayCodec
import GatewayWire
import ReactorCore

/// The request's part in its response.
package struct ResponsesEcho: Sendable {
    /// Members of a response object, comma-separated JSON.
    package let members: [UInt8]
    /// Whether thoughts are to come with the proof that lets them be replayed.
    package let wantsEncryptedReasoning: Bool
    /// Whether the exchange is to be kept for `previous_response_id`.
    package let isStored: Bool
    /// The request's own input items, comma-separated JSON; empty unless it is stored.
    package let items: [UInt8]
    package let previousResponseID: [UInt8]?

    /// - Parameters:
    ///   - root: a request that the decoder took.
    ///   - recalled: as for the decoder.
    ///   - storeIsOn: whether exchanges are kept at all.
    package init(_ root: JSONValue, recalled: JSONValue? = nil, storeIsOn: Bool = false) {
        typealias Wire = ResponsesWire
        let isStored = storeIsOn && root[Wire.store]?.bool != false
        self.isStored = isStored
        wantsEncryptedReasoning = Self.includes(root, Wire.includeEncrypted)
        previousResponseID = root[Wire.previousResponseID]?.string.map { Array($0.raw) }
        var buffer = ByteBuffer()
        buffer.writeJSON { Self.writeMembers(of: root, isStored: isStored, &$0) }
        members = buffer.array
        buffer.removeAll()
        if isStored { buffer.writeJSON { Self.writeItems(of: root, recalled, &$0) } }
        items = buffer.array
    }

    /// Whether the request asks for something that is not told by itself.
    static func includes(_ root: JSONValue, _ what: StaticString) -> Bool {
        root[ResponsesWire.include]?.elements.contains { $0.string.map { $0 == what } ?? false }
            ?? false
    }

    private static func writeMembers(
        of root: JSONValue, isStored: Bool, _ json: inout JSONWriter
    ) {
        typealias Wire = ResponsesWire
        func repeated(_ name: StaticString, _ json: inout JSONWriter) {
            if let value = root[name] { json.field(name, value) } else { json.null(name) }
        }
        json.field(Wire.background, false)
        repeated(Wire.instructions, &json)
        repeated(Wire.maxOutputTokens, &json)
        repeated(Wire.maxToolCalls, &json)
        if let value = root[Wire.metadata], value.kind == .object {
            json.field(Wire.metadata, value)
        } else {
            json.beginObject(Wire.metadata)
            json.endObject()
        }
        json.field(Wire.parallelToolCalls, root[Wire.parallelToolCalls]?.bool ?? true)
        repeated(Wire.previousResponseID, &json)
        repeated(Wire.promptCacheKey, &json)
        json.beginObject(Wire.reasoning)
        for name in [Wire.effort, Wire.summary] {
            if let value = root[Wire.reasoning]?[name] {
                json.field(name, value)
            } else {
                json.null(name)
            }
        }
        json.endObject()
        repeated(Wire.safetyIdentifier, &json)
        json.field(Wire.store, isStored)
        repeated(Wire.temperature, &json)
        writeText(of: root, &json)
        writeTools(of: root, &json)
        json.field(Wire.topLogprobs, root[Wire.topLogprobs]?.int ?? 0)
        repeated(Wire.topP, &json)
        json.field(Wire.truncation, Wire.disabled)
        repeated(Wire.user, &json)
    }

    private static func writeText(of root: JSONValue, _ json: inout JSONWriter) {
        typealias Wire = ResponsesWire
        json.beginObject(Wire.text)
        if let format = root[Wire.text]?[Wire.format], !format.isNull {
            json.field(Wire.format, format)
        } else {
            json.beginObject(Wire.format)
            json.field(Wire.type, Wire.text)
            json.endObject()
        }
        if let verbosity = root[Wire.text]?[Wire.verbosity], !verbosity.isNull {
            json.field(Wire.verbosity, verbosity)
        }
        json.endObject()
    }

    private static func writeTools(of root: JSONValue, _ json: inout JSONWriter) {
        typealias Wire = ResponsesWire
        if let choice = root[Wire.toolChoice], !choice.isNull {
            json.field(Wire.toolChoice, choice)
        } else {
            json.field(Wire.toolChoice, Wire.auto)
        }
        json.beginArray(Wire.tools)
        if let tools = root[Wire.tools] {
            for tool in tools.elements { write(tool: tool, &json) }
        }
        json.endArray()
    }

    private static func write(tool: JSONValue, _ json: inout JSONWriter) {
        typealias Wire = ResponsesWire
        guard tool[Wire.type]?.string.map({ $0 == Wire.function }) ?? false else {
            return json.value(tool)
        }
        // Strict clients want the members that a request may leave out.
        json.beginObject()
        for (name, value) in tool.members {
            json.key(name)
            json.value(value)
        }
        for name in [Wire.description, Wire.parameters, Wire.strict] where tool[name] == nil {
            json.null(name)
        }
        json.endObject()
    }

    /// The id of the item that `item` only refers to; nil where it is one itself. The SDKs leave
    /// the type of a reference out.
    static func reference(_ item: JSONValue) -> ByteSlice? {
        typealias Wire = ResponsesWire
        guard let type = item[Wire.type], !type.isNull else {
            return item[Wire.role] == nil ? item[Wire.id]?.string : nil
        }
        let isReference = type.string.map { $0 == Wire.Item.reference } ?? false
        return isReference ? item[Wire.id]?.string : nil
    }

    private static func writeItems(
        of root: JSONValue, _ recalled: JSONValue?, _ json: inout JSONWriter
    ) {
        typealias Wire = ResponsesWire
        guard let input = root[Wire.input] else { return }
        if let text = input.string {
            json.beginObject()
            json.field(Wire.type, Wire.Item.message)
            json.field(Wire.role, Wire.Role.user)
            json.field(Wire.content, text)
            json.endObject()
        }
        for item in input.elements {
            if let id = reference(item),
                let found = recalled?[ResponseStore.references]?.member(id)
            {
                json.value(found)
            } else {
                json.value(item)
            }
        }
    }
}
