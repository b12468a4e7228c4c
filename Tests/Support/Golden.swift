// Golden.swift — golden files: a sentence of why, input and expected output in fenced blocks.

import GatewayCodec
import Glibc
import ReactorCore

/// One file below `Tests/Golden`.
///
/// A block is fenced by three backticks and named by the word behind them. A test reads some blocks
/// and says what another must hold; with `UPDATE_GOLDEN=1` that one is rewritten instead, or added.
package struct GoldenCase: CustomStringConvertible, Sendable {
    /// `folder/name`, without the ending.
    package let name: String
    private let path: String
    private let lines: [String]

    package var description: String { name }

    /// The cases of a folder, by name.
    package static func all(in folder: String) -> [GoldenCase] {
        let root = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(root)/Golden/\(folder)"
        return FuzzCorpus.names(in: path).compactMap { file in
            guard file.hasSuffix(".md"), let bytes = FuzzCorpus.contents(of: "\(path)/\(file)")
            else { return nil }
            return GoldenCase(
                name: "\(folder)/\(file.dropLast(3))", path: "\(path)/\(file)",
                text: String(decoding: bytes, as: UTF8.self))
        }
    }

    private init(name: String, path: String, text: String) {
        self.name = name
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The lines of the first block of that name, each with its line end; nil if there is none.
    package func block(_ label: String) -> String? {
        range(of: label).map { lines[$0].map { $0 + "\n" }.joined() }
    }

    /// What is wrong with `text` as the content of a block; nil if nothing is.
    package func complaint(_ label: String, text: String) -> String? {
        let found = text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
        if block(label) == found { return nil }
        if Self.updates { return update(label, found) }
        return "\(name): expected\n\(block(label) ?? "(no block '\(label)')")\nfound\n\(found)"
    }

    /// As `complaint(_:text:)`, for JSON, which is compared as a value: spacing, the order of
    /// members and the spelling of numbers and strings do not matter.
    package func complaint(_ label: String, json: ByteSlice) -> String? {
        guard let found = Self.sorted(json) else { return "\(name): no JSON: \(json.string)" }
        let expected = (block(label) ?? "").withByteSlice { Self.sorted($0) }
        if expected == found { return nil }
        if Self.updates { return update(label, json.string + "\n") }
        return "\(name): expected\n\(expected ?? "(no JSON in '\(label)')")\nfound\n\(found)"
    }

    private static var updates: Bool { getenv("UPDATE_GOLDEN").map { $0.pointee == 0x31 } ?? false }

    private func range(of label: String) -> Range<Int>? {
        guard let fence = lines.firstIndex(of: "```\(label)"),
            let end = lines[(fence + 1)...].firstIndex(of: "```")
        else { return nil }
        return fence + 1..<end
    }

    private func update(_ label: String, _ text: String) -> String? {
        var lines = lines
        let content = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        if let range = range(of: label) {
            lines.replaceSubrange(range, with: content.map(String.init))
        } else {
            lines += ["```\(label)"] + content.map(String.init) + ["```", ""]
        }
        guard let file = fopen(path, "w") else { return "\(path) cannot be written" }
        fputs(lines.joined(separator: "\n"), file)
        fclose(file)
        return nil
    }

    /// JSON with its members in order, one spelling each; nil if it is none.
    private static func sorted(_ json: ByteSlice) -> String? {
        do throws(JSONFailure) {
            let tree = try JSONArena().read(json)
            return sorted(tree.root)
        } catch { return nil }
    }

    private static func sorted(_ value: JSONValue) -> String {
        switch value.kind {
        case .object:
            let members = value.members.map { ("\($0.name.string)", sorted($0.value)) }
                .sorted { $0.0 < $1.0 }
            return "{" + members.map { "\($0.0.debugDescription): \($0.1)" }.joined(separator: ", ")
                + "}"
        case .array: return "[" + value.elements.map(sorted).joined(separator: ", ") + "]"
        default:
            var buffer = ByteBuffer()
            buffer.writeJSON { $0.value(value) }
            return buffer.string
        }
    }
}
