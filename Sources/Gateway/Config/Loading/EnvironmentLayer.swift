// EnvironmentLayer.swift — the environment as a layer over the file: variables that stand for one
// setting (the schema names them), and variables that stand in for a missing table.

import GatewayCodec

/// Lays variables over a configuration tree.
enum EnvironmentLayer {
    /// A provider that two variables describe.
    private struct Shorthand {
        var provider: String
        var keyVariable: String
        var urlVariable: String?
    }

    private static let shorthands = [
        Shorthand(
            provider: "openai", keyVariable: "OPENAI_API_KEY", urlVariable: "OPENAI_BASE_URL")
    ]

    /// What the variables that stand in for a missing table do, for the reference.
    static let standIns: [(variables: [String], meaning: String)] = [
        (["LOCAL_API_KEY"], "a key named `local`, where `auth.keys` lists none"),
        (
            ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
            "a provider named `openai`, where `providers` has none"
        ),
        (["GATEWAY_CONFIG"], "the file to read"),
    ]

    /// Keys of providers that this version cannot speak to: worth a word when they are all there is.
    private static let reservedKeys = [
        "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "SAMBANOVA_API_KEY", "VERTEX_AI_PROJECT_ID",
        "SALESFORCE_CONSUMER_KEY",
    ]

    /// Puts every variable that the schema names over the value of its key.
    static func apply(
        to tree: inout YAMLNode, of properties: [Property], _ variables: EnvironmentVariables,
        _ reader: inout ConfigurationReader
    ) {
        for (path, name) in bindings(of: properties) {
            if let node = node(of: name, variables, &reader) {
                tree = tree.replacing(path[...], with: node)
            }
        }
    }

    /// Fills tables that no other source fills. A file's own table is never mixed with these:
    /// `OPENAI_API_KEY` must not go to whatever server the file calls `openai`.
    static func fillGaps(
        of tree: inout YAMLNode, _ variables: EnvironmentVariables,
        _ reader: inout ConfigurationReader
    ) {
        if tree.isBare(at: ["auth", "keys"], empty: .sequence([])),
            let key = node(of: "LOCAL_API_KEY", variables, &reader)
        {
            let entry = mapping([("name", scalar("local", key.mark)), ("key", key)], key.mark)
            tree = tree.replacing(
                ["auth", "keys"], with: YAMLNode(.sequence([entry]), mark: key.mark))
        }
        guard tree.isBare(at: ["providers"], empty: .mapping([])) else { return }
        var providers: [(String, YAMLNode)] = []
        for shorthand in shorthands {
            let key = node(of: shorthand.keyVariable, variables, &reader)
            let url = shorthand.urlVariable.flatMap { node(of: $0, variables, &reader) }
            guard let mark = key?.mark ?? url?.mark else { continue }
            var entries = [("type", scalar("openai", mark))]
            if let key { entries.append(("api_key", key)) }
            if let url { entries.append(("base_url", url)) }
            providers.append((shorthand.provider, mapping(entries, mark)))
        }
        let builtIn = YAMLMark(source: "the built-in simulator")
        if providers.isEmpty {
            for name in reservedKeys where node(of: name, variables, &reader) != nil {
                reader.warn(
                    "providers of that type are not yet available in this version",
                    at: YAMLMark(source: source(of: name)))
            }
            providers = [("sim", mapping([("type", scalar("simulator", builtIn))], builtIn))]
        }
        let table = mapping(providers, providers.first?.1.mark ?? builtIn)
        tree = tree.replacing(["providers"], with: table)
    }

    /// Every key with a variable, by its path. Tables have none: their keys are not known here.
    static func bindings(
        of properties: [Property], under path: [String] = []
    ) -> [(path: [String], variable: String)] {
        properties.flatMap { property in
            let path = path + [property.name]
            let own = property.variable.map { [(path: path, variable: $0)] } ?? []
            guard case .section(let inner) = property.shape else { return own }
            return own + bindings(of: inner, under: path)
        }
    }

    /// The variable's value; nil where it is not set, or set to nothing.
    private static func node(
        of name: String, _ variables: EnvironmentVariables, _ reader: inout ConfigurationReader
    ) -> YAMLNode? {
        let mark = YAMLMark(source: source(of: name))
        do throws(Refusal) {
            guard let text = try variables[name], !text.isEmpty else { return nil }
            return scalar(text, mark)
        } catch {
            reader.note(error.reason, at: mark)
            return nil
        }
    }

    private static func source(of variable: String) -> String {
        "environment variable \(variable)"
    }

    private static func scalar(_ text: String, _ mark: YAMLMark) -> YAMLNode {
        YAMLNode(.scalar(text, isPlain: false), mark: mark)
    }

    private static func mapping(_ entries: [(String, YAMLNode)], _ mark: YAMLMark) -> YAMLNode {
        YAMLNode(
            .mapping(entries.map { YAMLEntry(key: $0.0, keyMark: mark, value: $0.1) }), mark: mark)
    }
}
