// LayeredFiles.swift — the layered YAML files of the multi-provider proxy that came before:
// `config/default.yml`, over it `config/local.yml`, and in
// `config/custom-environment-variables.yml`, at the place of a value, the name of a variable. Pure.

import GatewayCodec

/// What those files say, in this gateway's words.
struct LayeredFiles {
    /// A value as it was called there, and what it is here.
    struct Setting {
        /// From the root, key by key.
        var keys: [String]
        /// The variable that stands for the same.
        var variable: String
        /// Where it belongs in a configuration; nil for what makes a provider, as the variable does.
        var path: [String]?

        init(_ keys: String, _ variable: String, _ path: String? = nil) {
            self.keys = keys.split(separator: ".").map(String.init)
            self.variable = variable
            self.path = path?.split(separator: ".").map(String.init)
        }

        var name: String { keys.joined(separator: ".") }
    }

    static let settings = [
        Setting("llmProxy.openai.apiKey", "OPENAI_API_KEY"),
        Setting("llmProxy.anthropic.apiKey", "ANTHROPIC_API_KEY"),
        Setting("llmProxy.vertexAI.projectId", "VERTEX_AI_PROJECT_ID"),
        Setting("llmProxy.vertexAI.location", "VERTEX_AI_LOCATION"),
        Setting("langfuse.secretKey", "LANGFUSE_SECRET_KEY", "observability.langfuse.secret_key"),
        Setting("langfuse.publicKey", "LANGFUSE_PUBLIC_KEY", "observability.langfuse.public_key"),
        Setting("langfuse.baseUrl", "LANGFUSE_BASE_URL", "observability.langfuse.base_url"),
        Setting("app.port", "PORT", "server.port"),
        Setting("app.host", "HOST", "server.host"),
    ]

    /// Names of the files, the lowest first, each behind `config/` and in front of `.yml` or `.yaml`.
    static let layerNames = ["default", "local"]
    static let variableNamesFile = "custom-environment-variables"

    /// Values that stand in for variables, by their names.
    private(set) var standIns: [String: YAMLNode] = [:]
    /// Values with a place of their own.
    private(set) var placed: [(path: [String], value: YAMLNode)] = []
    /// What the process's variables give under names that the files choose, by ours.
    private(set) var aliases: [String: String] = [:]

    /// Nothing where no file is one of those: others have a folder `config`, too.
    ///
    /// - Parameter layers: the lowest first.
    init(
        layers: [YAMLNode], names: YAMLNode?, properties: [Property],
        _ reader: inout ConfigurationReader
    ) {
        let all = layers + (names.map { [$0] } ?? [])
        guard all.contains(where: { $0["llmProxy"] != nil || $0["langfuse"] != nil }) else {
            return
        }
        for layer in layers { take(layer, properties, &reader) }
        if let names { take(names: names, &reader) }
    }

    private mutating func take(
        _ layer: YAMLNode, _ properties: [Property], _ reader: inout ConfigurationReader
    ) {
        Self.warnOfOthers(layer, &reader)
        for setting in Self.settings {
            guard let value = layer.node(at: setting.keys), Self.isSaid(value) else { continue }
            guard let path = setting.path else {
                standIns[setting.variable] = value
                continue
            }
            guard Self.exists(path, in: properties) else {
                reader.warn("\(setting.name) is not yet available in this version", at: value.mark)
                continue
            }
            placed.removeAll { $0.path == path }
            placed.append((path, value))
        }
    }

    private mutating func take(names: YAMLNode, _ reader: inout ConfigurationReader) {
        Self.warnOfOthers(names, &reader)
        for setting in Self.settings {
            guard let node = names.node(at: setting.keys), Self.isSaid(node) else { continue }
            // The long form names a format, too; these values are all texts.
            guard let name = (node["__name"] ?? node).content.text else {
                reader.note("\(setting.name): a variable's name is expected", at: node.mark)
                continue
            }
            guard name != setting.variable else { continue }
            do throws(Refusal) {
                if let value = try reader.variables[name], !value.isEmpty {
                    aliases[setting.variable] = value
                }
            } catch { reader.note("\(name) \(error.reason)", at: node.mark) }
        }
    }

    /// An empty place says nothing.
    private static func isSaid(_ node: YAMLNode) -> Bool {
        !node.isNull && node.content != .scalar("", isPlain: false)
    }

    private static func exists(_ path: [String], in properties: [Property]) -> Bool {
        guard let property = properties.first(where: { $0.name == path[0] }) else { return false }
        if path.count == 1 { return true }
        guard case .section(let inner) = property.shape.withoutWords else { return false }
        return exists(Array(path.dropFirst()), in: inner)
    }

    /// Keys that nobody knows, at whatever depth they leave the known ones.
    private static func warnOfOthers(
        _ node: YAMLNode, below path: [String] = [], _ reader: inout ConfigurationReader
    ) {
        guard case .mapping(let entries) = node.content else { return }
        for entry in entries {
            let here = path + [entry.key]
            if settings.contains(where: { $0.keys == here }) { continue }
            if settings.contains(where: { $0.keys.starts(with: here) }) {
                warnOfOthers(entry.value, below: here, &reader)
            } else {
                reader.warn(
                    "unknown key '\(here.joined(separator: ".").prefix(100))'", at: entry.keyMark)
            }
        }
    }
}

extension LayeredFiles {
    /// Reads documents that may be anybody's: one that is no YAML is a mistake only where it looks
    /// like ours.
    static func parse(
        _ document: ConfigurationDocument
    ) throws(ConfigurationFailure) -> YAMLNode? {
        do throws(YAMLFailure) {
            return try YAMLTree.parse(document.bytes, source: document.name)
        } catch {
            let text = String(decoding: document.bytes, as: UTF8.self)
            guard text.contains("llmProxy") || text.contains("langfuse") else { return nil }
            let problem = ConfigurationProblem(mark: error.mark, message: error.message)
            throw ConfigurationFailure(problems: [problem], omittedCount: 0)
        }
    }
}

extension Shape {
    /// The shape behind words that may stand in its place.
    var withoutWords: Shape {
        if case .word(_, let other) = self { return other.withoutWords }
        return self
    }
}
