// ResponsesField.swift — a member of a responses request, read with its place for the complaint.
// Pure; borrows the tree. Only the decoder of responses requests uses it.

import GatewayCodec
import GatewayModel
import ReactorCore

/// A place in a request; its words are made only for a complaint.
struct ResponsesPlace {
    private enum Step {
        case member(StaticString)
        case element(StaticString, Int)
    }

    private var first: Step
    private var second: Step?

    init(_ list: StaticString, _ index: Int) { first = .element(list, index) }

    init(_ name: StaticString) { first = .member(name) }

    /// One element of a list inside this place.
    func element(_ list: StaticString, _ index: Int) -> ResponsesPlace {
        var place = self
        place.second = .element(list, index)
        return place
    }

    /// The path, such as `input[2].content[0].text`.
    func path(_ name: StaticString? = nil) -> String {
        var path = Self.words(first)
        if let second { path += ".\(Self.words(second))" }
        if let name { path += ".\(name)" }
        return path
    }

    private static func words(_ step: Step) -> String {
        switch step {
        case .member(let name): "\(name)"
        case .element(let list, let index): "\(list)[\(index)]"
        }
    }

    // MARK: Complaints

    func wrong(_ name: StaticString? = nil, expected: StaticString) -> Failure {
        let path = path(name)
        return Failure(.invalidParameter, "'\(path)' must be \(expected).", parameter: path)
    }

    func missing(_ name: StaticString) -> Failure {
        let path = path(name)
        return Failure(
            .missingParameter, "The parameter '\(path)' is missing.", parameter: path)
    }

    func unsupported(_ name: StaticString? = nil, _ message: String) -> Failure {
        Failure(.unsupportedParameter, message, parameter: path(name))
    }

    /// A word of the caller's that is not known here, bounded.
    func unknown(_ name: StaticString, _ what: StaticString, _ word: ByteSlice) -> Failure {
        let word = word.prefix(min(word.count, 64)).string
        return Failure(
            .unsupportedParameter, "The \(what) '\(word)' is not supported for this model.",
            parameter: path(name))
    }

    // MARK: Members

    /// A string member; nil if it is absent or null.
    func text(_ object: JSONValue, _ name: StaticString) throws(Failure) -> ByteSlice? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.string else { throw wrong(name, expected: "a string") }
        return text
    }

    /// A string member that must be there.
    func required(_ object: JSONValue, _ name: StaticString) throws(Failure) -> ByteSlice {
        guard let text = try text(object, name) else { throw missing(name) }
        return text
    }

    /// The same, and not empty.
    func word(_ object: JSONValue, _ name: StaticString) throws(Failure) -> ByteSlice {
        let word = try required(object, name)
        guard !word.isEmpty else { throw wrong(name, expected: "a string that is not empty") }
        return word
    }

    func bool(_ object: JSONValue, _ name: StaticString) throws(Failure) -> Bool? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let bool = value.bool else { throw wrong(name, expected: "true or false") }
        return bool
    }

    /// A list member; nil if it is absent or null.
    func list(_ object: JSONValue, _ name: StaticString) throws(Failure) -> JSONElements? {
        guard let value = object[name], !value.isNull else { return nil }
        guard value.kind == .array else { throw wrong(name, expected: "an array") }
        return value.elements
    }

    /// An object member; nil if it is absent or null.
    func object(_ object: JSONValue, _ name: StaticString) throws(Failure) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        guard value.kind == .object else { throw wrong(name, expected: "an object") }
        return value
    }
}

/// The members of a request's outermost object.
struct ResponsesRoot {
    let root: JSONValue

    static func wrong(_ name: StaticString, expected: StaticString) -> Failure {
        ResponsesPlace(name).wrong(expected: expected)
    }

    private subscript(name: StaticString) -> JSONValue? {
        guard let value = root[name], !value.isNull else { return nil }
        return value
    }

    func text(_ name: StaticString) throws(Failure) -> ByteSlice? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else { throw Self.wrong(name, expected: "a string") }
        return text
    }

    func bool(_ name: StaticString) throws(Failure) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let bool = value.bool else { throw Self.wrong(name, expected: "true or false") }
        return bool
    }

    func int(_ name: StaticString, atLeast bound: Int) throws(Failure) -> Int? {
        guard let value = self[name] else { return nil }
        guard let int = value.int else { throw Self.wrong(name, expected: "a whole number") }
        guard int >= bound else {
            throw Failure(
                .invalidParameter, "'\(name)' must be at least \(bound).", parameter: "\(name)")
        }
        return int
    }

    func double(_ name: StaticString) throws(Failure) -> Double? {
        guard let value = self[name] else { return nil }
        guard let double = value.double else { throw Self.wrong(name, expected: "a number") }
        return double
    }

    func list(_ name: StaticString) throws(Failure) -> JSONElements? {
        guard let value = self[name] else { return nil }
        guard value.kind == .array else { throw Self.wrong(name, expected: "an array") }
        return value.elements
    }

    func object(_ name: StaticString) throws(Failure) -> JSONValue? {
        guard let value = self[name] else { return nil }
        guard value.kind == .object else { throw Self.wrong(name, expected: "an object") }
        return value
    }

    /// Whatever is there and not null.
    func value(_ name: StaticString) -> JSONValue? { self[name] }
}
