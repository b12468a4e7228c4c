// CallReader.swift — what a block of text that may be a call says: names and arguments.
// Pure. Used by TextToolParser.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Reads calls out of what CallScanner found.
struct CallReader {
    struct Call {
        var tool: Int
        var arguments: [UInt8]
    }

    /// Calls of one block.
    static let callCountMax = 128

    let names: ToolNames
    private(set) var counts = RepairCounts()

    init(names: ToolNames) { self.names = names }

    /// The calls that a block is; nil if it is none, or one that cannot be understood.
    mutating func read(_ form: CallScanner.Form, _ body: ByteSlice) -> [Call]? {
        let before = counts
        var calls: [Call] = []
        let isRead =
            switch form {
            case .function, .invoke: readTagged(form, body, into: &calls)
            case .tagged, .list, .fence, .bare:
                readJSON(body, into: &calls) || readKeyed(body, into: &calls)
            }
        guard isRead, !calls.isEmpty else {
            counts = before
            return nil
        }
        return calls
    }

    /// `NAME>BODY`, or ` name="NAME">BODY`.
    private mutating func readTagged(
        _ form: CallScanner.Form, _ body: ByteSlice, into calls: inout [Call]
    ) -> Bool {
        guard let end = body.firstIndex(of: UInt8(ascii: ">")) else { return false }
        var name = body.prefix(end)
        if form == .invoke {
            guard let equals = name.firstIndex(of: UInt8(ascii: "=")) else { return false }
            name = name.dropFirst(equals + 1)
        }
        return append(name, body.dropFirst(end + 1), into: &calls)
    }

    /// `NAME` on a line of its own, then tagged arguments or an object.
    private mutating func readKeyed(_ body: ByteSlice, into calls: inout [Call]) -> Bool {
        let body = ArgumentRecovery.trimmed(body)
        let ends = [ASCII.lf, ASCII.openBrace, UInt8(ascii: "<")].compactMap {
            body.firstIndex(of: $0)
        }
        guard let end = ends.min(), end > 0, end <= 256 else { return false }
        guard names.index(of: ArgumentRecovery.trimmed(body.prefix(end))) != nil else {
            return false
        }
        return append(ArgumentRecovery.trimmed(body.prefix(end)), body.dropFirst(end), into: &calls)
    }

    private mutating func readJSON(_ body: ByteSlice, into calls: inout [Call]) -> Bool {
        let body = ArgumentRecovery.trimmed(body)
        guard !body.isEmpty else { return false }
        var text = ByteBuffer()
        let isList = body[0] == ASCII.openBracket
        do throws(JSONFailure) {
            try JSONScanner.validate(body)
            text.append(body)
        } catch {
            var wrapped = ByteBuffer()
            if isList { wrapped.append("{\"tool_calls\":" as StaticString) }
            wrapped.append(body)
            guard let level = ArgumentRecovery.recover(wrapped.slice, into: &text) else {
                return false
            }
            counts.count(level == .extracted ? .extracted : .syntax)
        }
        do throws(JSONFailure) {
            let tree = try JSONArena().read(text.slice)
            return read(tree.root, into: &calls, isOuter: true)
        } catch { return false }
    }

    private mutating func read(
        _ value: JSONValue, into calls: inout [Call], isOuter: Bool
    ) -> Bool {
        if value.kind == .array || value["tool_calls"]?.kind == .array {
            guard isOuter else { return false }
            let list = value["tool_calls"] ?? value
            for element in list.elements {
                guard read(element, into: &calls, isOuter: false) else { return false }
            }
            return true
        }
        guard value.kind == .object else { return false }
        if let function = value["function"], function.kind == .object {
            return read(function, into: &calls, isOuter: false)
        }
        let name = first(["name", "tool_name", "tool", "function"], of: value)?.string
        let arguments = first(
            ["arguments", "parameters", "args", "input", "tool_input"], of: value)
        guard let name else {
            // A call that was asked for by name may be nothing but its arguments.
            guard let required = names.required, arguments?.kind != .object || !isOuter else {
                guard arguments != nil, case .tool(let index) = names.match(.empty) else {
                    return false
                }
                return Self.withText(of: arguments) { append(index, $0, into: &calls) }
            }
            return Self.withText(of: value) { append(required, $0, into: &calls) }
        }
        return Self.withText(of: arguments) { append(name, $0, into: &calls) }
    }

    private func first(_ members: [StaticString], of value: JSONValue) -> JSONValue? {
        for member in members { if let found = value[member] { return found } }
        return nil
    }

    private static func withText(
        of value: JSONValue?, _ body: (ByteSlice) -> Bool
    ) -> Bool {
        guard let value else { return body(.empty) }
        if let text = value.string { return body(text) }
        var text = ByteBuffer()
        text.writeJSON { $0.value(value) }
        return body(text.slice)
    }

    private mutating func append(
        _ name: ByteSlice, _ arguments: ByteSlice, into calls: inout [Call]
    ) -> Bool {
        switch names.match(name) {
        case .exact:
            guard let index = names.index(of: name) else { return false }
            return append(index, arguments, into: &calls)
        case .tool(let index):
            counts.count(.name)
            return append(index, arguments, into: &calls)
        case .none: return false
        }
    }

    private mutating func append(
        _ index: Int, _ arguments: ByteSlice, into calls: inout [Call]
    ) -> Bool {
        guard calls.count < Self.callCountMax else { return false }
        var text = ByteBuffer()
        var level: ArgumentRecovery? = .untouched
        if !TaggedArguments.read(arguments, into: &text) {
            level = ArgumentRecovery.recover(arguments, into: &text)
        }
        if names.isCustom(index) {
            calls.append(
                Call(tool: index, arguments: Self.input(of: text.slice) ?? Array(arguments.raw)))
            return true
        }
        guard let level else { return false }
        if level == .syntax { counts.count(.syntax) }
        if level == .extracted { counts.count(.extracted) }
        calls.append(Call(tool: index, arguments: Array(text.slice.raw)))
        return true
    }

    /// The one string of a custom tool's arguments.
    private static func input(of json: ByteSlice) -> [UInt8]? {
        do throws(JSONFailure) {
            let tree = try JSONArena().read(json)
            return tree.root["input"]?.string.map { Array($0.raw) }
        } catch { return nil }
    }
}
