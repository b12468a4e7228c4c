// ToolNames.swift — which tool of a request a model means by a name that it wrote.
// Pure; owns copies of the names, because a request is gone before its answer comes. Used by the
// filters of this floor.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The names of the tools on offer, and how a mangled one is understood.
///
/// The order, of which the first that finds exactly one tool decides:
///
/// 1. The name as it is. Nothing else is looked at where it is one.
/// 2. The one piece of it that is a name, cut at whatever no name holds: quotes, spaces, `(`, `.`,
///    `:`, `/`, `<|`. So `functions.NAME`, `NAME()`, `"NAME"`, `functions.NAME:0`, `server/NAME`.
/// 3. The same, letter case, `-` and `_` aside: `GetWeather` for `get_weather`.
/// 4. A name that ends with it or that it ends with, at a `_`, `-` or cut: `search` for
///    `web__search`, `mcp__web__search` for `search`; at least four characters.
/// 5. Where it says nothing (empty, `null`, `function`, `tool`, ...): the tool whose call was
///    asked for by name, else the only tool on offer.
///
/// A name that is another tool's, unknown to the request, is never bent: the caller's agent
/// answers it.
package struct ToolNames: Sendable {
    package enum Match: Equatable, Sendable {
        /// As it was written.
        case exact
        /// The tool at this index.
        case tool(Int)
        case none
    }

    /// The longest name that is looked at.
    package static let bytesMax = 512

    private let names: [[UInt8]]
    /// Lower case, letters and digits only.
    private let plain: [[UInt8]]
    private let customs: [Bool]
    private let named: Int?

    package init(_ tools: [ToolDefinition], choice: ToolChoice? = nil) {
        var offered: [ByteSlice] = []
        var customs: [Bool] = []
        for tool in tools where !tool.name.isEmpty {
            if case .foreign = tool.kind { continue }
            if let allowed = choice?.allowed, !allowed.contains(where: { $0 == tool.name }) {
                continue
            }
            offered.append(tool.name)
            if case .custom = tool.kind { customs.append(true) } else { customs.append(false) }
        }
        self.customs = customs
        names = offered.map { Array($0.raw) }
        plain = offered.map { Self.plain($0) }
        if case .named(let name)? = choice?.mode {
            named = offered.firstIndex { $0 == name }
        } else {
            named = nil
        }
    }

    package var isEmpty: Bool { names.isEmpty }
    package var count: Int { names.count }

    /// The index of the tool that must be called, where one was named.
    package var required: Int? { named }

    /// Whether the input of the tool at `index` is free text.
    package func isCustom(_ index: Int) -> Bool { customs[index] }

    /// The name of the tool at `index`.
    package subscript(index: Int) -> [UInt8] { names[index] }

    /// Calls `body` with the name at `index`; the slice is valid during the call.
    package func withName<Result>(_ index: Int, _ body: (ByteSlice) -> Result) -> Result {
        names[index].withUnsafeBytes { body(ByteSlice($0)) }
    }

    /// Whom `name` means.
    package func match(_ name: ByteSlice) -> Match {
        if index(of: name) != nil { return .exact }
        guard !names.isEmpty, name.count <= Self.bytesMax else { return .none }
        if let found = only(pieces(of: name).map(index(of:)))
            ?? only(candidates(of: name).map(plainIndex(of:))) ?? ending(name)
        {
            return .tool(found)
        }
        guard saysNothing(name) else { return .none }
        if let named { return .tool(named) }
        return names.count == 1 ? .tool(0) : .none
    }

    /// The tool of exactly that name.
    package func index(of name: ByteSlice) -> Int? {
        names.firstIndex { candidate in
            candidate.count == name.count
                && candidate.withUnsafeBytes { ByteSlice($0) == name }
        }
    }

    private func plainIndex(of name: ByteSlice) -> Int? {
        let wanted = Self.plain(name)
        guard !wanted.isEmpty else { return nil }
        return only(plain.indices.map { plain[$0] == wanted ? $0 : nil })
    }

    /// The one index among them, if they agree.
    private func only(_ found: [Int?]) -> Int? {
        var result: Int?
        for index in found {
            guard let index else { continue }
            if let result, result != index { return nil }
            result = index
        }
        return result
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }

    private func pieces(of name: ByteSlice) -> [ByteSlice] {
        var pieces: [ByteSlice] = []
        var start = 0
        for index in 0...name.count {
            if index < name.count, Self.isOfName(name[index]) { continue }
            if index > start { pieces.append(name[start..<index]) }
            start = index + 1
        }
        return pieces
    }

    private func candidates(of name: ByteSlice) -> [ByteSlice] { [name] + pieces(of: name) }

    private func ending(_ name: ByteSlice) -> Int? {
        let shortest = 4
        return only(
            pieces(of: name).map { piece in
                guard piece.count >= shortest else { return nil }
                return only(
                    names.indices.map { index in
                        withName(index) { known in
                            Self.ends(known, with: piece) && piece.count >= shortest
                                || Self.ends(piece, with: known) && known.count >= shortest
                        } ? index : nil
                    })
            })
    }

    /// Whether `name` ends with `tail` behind a separator.
    private static func ends(_ name: ByteSlice, with tail: ByteSlice) -> Bool {
        guard name.count > tail.count else { return false }
        let separator = name[name.count - tail.count - 1]
        return (separator == UInt8(ascii: "_") || separator == UInt8(ascii: "-"))
            && name.dropFirst(name.count - tail.count) == tail
    }

    private static func plain(_ name: ByteSlice) -> [UInt8] {
        name.raw.filter { ASCII.isLetter($0) || ASCII.isDigit($0) }.map { ASCII.lowercased($0) }
    }

    /// Whether no tool could have that name: it is empty, or a word of the format itself.
    package func saysNothing(_ name: ByteSlice) -> Bool {
        let word = Self.plain(name)
        if word.isEmpty { return true }
        let fillers: [StaticString] = [
            "null", "none", "undefined", "function", "functions", "tool", "tools", "toolcall",
            "functioncall", "name", "functionname", "toolname", "unknown", "call",
        ]
        return word.withUnsafeBytes { bytes in fillers.contains { ByteSlice(bytes) == $0 } }
    }
}
