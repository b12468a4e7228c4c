// Section.swift — a group of keys and the struct that it fills. One `Field` says all there is to
// know about a key: its name, where its value goes, what it may be, and what it is for.

import GatewayCodec

/// The keys that fill an `Owner`.
struct Section<Owner> {
    /// Holds the defaults.
    let initial: Owner
    let fields: [Field<Owner>]
    /// Rules between keys; run with what was written, after all fields.
    let check: (Owner, YAMLNode, inout ConfigurationReader) -> Void

    init(
        _ initial: Owner, _ fields: [Field<Owner>],
        check: @escaping (Owner, YAMLNode, inout ConfigurationReader) -> Void = { _, _, _ in }
    ) {
        self.initial = initial
        self.fields = fields
        self.check = check
    }

    var properties: [Property] {
        fields.map {
            Property(
                name: $0.name, about: $0.about, shape: $0.shape, defaultValue: $0.write(initial),
                isRequired: $0.isRequired, variable: $0.variable)
        }
    }

    func read(_ node: YAMLNode, _ reader: inout ConfigurationReader) -> Owner? {
        var owner = initial
        var entries: [YAMLEntry] = []
        if case .mapping(let written) = node.content {
            entries = written
        } else if !node.isNull {
            reader.note(reader.mismatch(node, expecting: "a mapping"), at: node.mark)
            return nil
        }
        for entry in entries {
            guard let field = fields.first(where: { $0.name == entry.key }) else {
                noteUnknown(entry, &reader)
                continue
            }
            reader.inside(entry.key) { field.read(entry.value, &owner, &$0) }
        }
        for field in fields where field.isRequired && node[field.name] == nil {
            reader.note("the key '\(field.name)' is missing", at: node.mark)
        }
        check(owner, node, &reader)
        return owner
    }

    func write(_ owner: Owner) -> WrittenValue {
        .mapping(fields.map { .init(key: $0.name, value: $0.write(owner)) })
    }

    private func noteUnknown(_ entry: YAMLEntry, _ reader: inout ConfigurationReader) {
        let names = fields.map(\.name)
        let advice =
            NearestName.suggestion(for: entry.key, among: names).map { "did you mean '\($0)'?" }
            ?? "known here: \(names.joined(separator: ", "))"
        reader.noteUnknown("unknown key '\(entry.key.prefix(100))'; \(advice)", at: entry.keyMark)
    }
}

/// One key of a section.
struct Field<Owner> {
    let name: String
    let about: String
    let shape: Shape
    let isRequired: Bool
    let variable: String?
    let read: (YAMLNode, inout Owner, inout ConfigurationReader) -> Void
    let write: (Owner) -> WrittenValue

    /// A key whose value has a default.
    init<Value>(
        _ name: String, _ path: WritableKeyPath<Owner, Value>, _ kind: ValueKind<Value>,
        variable: String? = nil, isRequired: Bool = false, _ about: String
    ) {
        self.name = name
        self.about = about
        self.variable = variable
        self.isRequired = isRequired
        shape = kind.shape
        read = { node, owner, reader in
            if let value = kind.read(node, &reader) { owner[keyPath: path] = value }
        }
        write = { kind.write($0[keyPath: path]) }
    }

    /// A key whose value may be absent; `orWord` is a way of writing that.
    init<Value>(
        _ name: String, _ path: WritableKeyPath<Owner, Value?>, _ kind: ValueKind<Value>,
        orWord word: String? = nil, variable: String? = nil, _ about: String
    ) {
        let optional = word.map { kind.or($0) } ?? kind.optional
        self.init(name, path, optional, variable: variable, about)
    }

    private init(
        name: String, about: String, shape: Shape, isRequired: Bool, variable: String?,
        read: @escaping (YAMLNode, inout Owner, inout ConfigurationReader) -> Void,
        write: @escaping (Owner) -> WrittenValue
    ) {
        self.name = name
        self.about = about
        self.shape = shape
        self.isRequired = isRequired
        self.variable = variable
        self.read = read
        self.write = write
    }

    /// The same key in the section of something that holds an `Owner`.
    func moved<Outer>(to path: WritableKeyPath<Outer, Owner>) -> Field<Outer> {
        Field<Outer>(
            name: name, about: about, shape: shape, isRequired: isRequired, variable: variable,
            read: { node, outer, reader in read(node, &outer[keyPath: path], &reader) },
            write: { write($0[keyPath: path]) })
    }

    private init(notYet name: String, _ about: String) {
        self.name = name
        self.about = about
        variable = nil
        isRequired = false
        shape = .notYet
        read = { node, _, reader in
            reader.note("not yet available in this version", at: node.mark)
        }
        write = { _ in .unset }
    }

    /// A key that is known and refused until what it asks for exists.
    static func notYet(_ name: String, _ about: String) -> Field {
        Field(notYet: name, about)
    }
}
