// EnvironmentLayer.swift — the environment as a layer over the file: variables that stand for one
// setting (the schema names them), and variables that stand in for a missing table.

import GatewayCodec

/// What decides how missing tables are filled, beside the variables.
struct ConfigurationGaps {
    var salesforce: SalesforceFile?
    /// Values that stand in for variables which are not set, by their names.
    var layered: [String: YAMLNode] = [:]
    /// Where files were looked for.
    var searchedDirectories: [String]
}

/// Lays variables over a configuration tree.
enum EnvironmentLayer {
    /// What the variables that stand in for something missing do, for the reference.
    static let standIns: [(variables: [String], meaning: String)] =
        [(["LOCAL_API_KEY"], "a key named `local`, where `auth.keys` lists none")]
        + EnvironmentProvider.all.map { provider in
            (
                provider.settings.flatMap(\.variables),
                "a provider named `\(provider.type.rawValue)`, where `providers` has none"
            )
        } + [
            (
                ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "GCE_METADATA_HOST"],
                "where a `vertex` provider without `credentials_file` finds its credentials"
            ),
            (
                ["MODEL_CAPABILITIES_JSON", "MODEL_CAPABILITIES_FILE"],
                "what models can do, as JSON or in a file"
            ), (["LANGFUSE_HOST"], "as `LANGFUSE_BASE_URL`, where that is not set"),
            (
                EarlierSwitches.all.map(\.variable),
                "switches of earlier gateways for what is always on here; off is a warning"
            ), (["GATEWAY_CONFIG"], "the file to read"),
            (
                ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"],
                "proxies in front of providers, in either case but for `http_proxy`"
            ),
            (
                ["SSL_CERT_FILE", "SSL_CERT_DIR"],
                "the system's authorities, where `ca_file` names none"
            ), (["ENVIRONMENT"], "`development` or `production` (see operations.md)"),
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
        for (other, name, path) in synonyms where node(of: name, variables, &reader) == nil {
            if let node = node(of: other, variables, &reader) {
                tree = tree.replacing(path[...], with: node)
            }
        }
    }

    /// Variables that say the same as one that the schema names, which wins over them.
    private static let synonyms: [(other: String, name: String, path: [String])] = [
        ("LANGFUSE_HOST", "LANGFUSE_BASE_URL", ["observability", "langfuse", "base_url"])
    ]

    /// Fills tables that no other source fills. A file's own table is never mixed with these:
    /// `OPENAI_API_KEY` must not go to whatever server the file calls `openai`.
    static func fillGaps(
        of tree: inout YAMLNode, _ gaps: ConfigurationGaps, _ variables: EnvironmentVariables,
        _ reader: inout ConfigurationReader
    ) {
        let salesforce = gaps.salesforce
        if tree.isBare(at: ["auth", "keys"], empty: .sequence([])),
            let key = node(of: "LOCAL_API_KEY", variables, &reader)
        {
            let entry = mapping(
                [
                    ("name", scalar("local", key.mark)), ("key", key),
                    ("admin", scalar("true", key.mark)),
                ], key.mark)
            tree = tree.replacing(
                ["auth", "keys"], with: YAMLNode(.sequence([entry]), mark: key.mark))
        }
        fillStateDirectory(of: &tree, variables, &reader)
        guard tree.isBare(at: ["providers"], empty: .mapping([])) else {
            salesforce?.fill(&tree, &reader)
            return
        }
        var providers: [(String, YAMLNode)] = []
        for provider in EnvironmentProvider.all {
            let found = settings(of: provider, gaps, variables, &reader)
            guard let mark = found.first?.value.mark else { continue }
            if let lack = lack(of: provider, found.map(\.key), gaps) {
                reader.add(
                    ConfigurationProblem(
                        mark: mark, message: "providers.\(provider.type.rawValue): \(lack)"))
                continue
            }
            let type = ("type", scalar(provider.type.rawValue, mark))
            let entries = [type] + found.map { ($0.key, $0.value) }
            providers.append((provider.type.rawValue, mapping(entries, mark)))
        }
        let builtIn = YAMLMark(source: "the built-in simulator")
        if providers.isEmpty {
            providers = [("sim", mapping([("type", scalar("simulator", builtIn))], builtIn))]
        }
        let table = mapping(providers, providers.first?.1.mark ?? builtIn)
        tree = tree.replacing(["providers"], with: table)
    }

    /// The values that variables give to a provider's keys; empty if none of them means it. For
    /// Salesforce, what stands in the file wins.
    private static func settings(
        of provider: EnvironmentProvider, _ gaps: ConfigurationGaps,
        _ variables: EnvironmentVariables, _ reader: inout ConfigurationReader
    ) -> [(key: String, value: YAMLNode)] {
        let filed = provider.type == .salesforce ? gaps.salesforce?.entries ?? [] : []
        var found: [(key: String, value: YAMLNode)] = []
        var isMeant = !filed.isEmpty
        for setting in provider.settings {
            if let entry = filed.first(where: { $0.key == setting.key }) {
                found.append((setting.key, entry.value))
                continue
            }
            for name in setting.variables {
                guard var value = node(of: name, variables, &reader) ?? gaps.layered[name]
                else { continue }
                if setting.countsSeconds, let text = value.content.text, Int(text) != nil {
                    value = scalar(text + "s", value.mark)
                }
                found.append((setting.key, value))
                if setting.isEnough { isMeant = true }
                break
            }
        }
        return isMeant ? found : []
    }

    /// What is missing for a provider, as a sentence that names no value; nil if nothing is.
    private static func lack(
        of provider: EnvironmentProvider, _ present: [String], _ gaps: ConfigurationGaps
    ) -> String? {
        guard let missing = provider.missingVariables(present: present) else { return nil }
        guard provider.type == .salesforce else { return "the environment lacks \(missing)" }
        if let file = gaps.salesforce {
            return "\(file.name) and the environment lack \(missing)"
        }
        let places = gaps.searchedDirectories.joined(separator: ", ")
        return "config.json was not found" + (places.isEmpty ? "" : " in \(places)")
            + ", and the environment lacks \(missing)"
    }

    private static func fillStateDirectory(
        of tree: inout YAMLNode, _ variables: EnvironmentVariables,
        _ reader: inout ConfigurationReader
    ) {
        guard tree["state_directory"] == nil else { return }
        // A relative XDG_STATE_HOME is to be ignored (XDG base directory specification).
        for (name, below) in [("XDG_STATE_HOME", "/gateway"), ("HOME", "/.local/state/gateway")] {
            guard let value = node(of: name, variables, &reader), let path = value.content.text,
                path.hasPrefix("/")
            else { continue }
            tree = tree.replacing(["state_directory"], with: scalar(path + below, value.mark))
            return
        }
    }

    /// The proxies that other programs would use, too. Both spellings are usual; a plain
    /// `HTTP_PROXY` is not read, because web servers set it from a header.
    static func proxies(
        _ variables: EnvironmentVariables, _ reader: inout ConfigurationReader
    ) -> EnvironmentProxies {
        func node(_ names: [String], _ reader: inout ConfigurationReader) -> YAMLNode? {
            for name in names {
                if let found = Self.node(of: name, variables, &reader) { return found }
            }
            return nil
        }
        func proxy(_ names: [String], _ reader: inout ConfigurationReader) -> ProxyAddress? {
            let found = node(names + ["ALL_PROXY", "all_proxy"], &reader)
            guard let found, let text = found.content.text else { return nil }
            do throws(Refusal) { return try ProxyText.parse(text) } catch {
                reader.note("the value \(error.reason)", at: found.mark)
                return nil
            }
        }
        var proxies = EnvironmentProxies()
        proxies.secure = proxy(["HTTPS_PROXY", "https_proxy"], &reader)
        proxies.plain = proxy(["http_proxy"], &reader)
        let exceptions = node(["NO_PROXY", "no_proxy"], &reader)?.content.text ?? ""
        proxies.exceptions = exceptions.lowercased().split { $0 == "," || $0 == " " }
            .map(String.init)
        return proxies
    }

    /// Where Google's own programs would look for credentials.
    static func googleCredentials(
        _ variables: EnvironmentVariables, _ reader: inout ConfigurationReader
    ) -> GoogleDefaultCredentials {
        func text(_ name: String) -> String? { node(of: name, variables, &reader)?.content.text }
        var credentials = GoogleDefaultCredentials()
        credentials.namedFile = text("GOOGLE_APPLICATION_CREDENTIALS")
        let directory = text("CLOUDSDK_CONFIG") ?? text("HOME").map { $0 + "/.config/gcloud" }
        credentials.wellKnownFile = directory.map { $0 + "/application_default_credentials.json" }
        if let host = text("GCE_METADATA_HOST") { credentials.metadataHost = host }
        return credentials
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
    static func node(
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
