// FreeTextTools.swift — tools that are called with free text, for providers that only know tools
// called with JSON: each goes out as a function of one string.
// Pure. Used by Exchange before a request is put into a provider's words; FreeTextCalls brings
// their calls back.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The rewriting of one request, in two steps: `document` is written, read as a tree, and then the
/// request takes from the tree what it needs. So whatever it borrows lives in one place.
package enum FreeTextTools {
    /// The function's only parameter.
    package static let input: StaticString = "input"

    private static let schema: StaticString = """
        {"type":"object","properties":{"input":{"type":"string","description":"The whole input, as \
        free text."}},"required":["input"],"additionalProperties":false}
        """
    private static let parameters: StaticString = "parameters"
    private static let descriptions: StaticString = "descriptions"
    private static let calls: StaticString = "calls"

    /// Whether anything in `request` is to be rewritten.
    package static func has(_ request: ModelRequest) -> Bool {
        request.tools.contains { $0.isFreeText }
            || request.parts.contains { $0.freeTextCall != nil }
    }

    /// Writes what the rewritten request will borrow.
    package static func document(for request: ModelRequest, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            json.beginObject()
            json.key(parameters)
            json.raw(ByteSlice(schema))
            json.beginArray(descriptions)
            for tool in request.tools where tool.isFreeText {
                json.string { write(descriptionOf: tool, to: &$0) }
            }
            json.endArray()
            json.beginArray(calls)
            for case .some(let call) in request.parts.map(\.freeTextCall) {
                json.beginObject()
                if case .text(let text) = call.arguments { json.field(input, text) }
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
    }

    /// Rewrites `request`, which then borrows from `document`, too.
    package static func rewrite(_ request: inout ModelRequest, _ document: JSONValue) {
        var texts = document[descriptions]?.elements.makeIterator()
        for index in request.tools.indices where request.tools[index].isFreeText {
            request.tools[index].kind = .function(parameters: document[parameters])
            let text = texts?.next()?.string ?? .empty
            request.tools[index].description = text.isEmpty ? nil : text
        }
        var inputs = document[calls]?.elements.makeIterator()
        for index in request.parts.indices {
            guard var call = request.parts[index].freeTextCall, let value = inputs?.next() else {
                continue
            }
            call.arguments = .value(value)
            call.isCustom = false
            request.parts[index].content = .toolCall(call)
        }
    }

    /// The caller's words, and the form that the text must have: a function has no place for it.
    private static func write(descriptionOf tool: ToolDefinition, to buffer: inout ByteBuffer) {
        buffer.append(jsonEscaping: tool.description ?? .empty)
        guard case .custom(let format?) = tool.kind else { return }
        // The chat dialect has it one level deeper than responses have.
        let grammar = format["grammar"] ?? format
        guard let definition = grammar["definition"]?.string else { return }
        if tool.description?.isEmpty == false { buffer.append("\\n\\n" as StaticString) }
        buffer.append("The input must follow this grammar" as StaticString)
        if let syntax = grammar["syntax"]?.string {
            buffer.append(" (" as StaticString)
            buffer.append(jsonEscaping: syntax)
            buffer.append(")" as StaticString)
        }
        buffer.append(":\\n" as StaticString)
        buffer.append(jsonEscaping: definition)
    }
}

extension ToolDefinition {
    fileprivate var isFreeText: Bool {
        if case .custom = kind { true } else { false }
    }
}

extension ContentPart {
    /// The call of such a tool.
    fileprivate var freeTextCall: ToolCall? {
        if case .toolCall(let call) = content, call.isCustom { call } else { nil }
    }
}
