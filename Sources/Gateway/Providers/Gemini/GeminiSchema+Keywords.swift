// GeminiSchema+Keywords.swift — the type of a rewritten schema and the keywords that go with it.
// Pure. Aspect of GeminiSchema: what is written of one schema, once it is clear what it amounts to.

import GatewayCodec
import GatewayWire
import ReactorCore

extension GeminiSchema {
    func kinds(of layers: inout Layers, hasProperties: Bool) -> [Kind] {
        var kinds: [Kind] = []
        if let type = layers[Wire.type] {
            if let text = type.string, let kind = Kind(text) { kinds = [kind] }
            // No more than there are kinds.
            for element in type.elements.prefix(Kind.allCases.count) {
                guard let kind = element.string.flatMap(Kind.init) else { continue }
                if kind == .null {
                    layers.isNullable = true
                } else if !kinds.contains(kind) {
                    kinds.append(kind)
                }
            }
            if kinds.isEmpty, type.kind == .array, layers.isNullable { kinds = [.null] }
        }
        if let values = enumeration(layers) {
            if values.contains(where: \.isNull) { layers.isNullable = true }
            // Values may be strings only.
            if values.contains(where: { $0.kind == .string || $0.kind == .number }) {
                return [.string]
            }
            if values.contains(where: { $0.kind == .bool }) { return [.boolean] }
        }
        return kinds.isEmpty ? [inferred(layers, hasProperties)] : kinds
    }

    private func inferred(_ layers: Layers, _ hasProperties: Bool) -> Kind {
        if hasProperties || layers.isCut || layers[Wire.properties] != nil { return .object }
        if layers[Wire.items] != nil || layers[Wire.prefixItems] != nil { return .array }
        let numbers = [
            Wire.minimum, Wire.maximum, Wire.exclusiveMinimum, Wire.exclusiveMaximum,
        ]
        return numbers.contains { layers[$0] != nil } ? .number : .string
    }

    /// The values of `enum` or `const`.
    private func enumeration(_ layers: Layers) -> [JSONValue]? {
        if let values = layers[Wire.enumeration], values.kind == .array {
            return Array(values.elements.prefix(Self.nodeCountMax))
        }
        return layers[Wire.const].map { [$0] }
    }

    mutating func writeBody(
        _ layers: Layers, _ kind: Kind, depth: Int, _ json: inout JSONWriter
    ) {
        json.field(Wire.type, kind.name)
        if layers.isNullable || layers[Wire.nullable]?.bool == true {
            json.field(Wire.nullable, true)
        }
        for name in [Wire.title, Wire.description] { writeText(name, layers[name], &json) }
        switch kind {
        case .string: writeString(layers, &json)
        case .number, .integer:
            writeFormat(layers, Wire.numberFormats, &json)
            writeNumber(Wire.minimum, layers[Wire.minimum] ?? layers[Wire.exclusiveMinimum], &json)
            writeNumber(Wire.maximum, layers[Wire.maximum] ?? layers[Wire.exclusiveMaximum], &json)
            writeNumber(Wire.default, layers[Wire.default], &json)
            writeNumber(Wire.example, layers[Wire.example], &json)
        case .boolean:
            if let value = layers[Wire.default]?.bool { json.field(Wire.default, value) }
        case .array:
            writeItems(layers, depth: depth, &json)
            writeCount(Wire.minItems, layers, &json)
            writeCount(Wire.maxItems, layers, &json)
        case .object: writeObject(layers, depth: depth, &json)
        case .null: break
        }
    }

    private mutating func writeString(_ layers: Layers, _ json: inout JSONWriter) {
        if let values = enumeration(layers) { writeEnumeration(values, &json) }
        writeFormat(layers, Wire.stringFormats, &json)
        writeCount(Wire.minLength, layers, &json)
        writeCount(Wire.maxLength, layers, &json)
        for name in [Wire.pattern, Wire.default, Wire.example] {
            writeText(name, layers[name], &json)
        }
    }

