// ConfigurationReferenceSchema.swift — the schema as a JSON Schema (draft 2020-12), so that editors complete
// and check a configuration while it is written. Pure; a test holds the committed file to it.

import GatewayCodec
import ReactorCore

/// The schema of all keys for other programs.
package enum ConfigurationReferenceSchema {
    package static func text() -> String {
        var members: [(String, SchemaNode)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
            ("title", .text("Configuration of gateway")),
        ]
        members += section(ConfigurationSchema.root.properties)
        members.append(
            (
                "$defs",
                .object([
                    (
                        "variable",
                        .object([
                            ("type", .text("string")), ("pattern", .text("\\$\\{")),
                            (
                                "description",
                                .text("A value that an environment variable gives: ${NAME}.")
                            ),
                        ])
                    )
                ])
            ))
        var text = ""
        SchemaNode.object(members).append(to: &text, indent: 0)
        return text + "\n"
    }

    /// The members of an object's schema.
    private static func section(
        _ properties: [Property], tag: (name: String, value: String)? = nil
    ) -> [(String, SchemaNode)] {
        var all = properties.map { ($0.name, schema(of: $0)) }
        var required = properties.filter(\.isRequired).map { SchemaNode.text($0.name) }
        if let tag {
            all.insert((tag.name, .object([("const", .text(tag.value))])), at: 0)
            required.insert(.text(tag.name), at: 0)
        }
        var members: [(String, SchemaNode)] = [
            ("type", .text("object")), ("additionalProperties", .bool(false)),
            ("properties", .object(all)),
        ]
        if !required.isEmpty { members.append(("required", .list(required))) }
        return members
    }

    private static func schema(of property: Property) -> SchemaNode {
        var members = schema(of: property.shape)
        members.append(("description", .text(property.about)))
        if let value = property.defaultValue.scalar, !value.isEmpty, value != "***" {
            members.append(("default", .text(value)))
        }
        return .object(members)
    }

    private static func either(_ shapes: [[(String, SchemaNode)]]) -> [(String, SchemaNode)] {
        [("anyOf", .list(shapes.map { .object($0) }))]
    }

    private static var variable: [(String, SchemaNode)] { [("$ref", .text("#/$defs/variable"))] }

    private static func text(matching pattern: String) -> [(String, SchemaNode)] {
        [("type", .text("string")), ("pattern", .text(pattern))]
    }

    private static func number(
        _ type: String, _ low: SchemaNode, _ high: SchemaNode
    ) -> [(String, SchemaNode)] {
        [("type", .text(type)), ("minimum", low), ("maximum", high)]
    }

    private static func schema(of shape: Shape) -> [(String, SchemaNode)] {
        switch shape {
        // YAML reads an unquoted 123 as a number; here it is text all the same.
        case .text, .secret: return [("type", .list([.text("string"), .text("number")]))]
        case .boolean: return either([[("type", .text("boolean"))], variable])
        case .integer(let range):
            return either([
                number("integer", .integer(range.lowerBound), .integer(range.upperBound)), variable,
            ])
        case .number(let range):
            return either([
                number("number", .number(range.lowerBound), .number(range.upperBound)), variable,
            ])
        case .duration:
            return either([
                text(matching: "^([0-9]+(h|m|s|ms|us))+$"),
                [("enum", .list([.integer(0), .text("0")]))],
                variable,
            ])
        case .size(let range):
            return either([
                number("integer", .integer(range.lowerBound), .integer(range.upperBound)),
                text(matching: "^[0-9]+(GiB|MiB|KiB|GB|MB|KB|kB|B)?$"), variable,
            ])
        case .choice(let words):
            // `off` and `false` are truth values to most readers of YAML.
            var values = words.map { SchemaNode.text($0) }
            if words.contains("false") || words.contains("off") { values.append(.bool(false)) }
            return either([[("enum", .list(values))], variable])
        case .word(let word, let other):
            return either([[("const", .text(word))], schema(of: other)])
        case .list(let element):
            return [
                ("type", .list([.text("array"), .text("null")])),
                ("items", .object(schema(of: element))),
            ]
        case .section(let properties): return section(properties)
        case .table(_, let element):
            return [
                ("type", .list([.text("object"), .text("null")])),
                ("additionalProperties", .object(schema(of: element))),
            ]
        case .variants(let tag, let variants, _):
            return [
                ("type", .text("object")), ("required", .list([.text(tag)])),
                (
                    "oneOf",
                    .list(
                        variants.map { variant in
                            var members = section(variant.properties, tag: (tag, variant.name))
                            members.append(("description", .text(variant.about)))
                            return .object(members)
                        })
                ),
            ]
        case .notYet: return [("not", .object([]))]
        }
    }
}

/// JSON with its members in order, indented.
private indirect enum SchemaNode {
    case object([(String, SchemaNode)])
    case list([SchemaNode])
    case text(String)
    case integer(Int)
    case number(Double)
    case bool(Bool)

    func append(to out: inout String, indent: Int) {
        let margin = String(repeating: " ", count: indent + 2)
        let end = "\n" + String(repeating: " ", count: indent)
        switch self {
        case .text(let text): out += Self.quoted(text)
        case .integer(let value): out += "\(value)"
        case .number(let value): out += numberText(value)
        case .bool(let value): out += value ? "true" : "false"
        case .list(let nodes) where nodes.allSatisfy(\.isScalar):
            out += "["
            for (index, node) in nodes.enumerated() {
                if index > 0 { out += ", " }
                node.append(to: &out, indent: 0)
            }
            out += "]"
        case .list(let nodes):
            out += "["
            for (index, node) in nodes.enumerated() {
                out += (index > 0 ? ",\n" : "\n") + margin
                node.append(to: &out, indent: indent + 2)
            }
            out += end + "]"
        case .object(let members) where members.isEmpty: out += "{}"
        case .object(let members):
            out += "{"
            for (index, member) in members.enumerated() {
                out += (index > 0 ? ",\n" : "\n") + margin + Self.quoted(member.0) + ": "
                member.1.append(to: &out, indent: indent + 2)
            }
            out += end + "}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .object, .list: false
        case .text, .integer, .number, .bool: true
        }
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        text.withByteSlice { buffer.append(jsonString: $0) }
        return buffer.string
    }
}
