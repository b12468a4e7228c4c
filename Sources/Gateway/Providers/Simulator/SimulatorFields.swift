// SimulatorFields.swift — the members of one request object, read as strictly as OpenAI reads them.
// A null counts as absent, a wrong type or value is a refusal that names its place.

import GatewayCodec
import ReactorCore

/// Where in a request a field stands; spelled out only for a refusal.
enum SimulatorPlace {
    case top
    case member(StaticString)
    case message(Int)
    case part(message: Int, Int)
    case toolCall(message: Int, Int)
    case tool(Int)
    case function(tool: Int)

    func callAsFunction(_ name: StaticString) -> String {
        let prefix = description
        return prefix.isEmpty ? "\(name)" : "\(prefix).\(name)"
    }

    var description: String {
        switch self {
        case .top: ""
        case .member(let name): "\(name)"
        case .message(let index): "messages[\(index)]"
        case .part(let message, let index): "messages[\(message)].content[\(index)]"
        case .toolCall(let message, let index): "messages[\(message)].tool_calls[\(index)]"
        case .tool(let index): "tools[\(index)]"
        case .function(let tool): "tools[\(tool)].function"
        }
    }
}

/// One object of a request.
struct SimulatorFields {
    let object: JSONValue
    let place: SimulatorPlace

    init(_ value: JSONValue, at place: SimulatorPlace) throws(SimulatorRefusal) {
        guard value.kind == .object else {
            throw .wrongType(place.description, expected: "an object", got: value)
        }
        object = value
        self.place = place
    }

    subscript(name: StaticString) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func required(_ name: StaticString) throws(SimulatorRefusal) -> JSONValue {
        guard let value = self[name] else { throw .missing(place(name)) }
        return value
    }

    func bool(_ name: StaticString) throws(SimulatorRefusal) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.bool else {
            throw .wrongType(place(name), expected: "a boolean", got: value)
        }
        return flag
    }

    func int(
        _ name: StaticString, in range: ClosedRange<Int> = .min ... .max
    ) throws(SimulatorRefusal) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.int else {
            throw .wrongType(place(name), expected: "an integer", got: value)
        }
        guard range.contains(number) else {
            throw .invalid(
                place(name), "must lie between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    func checkNumber(
        _ name: StaticString, in range: ClosedRange<Double>
    ) throws(SimulatorRefusal) {
        guard let value = self[name] else { return }
        guard let number = value.double else {
            throw .wrongType(place(name), expected: "a number", got: value)
        }
        guard range.contains(number) else {
            throw .invalid(
                place(name), "must lie between \(range.lowerBound) and \(range.upperBound)")
        }
    }

    func string(_ name: StaticString) throws(SimulatorRefusal) -> ByteSlice? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else {
            throw .wrongType(place(name), expected: "a string", got: value)
        }
        return text
    }

    func requiredString(_ name: StaticString) throws(SimulatorRefusal) -> ByteSlice {
        guard let text = try string(name) else { throw .missing(place(name)) }
        return text
    }

    func fields(_ name: StaticString) throws(SimulatorRefusal) -> SimulatorFields? {
        guard let value = self[name] else { return nil }
        return try SimulatorFields(value, at: .member(name))
    }

    /// An array of `count` elements.
    func array(
        _ name: StaticString, count: ClosedRange<Int>
    ) throws(SimulatorRefusal) -> JSONValue? {
        guard let value = self[name] else { return nil }
        guard value.kind == .array else {
            throw .wrongType(place(name), expected: "an array", got: value)
        }
        if value.count == 0, count.lowerBound > 0 {
            throw .invalid(place(name), "must not be empty", code: "empty_array")
        }
        guard count.contains(value.count) else {
            throw .invalid(
                place(name), "must not have more than \(count.upperBound) elements",
                code: "array_above_max_length")
        }
        return value
    }
}
