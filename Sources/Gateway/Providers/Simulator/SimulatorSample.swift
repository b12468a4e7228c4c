// SimulatorSample.swift — a small JSON value that fits a JSON schema, for tool arguments and for
// answers in a given format. Bounded in depth and size, since the schema is the client's.

import GatewayCodec
import ReactorCore

/// Writes samples for the schemas under one root (`$ref` is looked up there).
struct SimulatorSample {
    static let depthMax = 8
    /// Values in one sample; what lies beyond is null.
    static let valuesMax = 256

    private let root: JSONValue
    private var valuesLeft = Self.valuesMax

    init(root: JSONValue) { self.root = root }

    /// Writes a value that fits `root`.
    mutating func write(into json: inout JSONWriter) { write(root, depth: 0, into: &json) }

    private mutating func write(_ schema: JSONValue, depth: Int, into json: inout JSONWriter) {
        guard depth < Self.depthMax, valuesLeft > 0 else {
            json.null()
            return
        }
        valuesLeft -= 1
        if let given = schema["const"] ?? schema["enum"]?.elements.first(where: { _ in true }) {
            writeScalar(given, into: &json)
        } else if let name = schema["$ref"]?.string {
            write(definition(name) ?? schema, depth: depth + 1, into: &json)
        } else if let first = alternative(of: schema) {
            write(first, depth: depth + 1, into: &json)
        } else {
            writeTyped(schema, depth: depth, into: &json)
        }
    }

    private mutating func writeTyped(
        _ schema: JSONValue, depth: Int, into json: inout JSONWriter
    ) {
        let type =
            schema["type"]?.string ?? schema["type"]?.elements.lazy.compactMap(\.string).first
        let named = type ?? ByteSlice(schema["properties"] == nil ? "string" : "object")
        if named == "object" {
            json.beginObject()
            if let properties = schema["properties"] {
                for (name, property) in properties.members where valuesLeft > 0 {
                    json.key(name)
                    write(property, depth: depth + 1, into: &json)
                }
            }
            json.endObject()
        } else if named == "array" {
            json.beginArray()
            if let items = schema["items"] { write(items, depth: depth + 1, into: &json) }
            json.endArray()
        } else if named == "integer" {
            json.value(schema["minimum"]?.int ?? 1)
        } else if named == "number" {
            json.value(schema["minimum"]?.double ?? 1.5)
        } else if named == "boolean" {
            json.value(true)
        } else if named == "null" {
            json.null()
        } else {
            json.value("sample" as StaticString)
        }
    }

    private func writeScalar(_ value: JSONValue, into json: inout JSONWriter) {
        if let text = value.string {
            json.value(text)
        } else if let number = value.int {
            json.value(number)
        } else if let number = value.double {
            json.value(number)
        } else if let flag = value.bool {
            json.value(flag)
        } else {
            json.null()
        }
    }

    private func alternative(of schema: JSONValue) -> JSONValue? {
        let list = schema["anyOf"] ?? schema["oneOf"] ?? schema["allOf"]
        return list?.elements.first { _ in true }
    }

    private func definition(_ reference: ByteSlice) -> JSONValue? {
        for (prefix, name) in [("#/$defs/", "$defs"), ("#/definitions/", "definitions")]
            as [(StaticString, StaticString)] where reference.hasPrefix(prefix)
        {
            return root[name]?.member(reference.dropFirst(prefix.utf8CodeUnitCount))
        }
        return nil
    }
}
