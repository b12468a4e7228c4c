// Manifest.swift — what Package.swift declares, read from its text. The manifest is plain enough
// for that: calls with string literals, one target each.

/// The targets of Package.swift and what each may import.
struct Manifest {
    let dependencies: [String: [String]]
    let fuzzers: Set<String>

    init(_ file: SourceFile) {
        let text = file.code.map { String($0.text) }.joined(separator: "\n")
        var dependencies: [String: [String]] = [:]
        var fuzzers: Set<String> = []
        for call in Self.calls(in: text) {
            switch call.function {
            case "floor":
                guard let name = call.literals.first else { continue }
                dependencies[name] = Self.literals(in: call.text, after: "on:")
            case ".target", ".executableTarget":
                let names = Self.literals(in: call.text, after: "name:", isList: false)
                guard let name = names.first else { continue }
                dependencies[name] = Self.literals(in: call.text, after: "dependencies:")
                    .filter { $0 != "swift-argument-parser" }
            case "fuzzer":
                if let name = call.literals.first { fuzzers.insert(name) }
            default: break
            }
        }
        self.dependencies = dependencies
        self.fuzzers = fuzzers
    }

    private struct Call {
        let function: String
        let text: Substring
        var literals: [String] { Manifest.quoted(in: text) }
    }

    /// The calls of interest, each with the text between its parentheses.
    private static func calls(in text: String) -> [Call] {
        var calls: [Call] = []
        for function in ["floor", ".target", ".executableTarget", "fuzzer"] {
            var rest = text[...]
            while let opening = start(of: function + "(", in: rest) {
                let before = opening == text.startIndex ? " " : text[text.index(before: opening)]
                let body = text.index(opening, offsetBy: function.count + 1)
                rest = text[body...]
                guard !before.isLetter, before != ".",
                    let end = closing(of: rest, opened: "(", closed: ")")
                else { continue }
                calls.append(Call(function: function, text: text[body..<end]))
            }
        }
        return calls
    }

    /// The literals of the list, or the one literal, behind a label.
    private static func literals(
        in text: Substring, after label: String, isList: Bool = true
    ) -> [String] {
        guard let found = start(of: label, in: text) else { return [] }
        let rest = text[text.index(found, offsetBy: label.count)...]
        guard isList else { return quoted(in: rest) }
        guard let opening = rest.firstIndex(of: "[") else { return [] }
        let list = rest[rest.index(after: opening)...]
        guard let end = closing(of: list, opened: "[", closed: "]") else { return [] }
        return quoted(in: list[..<end])
    }

    private static func quoted(in text: Substring) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) }
    }

    private static func closing(
        of text: Substring, opened: Character, closed: Character
    ) -> String.Index? {
        var depth = 1
        for index in text.indices {
            if text[index] == opened { depth += 1 }
            if text[index] == closed { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    private static func start(of word: String, in text: Substring) -> String.Index? {
        guard let first = word.first else { return nil }
        var rest = text
        while let index = rest.firstIndex(of: first) {
            if text[index...].hasPrefix(word) { return index }
            rest = text[text.index(after: index)...]
        }
        return nil
    }
}
