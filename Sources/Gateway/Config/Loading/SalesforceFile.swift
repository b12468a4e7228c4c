// SalesforceFile.swift — the `config.json` of the Salesforce gateways that came before this one: a
// handful of keys at the top, in lower case or as the variables are spelled. Pure.

import GatewayCodec

/// Settings that fill the Salesforce provider and, as promised then, win over the environment.
struct SalesforceFile {
    /// As the provider's own keys are called.
    static let keys = [
        "consumer_key", "consumer_secret", "username", "private_key_file", "instance_url",
        "api_version",
    ]

    /// By the provider's key; values that are empty are left out.
    private(set) var entries: [YAMLEntry] = []
    /// The file's name.
    private(set) var name = ""

    static func variable(of key: String) -> String { "SALESFORCE_\(key.uppercased())" }

    /// Whether a document is such a file.
    static func isOne(_ root: YAMLNode) -> Bool { root.keys.contains { key(of: $0) != nil } }

    /// The provider's key that is written as `name`; nil if there is none.
    private static func key(of name: String) -> String? {
        keys.first { $0 == name || variable(of: $0) == name }
    }

    /// Takes the keys out of `tree`, and those that nobody knows, with a warning; nil where `tree`
    /// is no such file. What is left is a configuration like any other.
    static func take(
        from tree: inout YAMLNode, known: [String], _ reader: inout ConfigurationReader
    ) -> SalesforceFile? {
        guard isOne(tree), case .mapping(let all) = tree.content else { return nil }
        var file = SalesforceFile()
        file.name = tree.mark.source
        var rest: [YAMLEntry] = []
        var written: Set<String> = []
        for entry in all {
            guard let key = key(of: entry.key) else {
                if known.contains(entry.key) {
                    rest.append(entry)
                } else {
                    reader.warn("unknown key '\(entry.key.prefix(100))'", at: entry.keyMark)
                }
                continue
            }
            if !written.insert(key).inserted {
                reader.note("'\(entry.key)' gives \(key) a second time", at: entry.keyMark)
            } else if !entry.value.isNull, entry.value.content != .scalar("", isPlain: false) {
                file.entries.append(
                    YAMLEntry(key: key, keyMark: entry.keyMark, value: entry.value))
            }
        }
        tree.content = .mapping(rest)
        return file
    }

    /// Puts the values over those of the first Salesforce provider that `tree` has.
    func fill(_ tree: inout YAMLNode, _ reader: inout ConfigurationReader) {
        guard let providers = tree["providers"], let first = entries.first else { return }
        let isSalesforce = { (name: String) in
            providers[name]?["type"]?.content.text == ProviderType.salesforce.rawValue
        }
        guard let provider = providers.keys.first(where: isSalesforce) else {
            reader.warn(
                "is not used, because 'providers' has none of type salesforce", at: first.keyMark)
            return
        }
        for entry in entries {
            tree = tree.replacing(["providers", provider, entry.key], with: entry.value)
        }
    }
}

extension YAMLNode.Content {
    /// A scalar's text.
    var text: String? {
        if case .scalar(let text, _) = self { return text }
        return nil
    }
}
