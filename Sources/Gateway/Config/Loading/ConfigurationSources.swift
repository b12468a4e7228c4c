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

/// The sources of one configuration, the lowest first: defaults, file, `.env`, environment, command
/// line.
package struct ConfigurationSources {
    package var file: ConfigurationDocument?
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
        if let file {
            do throws(YAMLFailure) {
                tree = try YAMLTree.parse(file.bytes, source: file.name)
            } catch {
                let problem = ConfigurationProblem(mark: error.mark, message: error.message)
                throw ConfigurationFailure(problems: [problem], omittedCount: 0)
            }
        }
        let dotEnvText = dotEnv.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        let lines = DotEnv.parse(dotEnvText, source: dotEnv?.name ?? "")
        let variables = EnvironmentVariables(
            process: environment, dotEnv: lines.variables,
            readText: { (path) throws(Refusal) in
                do throws(FileFailure) {
                    return String(decoding: try readFile(path), as: UTF8.self)
                } catch {
                    throw Refusal(error.reason)
                }
            })
        var reader = ConfigurationReader(variables: variables)
        for problem in lines.problems { reader.add(problem) }

        let schema = ConfigurationSchema.root
        EnvironmentLayer.apply(to: &tree, of: schema.properties, variables, &reader)
        for setting in commandLine {
            let path = setting.path.split(separator: ".").map(String.init)
            let mark = YAMLMark(source: setting.flag)
            tree = tree.replacing(
                path[...], with: YAMLNode(.scalar(setting.text, isPlain: false), mark: mark))
        }
        EnvironmentLayer.fillGaps(of: &tree, variables, &reader)

        let configuration = schema.read(tree, &reader)
        if let configuration { ConfigurationRules.check(configuration, tree, &reader) }
        if let failure = reader.failure { throw failure }
        guard let configuration else { preconditionFailure("no configuration and no problem") }
        return LoadedConfiguration(configuration: configuration, warnings: reader.warnings)
    }
}
