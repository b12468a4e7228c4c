// ScannedTools.swift — whether the tools of a body that is passed on as it is are plainly in order.
// Pure; borrows the body and builds no tree. What is not plain need not be wrong: ToolDefinitionCheck
// says so, in the caller's words. Imported by Exchange.

import GatewayCodec
import GatewayWire
import ReactorCore

/// A look at an array of definitions.
package struct ScannedTools {
    /// Of the names so far.
    private var hashes: [UInt64] = []
    private let door: AnswerDoor
    private let bytes: ByteSlice

    /// - Parameter tools: an array that has been validated.
    package static func arePlain(_ tools: ByteSlice, at door: AnswerDoor) -> Bool {
        var scan = ScannedTools(door: door, bytes: tools)
        do throws(JSONFailure) { return try scan.read() } catch { return false }
    }

    private init(door: AnswerDoor, bytes: ByteSlice) {
        self.door = door
        self.bytes = bytes
    }

    /// By place: what kind it is, its name, its schema, and the object that chat has them in.
    private static let chatNames = JSONNames(
        ChatWire.type, ChatWire.name, ChatWire.parameters, ChatWire.function)
    private static let messagesNames = JSONNames(
        MessagesWire.type, MessagesWire.name, MessagesWire.inputSchema)
    private static let responsesNames = JSONNames(
        ResponsesWire.type, ResponsesWire.name, ResponsesWire.parameters)
    private static let schemaNames = JSONNames(
        MessagesWire.JSONSchema.type, MessagesWire.JSONSchema.properties,
        MessagesWire.JSONSchema.required)

    private mutating func read() throws(JSONFailure) -> Bool {
        var scanner = JSONScanner(bytes)
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.comesObject, try readTool(&scanner) else { return false }
        }
        hashes.sort()
        return zip(hashes, hashes.dropFirst()).allSatisfy { $0 != $1 }
    }

    private mutating func readTool(_ scanner: inout JSONScanner) throws(JSONFailure) -> Bool {
        let names =
            switch door {
            case .messages: Self.messagesNames
            case .responses: Self.responsesNames
            case .chat, .completions: Self.chatNames
            }
        var type: JSONSpan?
        var name: JSONSpan?
        var isPlain = true
        try scanner.beginObject()
        while let member = try scanner.nextName(in: names) {
            switch member.index {
            case 0: type = try scanner.value()
            case 1: name = try scanner.value()
            case 2: isPlain = try readSchema(&scanner) && isPlain
            default:
                guard scanner.comesObject else { return false }
                try scanner.beginObject()
                while let inner = try scanner.nextName(in: names) {
                    switch inner.index {
                    case 1: name = try scanner.value()
                    case 2: isPlain = try readSchema(&scanner) && isPlain
                    default: try scanner.value()
                    }
                }
            }
        }
        switch judge(type) {
        case .described: break
        case .provided: return true
        case .unclear: return false
        }
        guard isPlain, let name, name.kind == .string, !name.hasEscapes else { return false }
        return take(bytes[name.inside])
    }

    private enum Kind {
        /// The client describes it: it is looked at.
        case described
        /// The provider knows it.
        case provided
        case unclear
    }

    private func judge(_ type: JSONSpan?) -> Kind {
        guard let type else { return door == .messages ? .described : .unclear }
        guard type.kind == .string, !type.hasEscapes else { return .unclear }
        let word = bytes[type.inside]
        switch door {
        case .messages: return word == MessagesWire.customTool ? .described : .provided
        case .responses:
            return word == ResponsesWire.function || word == ResponsesWire.custom
                ? .described : .provided
        case .chat, .completions:
            return word == ChatWire.function ? .described : .unclear
        }
    }

    private mutating func take(_ name: ByteSlice) -> Bool {
        // FNV-1a.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<name.count {
            let byte = name[index]
            guard
                ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: "-")
            else { return false }
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        hashes.append(hash)
        return !name.isEmpty
    }

    private func readSchema(_ scanner: inout JSONScanner) throws(JSONFailure) -> Bool {
        guard scanner.comesObject else { return try scanner.value().kind == .null }
        var isPlain = true
        try scanner.beginObject()
        while let member = try scanner.nextName(in: Self.schemaNames) {
            switch member.index {
            case 0:
                let type = try scanner.value()
                isPlain =
                    isPlain && type.kind == .string
                    && scanner.bytes(type.inside) == MessagesWire.JSONSchema.object
            case 1:
                guard scanner.comesObject else {
                    if try scanner.value().kind != .null { isPlain = false }
                    continue
                }
                try scanner.beginObject()
                while let property = try scanner.nextMember() {
                    switch property.value.kind {
                    case .object, .true, .false: break
                    default: isPlain = false
                    }
                }
            default:
                guard scanner.comesArray else {
                    if try scanner.value().kind != .null { isPlain = false }
                    continue
                }
                try scanner.beginArray()
                while try scanner.nextElement() {
                    if try scanner.value().kind != .string { isPlain = false }
                }
            }
        }
        return isPlain
    }
}
