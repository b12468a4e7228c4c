// Shape.swift — what may be written at a place, as data: the reference and, later, a JSON Schema
// are generated from it, and values are printed in its terms.

/// What may be written.
indirect enum Shape {
    /// Any text of the named kind.
    case text(String)
    /// Text that is never shown.
    case secret(String)
    case boolean
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case duration(ClosedRange<Duration>)
    /// Bytes.
    case size(ClosedRange<Int>)
    case choice([String])
    /// A word of its own, or the shape.
    case word(String, or: Shape)
    case list(Shape)
    case section([Property])
    /// Keys that the operator chooses, all with values of one shape.
    case table(key: String, Shape)
    /// Sections told apart by the value of one of their keys. `reserved` values are known but not
    /// implemented.
    case variants(tag: String, [Variant], reserved: [String])
    /// Known, but refused in this version.
    case notYet

    struct Variant {
        var name: String
        var about: String
        var properties: [Property]
    }
}

/// A key of a section, as data.
struct Property {
    var name: String
    /// One or two sentences.
    var about: String
    var shape: Shape
    /// What holds where the key is not written.
    var defaultValue: WrittenValue
    var isRequired: Bool
    /// The environment variable that overrides it.
    var variable: String?
}

/// A value as it is written in a file, secrets masked.
indirect enum WrittenValue: Equatable {
    /// Nothing to write.
    case unset
    case text(String)
    case list([WrittenValue])
    case mapping([Entry])

    struct Entry: Equatable {
        var key: String
        var value: WrittenValue
    }

    /// One value; nil for `unset` and collections.
    var scalar: String? {
        if case .text(let text) = self { return text }
        return nil
    }
}
