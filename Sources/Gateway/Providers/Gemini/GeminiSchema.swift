// GeminiSchema.swift — a JSON Schema as the subset of OpenAPI 3.0 that `parameters` and
// `responseSchema` take, for models that do not take JSON Schema itself.
// Pure. Every schema that is written has a type or alternatives, and no other keyword than those of
// the subset. Bounded, for references can make a small schema a huge one (docs/limits.md).

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Rewrites one schema.
package struct GeminiSchema {
    typealias Wire = GeminiSchemaWire

    /// How deep schemas may nest.
    package static let depthMax = 32
    /// How many schemas one may become, references inlined.
    package static let nodeCountMax = 4096
    /// Bytes of texts, and members that are looked at.
    package static let workMax = 4 << 20
    package static let textBytesMax = 256 << 10
    /// Schemas that are merged into one (`allOf`, references), and alternatives of one.
    static let layerCountMax = 64
    static let alternativeCountMax = 128

    enum Kind: CaseIterable {
        case string, number, integer, boolean, array, object, null

        var name: StaticString {
            switch self {
            case .string: Wire.string
            case .number: Wire.number
            case .integer: Wire.integer
            case .boolean: Wire.boolean
            case .array: Wire.array
            case .object: Wire.object
            case .null: Wire.null
            }
        }

        init?(_ text: ByteSlice) {
            let found = Self.allCases.first { kind in
                let name = ByteSlice(kind.name)
                return text.count == name.count
                    && (0..<text.count).allSatisfy {
                        ASCII.lowercased(text[$0]) == ASCII.lowercased(name[$0])
                    }
            }
            guard let found else { return nil }
            self = found
        }
    }

    /// What one schema amounts to: itself, what it refers to, and what it is to satisfy besides.
    struct Layers {
        var objects: [JSONValue] = []
        var alternatives: [JSONValue] = []
        var isNullable = false
        /// References that were followed.
        var referenceCount = 0
        /// Whether a reference leads back to where it came from.
        var isCut = false

        /// The first value of a keyword.
        subscript(name: StaticString) -> JSONValue? {
            for object in objects {
                if let value = object[name] { return value }
            }
            return nil
        }
    }

    private let root: JSONValue
    private var nodeCount = 0
    private var work = 0
    var textBytes = 0
    var isOver = false
    /// References that are being inlined.
    private var active: [ByteSlice] = []

    private init(root: JSONValue) { self.root = root }

    /// Writes `schema`. - Returns: false where it is too large; what was written is JSON anyway.
    package static func write(_ schema: JSONValue, _ json: inout JSONWriter) -> Bool {
        var writer = GeminiSchema(root: schema)
        writer.write(schema, isNullable: false, depth: 0, &json)
        return !writer.isOver
    }

    /// Whether a schema asks for an object without any property; some models refuse those.
    static func isEmptyObject(_ schema: JSONValue) -> Bool {
        (schema[Wire.properties]?.count ?? 0) == 0
            && [Wire.reference, Wire.allOf, Wire.anyOf, Wire.oneOf].allSatisfy { schema[$0] == nil }
    }

    static func tooLarge(parameter: String) -> Failure {
        Failure(
            .invalidParameter, "This schema is too large for the model that is asked.",
            parameter: parameter)
    }

    mutating func spend(_ steps: Int) {
        work += steps
        if work > Self.workMax { isOver = true }
    }

    mutating func write(
        _ schema: JSONValue, isNullable: Bool, depth: Int, _ json: inout JSONWriter
    ) {
        nodeCount += 1
        if depth >= Self.depthMax || nodeCount > Self.nodeCountMax { isOver = true }
        json.beginObject()
        defer { json.endObject() }
        if isOver {
            json.field(Wire.type, Wire.string)
            return
        }
        var layers = Layers()
        layers.isNullable = isNullable
        gather(schema, into: &layers)
        defer { active.removeLast(layers.referenceCount) }
        let hasProperties = layers.objects.contains { ($0[Wire.properties]?.count ?? 0) > 0 }
        if !layers.alternatives.isEmpty, !hasProperties {
            writeAlternatives(layers, depth: depth, &json)
            return
        }
        let kinds = kinds(of: &layers, hasProperties: hasProperties)
        guard kinds.count > 1 else {
            writeBody(layers, kinds.first ?? .string, depth: depth, &json)
            return
        }
        json.beginArray(Wire.anyOf)
        for kind in kinds {
            json.beginObject()
            writeBody(layers, kind, depth: depth, &json)
            json.endObject()
        }
        json.endArray()
    }

    /// Nothing may stand beside alternatives.
    private mutating func writeAlternatives(
        _ layers: Layers, depth: Int, _ json: inout JSONWriter
    ) {
        json.beginArray(Wire.anyOf)
        for alternative in layers.alternatives {
            if isOver { break }
            write(alternative, isNullable: layers.isNullable, depth: depth + 1, &json)
        }
        json.endArray()
    }

    private mutating func gather(_ schema: JSONValue, into layers: inout Layers) {
        guard schema.kind == .object, layers.objects.count < Self.layerCountMax, !isOver else {
            return
        }
        // About as many look-ups as there are keywords, each through all members.
        spend(1 + schema.count * 24 + (schema[Wire.enumeration]?.count ?? 0) * 2)
        layers.objects.append(schema)
        if let reference = schema[Wire.reference]?.string { follow(reference, into: &layers) }
        if let parts = schema[Wire.allOf] {
            for part in parts.elements {
                guard layers.objects.count < Self.layerCountMax, !isOver else { break }
                gather(part, into: &layers)
            }
        }
        guard let options = schema[Wire.anyOf] ?? schema[Wire.oneOf] else { return }
        var others: [JSONValue] = []
        for option in options.elements {
            spend(1 + option.count)
            if others.count == Self.alternativeCountMax || isOver { break }
            if Self.isNull(option) {
                layers.isNullable = true
            } else {
                others.append(option)
            }
        }
        if others.count == 1 {
            gather(others[0], into: &layers)
        } else if layers.alternatives.isEmpty {
            layers.alternatives = others
        }
    }

    private mutating func follow(_ reference: ByteSlice, into layers: inout Layers) {
        if active.contains(where: { $0 == reference }) {
            layers.isCut = true
            return
        }
        guard let target = resolve(reference) else { return }
        active.append(reference)
        layers.referenceCount += 1
        gather(target, into: &layers)
    }

    /// Walks a reference within the document (RFC 6901 behind a `#`).
    private mutating func resolve(_ reference: ByteSlice) -> JSONValue? {
        guard reference.count > 0, reference[0] == UInt8(ascii: "#") else { return nil }
        var rest = reference.dropFirst(1)
        var value = root
        while !rest.isEmpty {
            guard rest[0] == UInt8(ascii: "/") else { return nil }
            rest = rest.dropFirst(1)
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.count
            var name = ByteBuffer()
            Self.unescape(rest.prefix(end), into: &name)
            rest = rest.dropFirst(end)
            spend(1 + value.count)
            guard !isOver, let next = Self.step(value, name.slice) else { return nil }
            value = next
        }
        return value
    }

    static func step(_ value: JSONValue, _ name: ByteSlice) -> JSONValue? {
        guard value.kind == .array else { return value.member(name) }
        guard let index = name.decimalValue, index < value.count else { return nil }
        var elements = value.elements
        for _ in 0..<index { _ = elements.next() }
        return elements.next()
    }

    private static func unescape(_ segment: ByteSlice, into buffer: inout ByteBuffer) {
        var index = 0
        while index < segment.count {
            let byte = segment[index]
            let isEscape = byte == UInt8(ascii: "~") && index + 1 < segment.count
            if isEscape, segment[index + 1] == UInt8(ascii: "0") {
                buffer.append(UInt8(ascii: "~"))
            } else if isEscape, segment[index + 1] == UInt8(ascii: "1") {
                buffer.append(UInt8(ascii: "/"))
            } else {
                buffer.append(byte)
                index += 1
                continue
            }
            index += 2
        }
    }

    private static func isNull(_ schema: JSONValue) -> Bool {
        if let type = schema[Wire.type]?.string { return Kind(type) == .null }
        return schema[Wire.const]?.isNull == true
    }
}
