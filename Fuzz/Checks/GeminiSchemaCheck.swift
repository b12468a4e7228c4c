// GeminiSchemaCheck.swift — what must hold of schemas that are rewritten for Gemini, for any JSON.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayProviders
import ReactorCore

/// Checks of the converter; each answers what is wrong, or nil.
package enum GeminiSchemaCheck {
    /// Any JSON becomes a schema of the subset, and none grows without bound.
    package static func run(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { raw in
            let arena = JSONArena()
            guard let tree = try? arena.read(ByteSlice(raw)) else { return nil }
            var buffer = ByteBuffer()
            buffer.writeJSON { _ = GeminiSchema.write(tree.root, &$0) }
            // Texts are bounded, escaped six times as long at most; so is the rest of a schema.
            let most = GeminiSchema.textBytesMax * 7 + GeminiSchema.workMax
            if buffer.count > most { return "\(buffer.count) bytes" }
            guard let written = try? JSONArena().read(buffer.slice) else {
                return "no JSON: \(buffer.string)"
            }
            return complaint(of: written.root)
        }
    }

    private static let types: [StaticString] = [
        "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL",
    ]
    private static let keywords: [StaticString] = [
        "type", "format", "title", "description", "nullable", "enum", "items", "minItems",
        "maxItems", "properties", "required", "minProperties", "maxProperties",
        "propertyOrdering", "minimum", "maximum", "minLength", "maxLength", "pattern", "example",
        "anyOf", "default",
    ]

    /// What a written schema holds that the subset does not allow.
    package static func complaint(of schema: JSONValue) -> String? {
        guard schema.kind == .object else { return "a schema that is no object" }
        for (name, _) in schema.members where !keywords.contains(where: { name == $0 }) {
            return "keyword \(name.string)"
        }
        if let options = schema["anyOf"] {
            if schema.count != 1 || options.count == 0 { return "alternatives and more, or none" }
            for option in options.elements {
                if let complaint = complaint(of: option) { return complaint }
            }
            return nil
        }
        guard let type = schema["type"]?.string, types.contains(where: { type == $0 }) else {
            return "no type"
        }
        if let values = schema["enum"] {
            let isPlain = values.elements.allSatisfy { $0.string?.isEmpty == false }
            if values.count == 0 || !isPlain || !(type == "STRING") { return "enum" }
        }
        if type == "ARRAY" {
            guard let items = schema["items"] else { return "no items" }
            if let complaint = complaint(of: items) { return complaint }
        }
        for (_, property) in schema["properties"]?.members ?? schema.members
        where schema["properties"] != nil {
            if let complaint = complaint(of: property) { return complaint }
        }
        if let required = schema["required"] {
            for name in required.elements {
                guard let text = name.string, schema["properties"]?.member(text) != nil else {
                    return "required, but no property"
                }
            }
        }
        return nil
    }
}
