// ConfigurationReference.swift — docs/configuration.md, generated from the schema. A test holds the
// committed file to it; UPDATE_GOLDEN=1 rewrites that.

import GatewayPolicy
import GatewayProviders
import ReactorCore

/// The reference of all keys as Markdown.
package enum ConfigurationReference {
    package static func markdown() -> String {
        let root = ConfigurationSchema.root.properties
        return introduction + salesforceFile + layeredFiles + variables(of: root) + models
            + capabilities
            + sections(of: root, at: "")
    }

    private static let introduction = """
        # Configuration

        <!-- Generated from the schema in Sources/Gateway/Config/Schema. Do not edit. -->

        Everything works without a file. Where there is more to say, it comes from these sources; \
        a later one wins, value by value:

        1. the defaults below, and over them the layered files of an earlier proxy (below);
        2. one file: `--config`, else `GATEWAY_CONFIG`, else the first of `gateway.yaml`, \
        `gateway.json` and `config.json` in the current directory, its parent, or the program's \
        directory. A named file is looked for in the same places, unless its name begins with `/`, \
        `./` or `../`. YAML; JSON is YAML too;
        3. `.env` in the current directory;
        4. the environment;
        5. the command line;
        6. for the Salesforce provider alone, the `config.json` of an earlier gateway (below).

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

    private static var salesforceFile: String {
        let rows = SalesforceFile.keys.map {
            "| `\($0)` | `\(SalesforceFile.variable(of: $0))` |\n"
        }
        return """
            ## `config.json` of an earlier Salesforce gateway

            A `config.json` with these keys at its top, in either spelling, makes a provider named \
            `salesforce`, or fills the first of that type that the configuration has. It wins over \
            the environment, which fills what it leaves out or empty. Other keys are warned of. \
            `config.json.example` is one to copy.

            | key | or |
            | --- | --- |
            \(rows.joined())

            """
    }

    private static var layeredFiles: String {
        let rows = LayeredFiles.settings.map { setting in
            let place = setting.path.map { "`\($0.joined(separator: "."))`" } ?? "a provider"
            return "| `\(setting.name)` | `\(setting.variable)` | \(place) |\n"
        }
        return """
            ## The layered files of an earlier proxy

            `config/default.yml`, over it `config/local.yml`, in the first of the current \
            directory, its parent and the program's directory that has any of the three: keys \
            stand in each other as these names show. `config/custom-environment-variables.yml` has \
            the same keys, each with the name of a variable that overrides it. A configuration \
            file of this gateway wins over the first two; the variables are variables like others. \
            Other keys are warned of. That proxy listened on 3000 (`app.port`; its sample says \
            54011) and 0.0.0.0, which needs keys or `AUTH_MODE` here.

            | key | the same as | here |
            | --- | --- | --- |
            \(rows.joined())

            """
    }

    // MARK: Models

    private static var models: String {
        var text = """
            ## Models without a table

            Where `models` has no line for a name, and neither `provider/model` nor `X-Provider` \
            says where it goes, its beginning decides, over the providers that are configured: the \
            first line that fits. Of several of one type, the one that is named like the type comes first. Then the only \
            provider takes it; else it is a 404.

            | name | type of provider |
            | --- | --- |

            """
        for (patterns, types) in RouteBuilder.builtIn {
            let names = patterns.map { "`\($0)`" }.joined(separator: ", ")
            let places = types.map { "`\($0.rawValue)`" }.joined(separator: ", else ")
            text += "| \(names) | \(places) |\n"
        }
        text += """

            A `salesforce` provider knows these short names. They go there by themselves where no \
            provider of their maker's is configured (`openai`; `anthropic`; `gemini` or `vertex`), \
            and are then listed. Claude 3 Opus and Gemini Pro Vision are not among the models that \
            Salesforce lists; the nearest that is stands for each.

            | name | model at Salesforce | listed as owned by |
            | --- | --- | --- |

            """
        for alias in SalesforceAlias.all {
            text += "| `\(alias.name)` | `\(alias.upstreamModel)` | `\(alias.owner)` |\n"
        }
        return text + "\n"
    }

    private static var capabilities: String {
        var text = """
            ## Capabilities of models

            What a model's backend speaks and can do is known from these sources, each laid over \
            the ones below it, flag by flag:

            1. `models.<name>.capabilities` of the configuration;
            2. `MODEL_CAPABILITIES_JSON`, a text in JSON;
            3. the file that `MODEL_CAPABILITIES_FILE` names, YAML or JSON;
            4. `config/models.yml`, else `config/models.json`, in the current directory, its \
            parent, or the program's directory;
            5. what is built in (below).

            Sources 2 to 4 are mappings from names, or patterns with one `*`, to the keys of \
            [`models.<name>.capabilities`](#modelsnamecapabilities). Within a source the longest \
            pattern counts, and over it the exact name. Unknown keys are warned of. All are read \
            once, with the configuration, so that a mistake shows at the start.

            | name | `backend_type` |
            | --- | --- |

            """
        for entry in CapabilityRegistry.builtInEntries {
            let backend = entry.overrides.backendType?.rawValue ?? ""
            text += "| `\(entry.pattern)` | `\(backend)` |\n"
        }
        return text + "| any other | `\(BackendType.openAINative.rawValue)` |\n\n"
    }

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

    /// A heading and the table below it.
    private struct Block {
        var heading: String
        var text: String
    }

    private static func sections(of properties: [Property], at path: String) -> String {
        blocks(of: properties, at: path).map { $0.heading + $0.text }.joined()
    }

    private static func blocks(
        of properties: [Property], at path: String, variant: String = "", about: String = ""
    ) -> [Block] {
        let heading = path.isEmpty ? "## All keys\n\n" : "### `\(path)`\(variant)\n\n"
        var text = about.isEmpty ? "" : "\(about)\n\n"
        text += "| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
        for property in properties { text += row(property) }
        text += "\n"
        return [Block(heading: heading, text: text)]
            + properties.flatMap { property in
                let inner = path.isEmpty ? property.name : "\(path).\(property.name)"
                return subsections(of: property.shape, at: inner)
            }
    }

    private static func subsections(of shape: Shape, at path: String) -> [Block] {
        switch shape {
        case .section(let properties): blocks(of: properties, at: path)
        case .list(let element): subsections(of: element, at: path + "[]")
        case .table(_, let element): subsections(of: element, at: path + ".<name>")
        case .word(_, let other): subsections(of: other, at: path)
        case .variants(let tag, let variants, let reserved):
            variantBlocks(tag, variants, at: path)
                + [
                    Block(
                        heading: "",
                        text: "Not yet available: "
                            + reserved.map { "`\(tag): \($0)`" }.joined(separator: ", ")
                            + ".\n\n")
                ]
        default: []
        }
    }

    /// What several variants have below them is shown once, and again only where it differs.
    private static func variantBlocks(
        _ tag: String, _ variants: [Shape.Variant], at path: String
    ) -> [Block] {
        var shown: [Block] = []
        for variant in variants {
            let suffix = " with `\(tag): \(variant.name)`"
            let all = blocks(
                of: variant.properties, at: path, variant: suffix, about: variant.about)
            shown += all.prefix(1)
            for var block in all.dropFirst() {
                let before = shown.filter { $0.heading.hasPrefix(block.heading.dropLast(2)) }
                if before.first?.text == block.text { continue }
                if !before.isEmpty { block.heading = block.heading.dropLast(2) + suffix + "\n\n" }
                shown.append(block)
            }
        }
        return shown
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
