// ValueKind+Collections.swift — the kinds of values that hold others.

import GatewayCodec

extension ValueKind {
    /// A group of known keys.
    static func section(_ section: Section<Value>) -> ValueKind {
        ValueKind(
            shape: .section(section.properties),
            read: { node, reader in section.read(node, &reader) },
            write: { section.write($0) })
    }

    /// Values in order. An empty place is an empty list.
    static func list<Element>(of element: ValueKind<Element>) -> ValueKind
    where Value == [Element] {
        ValueKind(
            shape: .list(element.shape),
            read: { node, reader in
                if node.isNull { return [] }
                guard case .sequence(let nodes) = node.content else {
                    reader.note(reader.mismatch(node, expecting: "a list"), at: node.mark)
                    return nil
                }
                return nodes.enumerated().compactMap { index, node in
                    reader.inside("[\(index)]") { element.read(node, &$0) }
                }
            },
            write: { .list($0.map(element.write)) })
    }

    /// Values under keys that the operator chooses, in the file's order. `keyName` says what the
    /// keys are, `checkKey` which ones will do. An empty place is an empty table.
    static func table<Element, Entry>(
        _ keyName: String, checkKey: @escaping (String) throws(Refusal) -> String,
        of element: ValueKind<Element>,
        join: @escaping (String, Element) -> Entry,
        split: @escaping (Entry) -> (key: String, value: Element)
    ) -> ValueKind where Value == [Entry] {
        ValueKind(
            shape: .table(key: keyName, element.shape),
            read: { node, reader in
                if node.isNull { return [] }
                guard case .mapping(let entries) = node.content else {
                    reader.note(reader.mismatch(node, expecting: "a mapping"), at: node.mark)
                    return nil
                }
                return entries.compactMap { entry in
                    do throws(Refusal) {
                        let key = try checkKey(entry.key)
                        return reader.inside(key) { element.read(entry.value, &$0) }
                            .map { join(key, $0) }
                    } catch {
                        reader.note("'\(entry.key.prefix(100))' \(error.reason)", at: entry.keyMark)
                        return nil
                    }
                }
            },
            write: { entries in
                .mapping(
                    entries.map(split).map { .init(key: $0.key, value: element.write($0.value)) })
            })
    }

    /// One of several sections, told by the value of the key `tag`. `reserved` values are known
    /// but not implemented.
    static func variants(
        tag: String, _ variants: [SectionVariant<Value>], reserved: [String]
    ) -> ValueKind {
        ValueKind(
            shape: .variants(
                tag: tag,
                variants.map { .init(name: $0.name, about: $0.about, properties: $0.properties) },
                reserved: reserved),
            read: { node, reader in
                guard case .mapping(let entries) = node.content else {
                    reader.note(reader.mismatch(node, expecting: "a mapping"), at: node.mark)
                    return nil
                }
                let names = variants.map(\.name)
                guard let tagNode = node[tag] else {
                    reader.note(
                        "the key '\(tag)' is missing; it is one of \(names.joined(separator: ", "))",
                        at: node.mark)
                    return nil
                }
                let word = reader.inside(tag) {
                    variantName(tagNode, names: names, reserved: reserved, &$0)
                }
                guard let variant = variants.first(where: { $0.name == word }) else { return nil }
                let rest = YAMLNode(.mapping(entries.filter { $0.key != tag }), mark: node.mark)
                return variant.read(rest, &reader)
            },
            write: { value in
                for variant in variants {
                    guard case .mapping(let entries)? = variant.write(value) else { continue }
                    return .mapping([.init(key: tag, value: .text(variant.name))] + entries)
                }
                return .unset
            })
    }

    private static func variantName(
        _ node: YAMLNode, names: [String], reserved: [String], _ reader: inout ConfigurationReader
    ) -> String? {
        let noun = "one of \(names.joined(separator: ", "))"
        guard let word = reader.text(of: node, expecting: noun) else { return nil }
        if names.contains(word.text) { return word.text }
        let subject = word.isLiteral ? "'\(word.text.prefix(100))'" : "the value"
        if reserved.contains(word.text) {
            reader.note("\(subject) is not yet available in this version", at: node.mark)
        } else {
            let near = NearestName.suggestion(for: word.text, among: names + reserved)
            let advice = near.map { "; did you mean '\($0)'?" } ?? ""
            reader.note("\(subject) is not \(noun)\(advice)", at: node.mark)
        }
        return nil
    }
}

/// A section that fills one case of a `Value`.
struct SectionVariant<Value> {
    let name: String
    let about: String
    let properties: [Property]
    let read: (YAMLNode, inout ConfigurationReader) -> Value?
    /// Nil for another case.
    let write: (Value) -> WrittenValue?

    init<Owner>(
        _ name: String, _ section: Section<Owner>, _ about: String,
        wrap: @escaping (Owner) -> Value, unwrap: @escaping (Value) -> Owner?
    ) {
        self.name = name
        self.about = about
        properties = section.properties
        read = { node, reader in section.read(node, &reader).map(wrap) }
        write = { value in unwrap(value).map { section.write($0) } }
    }
}
