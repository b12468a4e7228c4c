// ConfigurationReference.swift — docs/configuration.md, generated from the schema. A test holds the
// committed file to it; UPDATE_GOLDEN=1 rewrites that.

import ReactorCore

/// The reference of all keys as Markdown.
package enum ConfigurationReference {
    package static func markdown() -> String {
        let root = ConfigurationSchema.root.properties
        return introduction + variables(of: root) + sections(of: root, at: "")
    }

    private static let introduction = """
        # Configuration

        <!-- Generated from the schema in Sources/Gateway/Config/Schema. Do not edit. -->

        Everything works without a file. Where there is more to say, it comes from these sources; \
        a later one wins, value by value:

        1. the defaults below;
        2. one file: `--config`, else `GATEWAY_CONFIG`, else the first of `gateway.yaml`, \
        `gateway.json` and `config.json` in the current directory, its parent, or the program's \
        directory. YAML; JSON is YAML too;
        3. `.env` in the current directory;
        4. the environment;
        5. the command line.

        `gateway check` prints what holds, secrets masked. All mistakes are reported at once, with \
        file, line and column. An unknown key is a mistake. `gateway.example.yaml` shows the keys \
        at work.

        | written | means |
        | --- | --- |
        | `${NAME}` | the environment variable `NAME`; it must be set |
        | `${NAME:-text}` | the same, or `text` where it is not set or empty |
        | `$${` | `${` itself |
        | `250ms`, `15s`, `1m30s`, `2h` | a time |
        | `65536`, `64KiB`, `32MiB`, `1MB` | a size in bytes: KiB is 1024, KB is 1000 |

        For variables that end in `_API_KEY`, `_SECRET`, `_PASSWORD` or `_TOKEN`, `NAME_FILE` may \
        name a file that holds the value. Relative file names are meant from the directory of the \
        file that they are written in.


        """

    // MARK: Environment

    private static func variables(of root: [Property]) -> String {
        var text = "## Environment variables\n\n| variable | sets |\n| --- | --- |\n"
        for (path, variable) in EnvironmentLayer.bindings(of: root) {
            text += "| `\(variable)` | `\(path.joined(separator: "."))` |\n"
        }
        for (variables, meaning) in EnvironmentLayer.standIns {
            let names = variables.map { "`\($0)`" }.joined(separator: ", ")
            text += "| \(names) | \(meaning) |\n"
        }
        return text + "\n"
    }

    // MARK: Sections

    private static func sections(
        of properties: [Property], at path: String, variant: String = "", about: String = ""
    ) -> String {
        var text = path.isEmpty ? "## All keys\n\n" : "### `\(path)`\(variant)\n\n"
        if !about.isEmpty { text += "\(about)\n\n" }
        text += "| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
        for property in properties { text += row(property) }
        text += "\n"
        for property in properties {
            let inner = path.isEmpty ? property.name : "\(path).\(property.name)"
            text += subsections(of: property.shape, at: inner)
        }
        return text
    }

    private static func subsections(of shape: Shape, at path: String) -> String {
        switch shape {
        case .section(let properties): sections(of: properties, at: path)
        case .list(let element): subsections(of: element, at: path + "[]")
        case .table(_, let element): subsections(of: element, at: path + ".<name>")
        case .word(_, let other): subsections(of: other, at: path)
        case .variants(let tag, let variants, let reserved):
            variants.map { variant in
                sections(
                    of: variant.properties, at: path, variant: " with `\(tag): \(variant.name)`",
                    about: variant.about)
            }.joined()
                + "Not yet available: "
                + reserved.map { "`\(tag): \($0)`" }.joined(separator: ", ") + ".\n\n"
        default: ""
        }
    }

    private static func row(_ property: Property) -> String {
        var about = property.about
        if let variable = property.variable { about += " Variable: `\(variable)`." }
        let cells = [
            "`\(property.name)`", kind(property.shape), defaultText(property), about,
        ]
        let escaped = cells.map { $0.map { $0 == "|" ? "\\|" : String($0) }.joined() }
        return "| " + escaped.joined(separator: " | ") + " |\n"
    }

    private static func defaultText(_ property: Property) -> String {
        if property.isRequired { return "required" }
        switch property.defaultValue {
        case .text(let text): return text.isEmpty ? "" : "`\(text)`"
        case .list(let values):
            let texts = values.compactMap(\.scalar)
            return "`[\(texts.joined(separator: ", "))]`"
        case .unset, .mapping: return ""
        }
    }

    private static func kind(_ shape: Shape) -> String {
        switch shape {
        case .text(let what), .secret(let what): return what
        case .boolean: return "`true` or `false`"
        case .integer(let range):
            return "whole number, \(range.lowerBound) to \(range.upperBound)"
        case .number(let range):
            return "number, \(numberText(range.lowerBound)) to \(numberText(range.upperBound))"
        case .duration(let range):
            let (low, high) = (range.lowerBound, range.upperBound)
            return "time, \(DurationText.text(low)) to \(DurationText.text(high))"
        case .size(let range):
            let (low, high) = (range.lowerBound, range.upperBound)
            return "size, \(SizeText.text(low)) to \(SizeText.text(high))"
        case .choice(let words): return words.map { "`\($0)`" }.joined(separator: ", ")
        case .word(let word, let other): return "`\(word)`, or \(kind(other))"
        case .list(let element): return "list: \(kind(element))"
        case .section, .variants: return "section"
        case .table(let key, let element): return "table: \(key) → \(kind(element))"
        case .notYet: return "not yet available"
        }
    }
}