    private mutating func writeEnumeration(_ values: [JSONValue], _ json: inout JSONWriter) {
        // An empty list, and an empty value, is refused.
        guard values.contains(where: { $0.kind == .number || $0.string?.isEmpty == false }) else {
            return
        }
        json.beginArray(Wire.enumeration)
        for value in values where !isOver {
            if let text = value.string, !text.isEmpty {
                if charge(text) { json.value(text) }
            } else if value.kind == .number {
                spend(1)
                json.string { buffer in
                    if let int = value.int {
                        buffer.append(decimal: int)
                    } else {
                        buffer.append(json: value.double ?? 0)
                    }
                }
            }
        }
        json.endArray()
    }

    private mutating func writeItems(_ layers: Layers, depth: Int, _ json: inout JSONWriter) {
        json.key(Wire.items)
        guard let items = layers[Wire.prefixItems] ?? layers[Wire.items] else {
            json.beginObject()
            json.field(Wire.type, Wire.string)
            json.endObject()
            return
        }
        // The places of a tuple become alternatives.
        guard items.kind == .array, items.count != 1 else {
            let single = items.kind == .array ? Self.step(items, ByteSlice("0")) ?? items : items
            write(single, isNullable: false, depth: depth + 1, &json)
            return
        }
        json.beginObject()
        if items.count == 0 {
            json.field(Wire.type, Wire.string)
        } else {
            json.beginArray(Wire.anyOf)
            for item in items.elements.prefix(Self.alternativeCountMax) where !isOver {
                write(item, isNullable: false, depth: depth + 1, &json)
            }
            json.endArray()
        }
        json.endObject()
    }

    private mutating func writeObject(_ layers: Layers, depth: Int, _ json: inout JSONWriter) {
        var names: Set<GeminiKey> = []
        for object in layers.objects {
            guard let properties = object[Wire.properties] else { continue }
            for (name, schema) in properties.members {
                if isOver { break }
                spend(1)
                guard charge(name), names.insert(GeminiKey(name)).inserted else { continue }
                if names.count == 1 { json.beginObject(Wire.properties) }
                json.key(name)
                write(schema, isNullable: false, depth: depth + 1, &json)
            }
        }
        if !names.isEmpty { json.endObject() }
        writeNames(Wire.required, layers, among: names, &json)
        writeNames(Wire.propertyOrdering, layers, among: names, &json)
        writeCount(Wire.minProperties, layers, &json)
        writeCount(Wire.maxProperties, layers, &json)
    }

    /// A list of names, without those that are no property: they would be refused.
    private mutating func writeNames(
        _ keyword: StaticString, _ layers: Layers, among names: Set<GeminiKey>,
        _ json: inout JSONWriter
    ) {
        var rest = names
        for object in layers.objects {
            guard let list = object[keyword] else { continue }
            for element in list.elements {
                if isOver { break }
                spend(1)
                guard let name = element.string, rest.remove(GeminiKey(name)) != nil else {
                    continue
                }
                if rest.count == names.count - 1 { json.beginArray(keyword) }
                json.value(name)
            }
        }
        if rest.count < names.count { json.endArray() }
    }

    private func writeFormat(
        _ layers: Layers, _ known: [StaticString], _ json: inout JSONWriter
    ) {
        guard let format = layers[Wire.format]?.string, known.contains(where: { format == $0 })
        else { return }
        json.field(Wire.format, format)
    }

    private func writeNumber(
        _ name: StaticString, _ value: JSONValue?, _ json: inout JSONWriter
    ) {
        if let value, value.kind == .number { json.field(name, value) }
    }

    private func writeCount(_ name: StaticString, _ layers: Layers, _ json: inout JSONWriter) {
        if let count = layers[name]?.int, count >= 0 { json.field(name, count) }
    }

    private mutating func writeText(
        _ name: StaticString, _ value: JSONValue?, _ json: inout JSONWriter
    ) {
        if let text = value?.string, charge(text) { json.field(name, text) }
    }

    /// Counts the bytes of a text that is to be written; false where there is no room.
    private mutating func charge(_ text: ByteSlice) -> Bool {
        textBytes += text.count
        if textBytes > Self.textBytesMax { isOver = true }
        return !isOver
    }
}
