// Interpolation.swift — `${NAME}` in a file's values.

import ReactorCore

/// Puts variables into text: `${NAME}`, `${NAME:-default}`; `$${` stands for `${` itself.
enum Interpolation {
    /// A text, and whether it stands in the file as it is. One that does not is never shown: it
    /// may hold what only the environment should know.
    struct Expanded: Equatable {
        var text: String
        var isLiteral: Bool
    }

    /// Expands `text`. As in a shell, `:-` also replaces a variable that is set to nothing.
    static func expand(
        _ text: String, lookUp: (String) throws(Refusal) -> String?
    ) throws(Refusal) -> Expanded {
        guard text.contains("$") else { return Expanded(text: text, isLiteral: true) }
        var expanded = Expanded(text: "", isLiteral: true)
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("$${") {
                expanded.text += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Refusal("has a '${' without its '}'")
                }
                expanded.text += try value(of: rest[..<end].dropFirst(2), lookUp: lookUp)
                expanded.isLiteral = false
                rest = rest[rest.index(after: end)...]
            } else {
                expanded.text.append(character)
                rest = rest.dropFirst()
            }
        }
        return expanded
    }

    /// Letters, digits and underscores, no digit first.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !ASCII.isDigit(first) else { return false }
        return text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
        }
    }

    private static func value(
        of inside: Substring, lookUp: (String) throws(Refusal) -> String?
    ) throws(Refusal) -> String {
        let nameEnd = inside.firstIndex(of: ":") ?? inside.endIndex
        let name = String(inside[..<nameEnd])
        guard isName(name), inside[nameEnd...].isEmpty || inside[nameEnd...].hasPrefix(":-") else {
            throw Refusal("has a '${...}' that is neither ${NAME} nor ${NAME:-default}")
        }
        let value = try lookUp(name)
        guard nameEnd == inside.endIndex else {
            if let value, !value.isEmpty { return value }
            return String(inside[nameEnd...].dropFirst(2))
        }
        guard let value else {
            throw Refusal("reads the variable \(name), which is not set")
        }
        return value
    }
}
