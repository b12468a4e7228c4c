// Golden.swift — test cases that are documents: a sentence of why, what goes in, what comes out.
//
// A file below Tests/Golden/<dialect>/ is Markdown with fenced blocks; a block is known by the words
// behind its fence. JSON is compared as values, everything else as bytes. UPDATE_GOLDEN=1 rewrites
// the blocks that differ, and the difference is for a review to read.

import GatewayCodec
import Glibc
import ReactorCore

/// One document of test cases.
package final class GoldenFile: CustomStringConvertible {
    /// Its folder and its name, such as `messages/stream-text`.
    package let description: String
    private let path: String
    private var lines: [Substring]

    private init(path: String, description: String, text: String) {
        self.path = path
        self.description = description
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static let folder = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/Tests/Golden"
    }()

    /// The documents of a dialect whose names begin with `prefix`, in order.
    package static func all(in dialect: String, _ prefix: String = "") -> [GoldenFile] {
        var names: [String] = []
        if let directory = opendir("\(folder)/\(dialect)") {
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    })
            }
        }
        return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".md") }.sorted().compactMap {
            let path = "\(folder)/\(dialect)/\($0)"
            guard let file = fopen(path, "r") else { return nil }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
            return GoldenFile(
                path: path, description: "\(dialect)/\($0.dropLast(3))",
                text: String(decoding: bytes, as: UTF8.self))
        }
    }

    /// The insides of all blocks with these words behind the fence, in order; without the last
    /// line end.
    package func blocks(_ words: String) -> [String] {
        ranges(words).map { lines[$0].joined(separator: "\n") }
    }

    /// The inside of the first block with these words behind the fence.
    package func block(_ words: String) -> String? { blocks(words).first }

    /// What is wrong with `found`, which should be the block's text; nil if it is.
    package func complaint(_ words: String, found: String) -> String? {
        check(words, found: found) { $0 == found }
    }

    /// What is wrong with `found`, which should be the block's JSON; nil if it has the same value.
    package func complaint(_ words: String, json found: ByteSlice) -> String? {
        guard let pretty = GoldenJSON.pretty(found) else {
            return "\(self): found no JSON: \(found.string)"
        }
        return check(words, found: pretty) { GoldenJSON.areEqual($0, pretty) }
    }

    private func check(_ words: String, found: String, _ isSame: (String) -> Bool) -> String? {
        let expected = block(words)
        if let expected, isSame(expected) { return nil }
        if getenv("UPDATE_GOLDEN") != nil {
            update(words, to: found)
            return nil
        }
        return "\(self): block `\(words)` is not as expected, but:\n\(found)"
    }

    private func ranges(_ words: String) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var index = 0
        while index < lines.count {
            guard lines[index].hasPrefix("```") else {
                index += 1
                continue
            }
            let isMeant = lines[index].dropFirst(3) == words
            let start = index + 1
            index = start
            while index < lines.count, lines[index] != "```" { index += 1 }
            if isMeant { ranges.append(start..<index) }
            index += 1
        }
        return ranges
    }

    private func update(_ words: String, to text: String) {
        let inside = text.split(separator: "\n", omittingEmptySubsequences: false)
        if let range = ranges(words).first {
            lines.replaceSubrange(range, with: inside)
        } else {
            if lines.last == "" { lines.removeLast() }
            lines += ["", "```\(words)"] + inside + ["```", ""]
        }
        guard let file = fopen(path, "w") else { return }
        fputs(lines.joined(separator: "\n"), file)
        fclose(file)
    }
}

/// JSON as values.
package enum GoldenJSON {
    /// Whether two texts are JSON of the same value, members in any order.
    package static func areEqual(_ left: String, _ right: String) -> Bool {
        let leftText = left.withByteSlice { text($0, isSorted: true) }
        guard let leftText else { return false }
        return leftText == right.withByteSlice { text($0, isSorted: true) }
    }

    /// JSON over several lines, members in their order; nil if it is none.
    package static func pretty(_ json: ByteSlice) -> String? { text(json, isSorted: false) }

    private static func text(_ json: ByteSlice, isSorted: Bool) -> String? {
        guard let tree = try? JSONArena().read(json) else { return nil }
        return text(tree.root, indent: "", isSorted)
    }

    private static func text(_ value: JSONValue, indent: String, _ isSorted: Bool) -> String {
        let inner = indent + "  "
        let isArray = value.kind == .array
        var items: [String]
        switch value.kind {
        case .array: items = value.elements.map { text($0, indent: inner, isSorted) }
        case .object:
            items = value.members.map {
                var name = ByteBuffer()
                name.append(jsonString: $0.name)
                return name.string + ": " + text($0.value, indent: inner, isSorted)
            }
            if isSorted { items.sort() }
        default:
            var buffer = ByteBuffer()
            buffer.writeJSON { $0.value(value) }
            return buffer.string
        }
        let (open, close) = isArray ? ("[", "]") : ("{", "}")
        if items.isEmpty { return open + close }
        return "\(open)\n\(inner)\(items.joined(separator: ",\n\(inner)"))\n\(indent)\(close)"
    }
}

/// An event stream fed in pieces.
package enum GoldenStream {
    /// Hands out the events of `text`, which is fed cut in two before byte `cut`. The last block's
    /// missing blank line is added.
    package static func events(
        of text: String, cutAt cut: Int = 0, _ body: (EventStreamEvent) -> Void
    ) {
        var parser = EventStreamParser()
        let bytes = Array((text + (text.hasSuffix("\n\n") ? "" : "\n\n")).utf8)
        let cut = min(cut, bytes.count)
        for range in [0..<cut, cut..<bytes.count] {
            // Memory of its own, so that a slice kept too long is caught by a sanitizer.
            Array(bytes[range]).withUnsafeBytes { piece in
                var input = ByteSlice(piece)
                while let event = try? parser.next(&input) { body(event) }
            }
        }
    }
}
