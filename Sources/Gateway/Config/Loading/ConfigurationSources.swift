// ConfigurationSources.swift — all that a configuration comes from, and the one way from there to
// values. Pure: texts and variables are handed in.

import GatewayCodec
import ReactorCore

/// A file's text under the name that messages show.
package struct ConfigurationDocument: Equatable, Sendable {
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// A setting from the command line.
package struct CommandLineSetting: Equatable, Sendable {
    /// `server.port`.
    package var path: String
    package var text: String
    /// As it was written, for messages: `--port`.
    package var flag: String

    package init(path: String, text: String, flag: String) {
        self.path = path
        self.text = text
        self.flag = flag
    }
}

/// A configuration that holds, and what is odd about it.
package struct LoadedConfiguration: Sendable {
    package var configuration: Configuration
    package var warnings: [ConfigurationProblem]
}

/// The sources of one configuration, the lowest first: defaults, an earlier proxy's layered files,
/// file, `.env`, environment, command line. An earlier Salesforce gateway's `config.json` comes last,
/// for its provider alone.
package struct ConfigurationSources {
    package var file: ConfigurationDocument?
    /// A `config.json` of an earlier Salesforce gateway that was found beside `file`.
    package var salesforceFile: ConfigurationDocument?
    /// `config/models.yml` or `config/models.json`.
    package var capabilitiesFile: ConfigurationDocument?
    /// `config/default.yml` and `config/local.yml` of an earlier proxy, in this order.
    package var layerFiles: [ConfigurationDocument] = []
    /// Its `config/custom-environment-variables.yml`.
    package var variableNamesFile: ConfigurationDocument?
    /// Where files were looked for, for messages.
    package var searchedDirectories: [String] = []
    package var dotEnv: ConfigurationDocument?
    package var environment: [String: String] = [:]
    package var commandLine: [CommandLineSetting] = []
    /// Reads the file that a `..._FILE` variable names.
    package var readFile: (String) throws(FileFailure) -> [UInt8] = {
        (path) throws(FileFailure) in
        throw FileFailure(path: path, reason: "cannot be read here")
    }

    package init() {}

    /// Reads everything, or throws all that is wrong.
    package func load() throws(ConfigurationFailure) -> LoadedConfiguration {
        var tree = YAMLNode(.mapping([]), mark: YAMLMark(source: "the configuration"))
        if let file { tree = try Self.parse(file) }
        let schema = ConfigurationSchema.root
        let dotEnvText = dotEnv.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        let lines = DotEnv.parse(dotEnvText, source: dotEnv?.name ?? "")
        var reader = ConfigurationReader(
            variables: variables(environment, dotEnv: lines.variables))
        for problem in lines.problems { reader.add(problem) }

        let layered = try layered(schema.properties, &reader)
        if !layered.aliases.isEmpty {
            reader.variables = variables(
                environment.merging(layered.aliases) { $1 }, dotEnv: lines.variables)
        }
        for (path, value) in layered.placed where tree.node(at: path) == nil {
            tree = tree.replacing(path[...], with: value)
        }
        let variables = reader.variables
        let salesforce = try takeSalesforce(from: &tree, schema, &reader)
        EnvironmentLayer.apply(to: &tree, of: schema.properties, variables, &reader)
        for setting in commandLine {
            let path = setting.path.split(separator: ".").map(String.init)
            let mark = YAMLMark(source: setting.flag)
            tree = tree.replacing(
                path[...], with: YAMLNode(.scalar(setting.text, isPlain: false), mark: mark))
        }
        let gaps = ConfigurationGaps(
            salesforce: salesforce, layered: layered.standIns,
            searchedDirectories: searchedDirectories)
        EnvironmentLayer.fillGaps(of: &tree, gaps, variables, &reader)
        EarlierSwitches.check(variables, &reader)

        var configuration = schema.read(tree, &reader)
        let environmentName = (try? variables["ENVIRONMENT"]) ?? nil
        configuration?.environment = environmentName.flatMap {
            RunEnvironment(rawValue: $0.lowercased())
        }
        configuration?.environmentName = environmentName ?? ""
        configuration?.googleCredentials = EnvironmentLayer.googleCredentials(variables, &reader)
        configuration?.proxies = EnvironmentLayer.proxies(variables, &reader)
        configuration?.capabilities = try capabilities(variables, &reader)
        if let configuration { ConfigurationRules.check(configuration, tree, &reader) }
        if let failure = reader.failure { throw failure }
        guard let configuration else { preconditionFailure("no configuration and no problem") }
        return LoadedConfiguration(configuration: configuration, warnings: reader.warnings)
    }

    private func variables(
        _ process: [String: String], dotEnv: [String: String]
    ) -> EnvironmentVariables {
        EnvironmentVariables(
            process: process, dotEnv: dotEnv,
            readText: { (path) throws(Refusal) in
                do throws(FileFailure) {
                    return String(decoding: try readFile(path), as: UTF8.self)
                } catch {
                    throw Refusal(error.reason)
                }
            })
    }

    private func layered(
        _ properties: [Property], _ reader: inout ConfigurationReader
    ) throws(ConfigurationFailure) -> LayeredFiles {
        var layers: [YAMLNode] = []
        for file in layerFiles {
            if let tree = try LayeredFiles.parse(file) { layers.append(tree) }
        }
        let names = try variableNamesFile.flatMap { (file) throws(ConfigurationFailure) in
            try LayeredFiles.parse(file)
        }
        return LayeredFiles(layers: layers, names: names, properties: properties, &reader)
    }

    private static func parse(
        _ document: ConfigurationDocument
    ) throws(ConfigurationFailure) -> YAMLNode {
        do throws(YAMLFailure) {
            return try YAMLTree.parse(document.bytes, source: document.name)
        } catch {
            let problem = ConfigurationProblem(mark: error.mark, message: error.message)
            throw ConfigurationFailure(problems: [problem], omittedCount: 0)
        }
    }

    /// The Salesforce settings: those in `file` itself, else those of the file beside it.
    private func takeSalesforce(
        from tree: inout YAMLNode, _ schema: Section<Configuration>,
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationFailure) -> SalesforceFile? {
        let known = schema.fields.map(\.name)
        if let file = SalesforceFile.take(from: &tree, known: known, &reader) { return file }
        guard let salesforceFile else { return nil }
        var beside = try Self.parse(salesforceFile)
        return SalesforceFile.take(from: &beside, known: [], &reader)
    }

    /// The capability tables, the one that wins first.
    private func capabilities(
        _ variables: EnvironmentVariables, _ reader: inout ConfigurationReader
    ) throws(ConfigurationFailure) -> [CapabilitySource] {
        var documents: [ConfigurationDocument] = []
        if let node = EnvironmentLayer.node(of: "MODEL_CAPABILITIES_JSON", variables, &reader),
            let text = node.content.text
        {
            documents.append(
                ConfigurationDocument(name: node.mark.source, bytes: Array(text.utf8)))
        }
        if let node = EnvironmentLayer.node(of: "MODEL_CAPABILITIES_FILE", variables, &reader),
            let path = node.content.text
        {
            do throws(FileFailure) {
                documents.append(ConfigurationDocument(name: path, bytes: try readFile(path)))
            } catch {
                reader.note("names the file \(error)", at: node.mark)
            }
        }
        if let capabilitiesFile { documents.append(capabilitiesFile) }
        reader.forgivesUnknownKeys = true
        defer { reader.forgivesUnknownKeys = false }
        var sources: [CapabilitySource] = []
        for document in documents {
            let tree = try Self.parse(document)
            if let entries = ConfigurationSchema.capabilityTable.read(tree, &reader) {
                sources.append(CapabilitySource(name: document.name, entries: entries))
            }
        }
        return sources
    }
}
