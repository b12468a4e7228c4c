// EffectiveConfiguration.swift — a configuration as text, for `gateway check`. Secrets are masked.

import ReactorCore

/// Prints what holds.
package enum EffectiveConfiguration {
    /// The configuration as YAML that reads as the same one (but for the masked secrets), and
    /// behind it, as comments, the providers and routes in short.
    package static func text(_ configuration: Configuration) -> String {
        let tree = ConfigurationSchema.root.write(configuration)
        return WrittenYAML.text(tree) + "\n" + providers(configuration) + routes(configuration)
            + capabilities(configuration)
    }

    private static func providers(_ configuration: Configuration) -> String {
        var rows = [["provider", "type", "where", "key"]]
        for provider in configuration.providers {
            let kind = provider.kind
            rows.append([
                provider.name, kind.type.rawValue,
                kind.addresses.first?.url.description ?? "in this process",
                kind.credential ?? "none",
            ])
        }
        return table(rows)
    }

    private static func routes(_ configuration: Configuration) -> String {
        guard !configuration.models.isEmpty else { return "" }
        var rows = [["model", "provider", "model there"]]
        for model in configuration.models {
            for target in model.targets {
                rows.append([model.name, target.provider, target.model ?? "as asked for"])
            }
            for name in model.fallbacks { rows.append([model.name, "then as", name]) }
        }
        return "#\n" + table(rows)
    }

    private static func capabilities(_ configuration: Configuration) -> String {
        guard !configuration.capabilities.isEmpty else { return "" }
        var rows = [["capabilities from", "models"]]
        for source in configuration.capabilities {
            rows.append([source.name, "\(source.entries.count)"])
        }
        return "#\n" + table(rows)
    }

    /// Rows of comments, padded to columns.
    private static func table(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            var line = "#"
            for (column, cell) in row.enumerated() {
                line += " " + cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 1)
                }
            }
            text += line + "\n"
        }
        return text
    }
}

/// Written values as YAML in block style.
enum WrittenYAML {
    static func text(_ value: WrittenValue) -> String {
        var text = ""
        append(value, indent: 0, to: &text)
        return text
    }

    private static func append(_ value: WrittenValue, indent: Int, to text: inout String) {
        let margin = String(repeating: " ", count: indent)
        switch value {
        case .unset: break
        case .text(let scalar): text += margin + self.scalar(scalar) + "\n"
        case .list(let values):
            for value in values {
                if case .mapping = value {
                    var inner = ""
                    append(value, indent: indent + 2, to: &inner)
                    text += margin + "- " + inner.dropFirst(indent + 2)
                } else if let scalar = value.scalar {
                    text += margin + "- " + self.scalar(scalar) + "\n"
                }
            }
        case .mapping(let entries):
            for entry in entries {
                append(entry, margin: margin, indent: indent, to: &text)
            }
        }
    }

    private static func append(
        _ entry: WrittenValue.Entry, margin: String, indent: Int, to text: inout String
    ) {
        let key = margin + scalar(entry.key) + ":"
        switch entry.value {
        case .unset: break
        case .text(let value): text += "\(key) \(scalar(value))\n"
        case .list([]): text += "\(key) []\n"
        case .mapping(let entries) where entries.allSatisfy({ $0.value == .unset }):
            text += "\(key) {}\n"
        case .list, .mapping:
            text += key + "\n"
            append(entry.value, indent: indent + 2, to: &text)
        }
    }

    /// Plain where no reader could take it for anything else.
    static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || "._-/+".utf8.contains($0)
            }
            && text.utf8.first.map { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2F }
                ?? false
        if isPlain, !["null", "Null", "NULL"].contains(text) { return text }
        var quoted = "\""
        var isBehindDollar = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "{" where isBehindDollar:
                // "${" would be read as a variable.
                quoted += "${"
            case "\u{20}"..."\u{7E}": quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
            isBehindDollar = scalar == "$"
        }
        return quoted + "\""
    }
}
