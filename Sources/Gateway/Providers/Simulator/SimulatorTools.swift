// SimulatorTools.swift — which function a simulated answer calls, and the checks on `tools`.

import GatewayCodec
import ReactorCore

/// The functions of a request and the choice between them.
struct SimulatorTools {
    struct Tool {
        var index: Int
        var name: ByteSlice
        var parameters: JSONValue?
    }

    private enum Choice { case none, auto, required, named(ByteSlice) }

    static let nameRule = "must be 1 to 64 letters, digits, '_' or '-'"

    /// In the order of the request; custom tools are not among them.
    private var functions: [Tool] = []
    private var choice = Choice.auto

    /// Checks `tools` and `tool_choice`.
    init(_ top: SimulatorFields) throws(SimulatorRefusal) {
        let list = try top.array("tools", count: 1...SimulatorRequest.toolsMax)
        if let list {
            var index = 0
            for value in list.elements {
                if let function = try Self.function(in: value, index) { functions.append(function) }
                index += 1
            }
        }
        guard let value = top["tool_choice"] else { return }
        guard list != nil else {
            throw .invalid("tool_choice", "goes only with 'tools'")
        }
        choice = try readChoice(value)
    }

    static func isName(_ name: ByteSlice) -> Bool {
        guard name.count >= 1, name.count <= SimulatorRequest.toolNameBytesMax else {
            return false
        }
        return name.raw.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
    }

    /// The function to call, if the request gives a reason to call one.
    func pick(for messages: SimulatorMessages, _ behavior: SimulatorBehavior?) -> Tool? {
        guard let first = functions.first else { return nil }
        // After a tool's result an answer in words ends the client's loop.
        let isAnswered = messages.endsWithToolResult
        let asked = behavior == .tool || behavior == .twoTools
        switch choice {
        case .none: return nil
        case .named(let name): return functions.first { $0.name == name }
        case .required: return mentioned(in: messages) ?? first
        case .auto:
            if isAnswered { return nil }
            return mentioned(in: messages) ?? (asked ? first : nil)
        }
    }

    /// The function behind this one, or the first.
    func neighbour(of tool: Tool) -> Tool? {
        functions.first { $0.index > tool.index } ?? functions.first
    }

    private func mentioned(in messages: SimulatorMessages) -> Tool? {
        functions.first { tool in
            messages.lastUserTexts.contains {
                $0.prefix(min($0.count, SimulatorRequest.mentionBytesMax)).contains(tool.name)
            }
        }
    }

    /// Nil for a custom tool.
    private static func function(
        in value: JSONValue, _ index: Int
    ) throws(SimulatorRefusal) -> Tool? {
        let tool = try SimulatorFields(value, at: .tool(index))
        let type = try tool.requiredString("type")
        if type == "custom" {
            _ = try SimulatorFields(tool.required("custom"), at: .tool(index))
                .requiredString("name")
            return nil
        }
        guard type == "function" else {
            throw .invalid(tool.place("type"), "must be 'function' or 'custom'")
        }
        let function = try SimulatorFields(
            tool.required("function"), at: .function(tool: index))
        let name = try function.requiredString("name")
        guard isName(name) else { throw .invalid(function.place("name"), nameRule) }
        _ = try function.string("description")
        _ = try function.bool("strict")
        let parameters = function["parameters"]
        if let parameters, parameters.kind != .object {
            throw .wrongType(function.place("parameters"), expected: "an object", got: parameters)
        }
        return Tool(index: index, name: name, parameters: parameters)
    }

    private func readChoice(_ value: JSONValue) throws(SimulatorRefusal) -> Choice {
        if let word = value.string {
            if word == "none" { return .none }
            if word == "auto" { return .auto }
            if word == "required" { return .required }
            throw .invalid("tool_choice", "must be 'none', 'auto', 'required' or an object")
        }
        let fields = try SimulatorFields(value, at: .member("tool_choice"))
        let type = try fields.requiredString("type")
        if type == "function" {
            let name = try SimulatorFields(
                fields.required("function"), at: .member("tool_choice.function")
            ).requiredString("name")
            guard functions.contains(where: { $0.name == name }) else {
                throw .invalid("tool_choice.function.name", "names no function of 'tools'")
            }
            return .named(name)
        }
        if type == "allowed_tools" {
            let allowed = try SimulatorFields(
                fields.required("allowed_tools"), at: .member("tool_choice.allowed_tools"))
            return try allowed.requiredString("mode") == "required" ? .required : .auto
        }
        // A custom tool is not called: its input follows no schema.
        guard type == "custom" else {
            throw .invalid(
                "tool_choice.type", "must be 'function', 'custom' or 'allowed_tools'")
        }
        return .none
    }
}

extension ByteSlice {
    /// Whether `part` occurs somewhere in these bytes.
    func contains(_ part: ByteSlice) -> Bool {
        guard part.count > 0 else { return true }
        var rest = self
        while rest.count >= part.count, let found = rest.firstIndex(of: part[0]) {
            rest = rest.dropFirst(found)
            if rest.count >= part.count, rest.prefix(part.count) == part { return true }
            rest = rest.dropFirst(1)
        }
        return false
    }
}
