// RequestFields.swift — reads members of a request by type, and says what is wrong and where.
// Pure; borrows the tree. Shared by the decoders of doors that speak OpenAI's dialects.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// An object of a request and where it stands, such as `messages[2].content[0]`.
struct RequestFields {
    let value: JSONValue
    private let place: RequestPlace
    /// Most members that are asked for are not there.
    private let names: JSONNameMask

    /// The whole request.
    init(root: JSONValue) throws(Failure) { try self.init(root, at: RequestPlace(root: root)) }

    init(_ value: JSONValue, at place: RequestPlace) throws(Failure) {
        guard value.kind == .object else { throw place.invalid("must be an object") }
        self.value = value
        self.place = place.reached(value)
        names = JSONNameMask(value)
    }

    /// Where a member stands.
    func at(_ name: StaticString) -> RequestPlace { place.member(name) }

    /// The member, unless it is absent or null.
    subscript(name: StaticString) -> JSONValue? {
        guard names.mayHold(name), let value = value[name], !value.isNull else { return nil }
        return value
    }

    func string(_ name: StaticString) throws(Failure) -> ByteSlice? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else { throw at(name).invalid("must be a string") }
        return text
    }

    func requiredString(_ name: StaticString) throws(Failure) -> ByteSlice {
        guard let text = try string(name) else { throw at(name).missing }
        return text
    }

    func bool(_ name: StaticString) throws(Failure) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let bool = value.bool else { throw at(name).invalid("must be true or false") }
        return bool
    }

    /// A whole number; a fraction of zero is let pass, as clients in languages without integers
    /// write it.
    func int(_ name: StaticString, _ range: ClosedRange<Int>) throws(Failure) -> Int? {
        guard let value = self[name] else { return nil }
        guard let int = value.int ?? value.double.flatMap(Int.init(exactly:)) else {
            throw at(name).invalid("must be an integer")
        }
        guard range.contains(int) else {
            throw at(name).invalid(
                range.upperBound == .max
                    ? "must be at least \(range.lowerBound)"
                    : "must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return int
    }

    func number(
        _ name: StaticString, _ range: ClosedRange<Double>
    ) throws(Failure) -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.double else { throw at(name).invalid("must be a number") }
        guard range.contains(number) else {
            throw at(name).invalid(
                "must be between \(Int(range.lowerBound)) and \(Int(range.upperBound))")
        }
        return number
    }

    func object(_ name: StaticString) throws(Failure) -> RequestFields? {
        guard let value = self[name] else { return nil }
        return try RequestFields(value, at: at(name))
    }

    func requiredObject(_ name: StaticString) throws(Failure) -> RequestFields {
        guard let object = try object(name) else { throw at(name).missing }
        return object
    }

    func array(_ name: StaticString) throws(Failure) -> JSONValue? {
        guard let value = self[name] else { return nil }
        guard value.kind == .array else { throw at(name).invalid("must be an array") }
        return value
    }
}

/// A place in a request. Spelled out only for a failure, by looking for it from the root: so that
/// to know where one is costs nothing while all goes well.
struct RequestPlace {
    private enum Step {
        case none
        case member(StaticString)
        case element(Int)
    }

    private let root: JSONValue
    /// The last value on the way that was reached.
    private var known: JSONValue
    /// The way on from there.
    private var steps = (Step.none, Step.none)

    init(root: JSONValue) {
        self.root = root
        known = root
    }

    /// The same place, where `value` stands.
    func reached(_ value: JSONValue) -> RequestPlace {
        var place = RequestPlace(root: root)
        place.known = value
        return place
    }

    func member(_ name: StaticString) -> RequestPlace { then(.member(name)) }
    func element(_ index: Int) -> RequestPlace { then(.element(index)) }

    private func then(_ step: Step) -> RequestPlace {
        var place = self
        switch steps {
        case (.none, _): place.steps.0 = step
        case (_, .none): place.steps.1 = step
        case (let first, let second):
            // Nobody goes on from what is not there.
            place.known = Self.value(at: first, of: known) ?? known
            place.steps = (second, step)
        }
        return place
    }

    private static func value(at step: Step, of value: JSONValue) -> JSONValue? {
        switch step {
        case .none: return value
        case .member(let name): return value[name]
        case .element(let index):
            var elements = value.elements
            for _ in 0..<index { _ = elements.next() }
            return elements.next()
        }
    }

    /// Such as `messages[2].content[0]`; empty for the root.
    var text: String {
        var text = Self.way(from: root, to: known) ?? ""
        for step in [steps.0, steps.1] {
            switch step {
            case .none: break
            case .member(let name): text += text.isEmpty ? "\(name)" : ".\(name)"
            case .element(let index): text += "[\(index)]"
            }
        }
        return text
    }

    /// The way to a value, as a text that goes on behind `start`'s; nil if it does not stand there.
    private static func way(from start: JSONValue, to goal: JSONValue) -> String? {
        if start.isIdentical(to: goal) { return "" }
        for (name, member) in start.members {
            guard let rest = way(from: member, to: goal) else { continue }
            let dot = rest.isEmpty || rest.hasPrefix("[") ? "" : "."
            return name.string + dot + rest
        }
        for (index, element) in start.elements.enumerated() {
            guard let rest = way(from: element, to: goal) else { continue }
            let dot = rest.isEmpty || rest.hasPrefix("[") ? "" : "."
            return "[\(index)]" + dot + rest
        }
        return nil
    }

    /// A failure that names the place.
    func invalid(_ what: String) -> Failure {
        let text = text
        if text.isEmpty {
            return Failure(.malformedRequest, "The body \(what).")
        }
        return Failure(.invalidParameter, "'\(text)' \(what).", parameter: text)
    }

    var missing: Failure {
        Failure(.missingParameter, "Missing required parameter: '\(text)'.", parameter: text)
    }
}
