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

    init(_ value: JSONValue, at place: RequestPlace) throws(Failure) {
        guard value.kind == .object else { throw place.invalid("must be an object") }
        self.value = value
        self.place = place
    }

    /// Where a member stands.
    func at(_ name: StaticString) -> RequestPlace { place.member(name) }

    /// The member, unless it is absent or null.
    subscript(name: StaticString) -> JSONValue? {
        guard let value = value[name], !value.isNull else { return nil }
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

/// A place in a request; spelled out only for a failure.
indirect enum RequestPlace {
    case top
    case inside(RequestPlace, StaticString)
    case element(RequestPlace, Int)

    func member(_ name: StaticString) -> RequestPlace { .inside(self, name) }
    func element(_ index: Int) -> RequestPlace { .element(self, index) }

    var text: String {
        switch self {
        case .top: ""
        case .inside(.top, let name): "\(name)"
        case .inside(let outer, let name): "\(outer.text).\(name)"
        case .element(let outer, let index): "\(outer.text)[\(index)]"
        }
    }

    /// A failure that names the place.
    func invalid(_ what: String) -> Failure {
        if case .top = self {
            return Failure(.malformedRequest, "The body \(what).")
        }
        return Failure(.invalidParameter, "'\(text)' \(what).", parameter: text)
    }

    var missing: Failure {
        Failure(.missingParameter, "Missing required parameter: '\(text)'.", parameter: text)
    }
}
