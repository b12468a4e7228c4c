// DotEnv.swift — the lines of a `.env` file as variables.

import GatewayCodec
import ReactorCore

/// Reads `NAME=value` lines.
///
/// Blank lines and those that begin with `#` are skipped, `export` is allowed in front, a value may
/// stand in single quotes (taken as it is) or double quotes (`\n`, `\"`, `\\` are read), and an
/// unquoted one ends before ` #`. Nothing is expanded and no value spans lines.
enum DotEnv {
    /// The variables, later ones winning, and what could not be read.
    static func parse(
        _ text: String, source: String
    ) -> (variables: [String: String], problems: [ConfigurationProblem]) {
        var variables: [String: String] = [:]
        var problems: [ConfigurationProblem] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            var rest = line.drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
            guard !rest.isEmpty, !rest.hasPrefix("#") else { continue }
            if rest.hasPrefix("export ") { rest = rest.dropFirst(7).drop { $0 == " " } }
            do throws(Refusal) {
                guard let equals = rest.firstIndex(of: "=") else {
                    throw Refusal("a line is written NAME=value")
                }
                let name = String(trimmed(rest[..<equals]))
                guard Interpolation.isName(name) else {
                    throw Refusal("the name in front of '=' is not one of a variable")
                }
                variables[name] = try value(trimmed(rest[rest.index(after: equals)...]))
            } catch {
                let mark = YAMLMark(source: source, line: index + 1, column: 1)
                problems.append(ConfigurationProblem(mark: mark, message: error.reason))
            }
        }
        return (variables, problems)
    }

    private static func value(_ text: Substring) throws(Refusal) -> String {
        guard let quote = text.first, quote == "'" || quote == "\"" else {
            var end = text.startIndex
            var isBehindSpace = true
            while end < text.endIndex, !(isBehindSpace && text[end] == "#") {
                isBehindSpace = text[end] == " " || text[end] == "\t"
                end = text.index(after: end)
            }
            return String(trimmed(text[..<end]))
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let behind = trimmed(rest)
                guard behind.isEmpty || behind.hasPrefix("#") else {
                    throw Refusal("something follows the closing quote")
                }
                return value
            }
            if character == "\\", quote == "\"", let escaped = rest.popFirst() {
                switch escaped {
                case "n": value.append("\n")
                case "\"", "\\", "$": value.append(escaped)
                default: value.append(contentsOf: ["\\", escaped])
                }
            } else {
                value.append(character)
            }
        }
        throw Refusal("the closing quote is missing")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text.drop { $0 == " " || $0 == "\t" }
    }
}
