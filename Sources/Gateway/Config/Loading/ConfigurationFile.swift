// ConfigurationFile.swift — the shell of this folder: the only place here that touches files.

import GatewayCodec
import Glibc

/// A file that cannot be read: the end of a sentence that begins with its name.
package struct FileFailure: Error, Equatable, CustomStringConvertible {
    package var path: String
    package var reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path) \(reason)" }
}

/// Reads small files whole.
package enum ConfigurationFile {
    package static let bytesMax = 1024 * 1024

    /// Whether something is there that could be read.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func read(_ path: String) throws(FileFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw failure(path)
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= bytesMax else {
                throw FileFailure(path: path, reason: "has more than \(bytesMax) bytes")
            }
        }
    }

    private static func failure(_ path: String) -> FileFailure {
        FileFailure(path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
    }
}

extension ConfigurationSources {
    /// Finds and reads the files around `environment` and `commandLine`.
    ///
    /// - Parameter programDirectory: where the executable lies.
    package static func gather(
        configFlag: String?, environment: [String: String], commandLine: [CommandLineSetting],
        programDirectory: String?
    ) throws(FileFailure) -> ConfigurationSources {
        var sources = ConfigurationSources()
        sources.environment = environment
        sources.commandLine = commandLine
        sources.readFile = ConfigurationFile.read
        let directories = ConfigurationLookup.directories(programDirectory: programDirectory)
        sources.searchedDirectories = directories
        let path = ConfigurationLookup.path(
            flag: configFlag, variable: environment["GATEWAY_CONFIG"], directories: directories,
            exists: { ConfigurationFile.exists($0) && !isSalesforceFile($0) })
        let salesforcePath = ConfigurationLookup.first(
            of: ["config.json"], in: directories,
            exists: { ConfigurationFile.exists($0) && isSalesforceFile($0) })
        if let path = path ?? salesforcePath {
            sources.file = ConfigurationDocument(
                name: path, bytes: try ConfigurationFile.read(path))
        }
        if let salesforcePath, path != nil {
            sources.salesforceFile = ConfigurationDocument(
                name: salesforcePath, bytes: try ConfigurationFile.read(salesforcePath))
        }
        let capabilities = ConfigurationLookup.first(
            of: ["config/models.yml", "config/models.json"], in: directories,
            exists: ConfigurationFile.exists)
        if let capabilities {
            sources.capabilitiesFile = ConfigurationDocument(
                name: capabilities, bytes: try ConfigurationFile.read(capabilities))
        }
        for name in LayeredFiles.layerNames {
            if let document = try layered(name, in: directories) {
                sources.layerFiles.append(document)
            }
        }
        sources.variableNamesFile = try layered(
            LayeredFiles.variableNamesFile, in: directories)
        if ConfigurationFile.exists(".env") {
            sources.dotEnv = ConfigurationDocument(
                name: ".env", bytes: try ConfigurationFile.read(".env"))
        }
        return sources
    }

    /// One of the earlier proxy's files. They lie together: in the first directory that has any.
    private static func layered(
        _ name: String, in directories: [String]
    ) throws(FileFailure) -> ConfigurationDocument? {
        func paths(_ name: String) -> [String] {
            [".yml", ".yaml"].map { "config/\(name)\($0)" }
        }
        let all = LayeredFiles.layerNames + [LayeredFiles.variableNamesFile]
        let home = directories.first { directory in
            ConfigurationLookup.first(
                of: all.flatMap(paths), in: [directory], exists: ConfigurationFile.exists) != nil
        }
        guard let home,
            let path = ConfigurationLookup.first(
                of: paths(name), in: [home], exists: ConfigurationFile.exists)
        else { return nil }
        return ConfigurationDocument(name: path, bytes: try ConfigurationFile.read(path))
    }

    /// Whether a file is the `config.json` of an earlier Salesforce gateway. What cannot be read is
    /// not: reading it as a configuration says why.
    private static func isSalesforceFile(_ path: String) -> Bool {
        guard path == "config.json" || path.hasSuffix("/config.json"),
            let bytes = try? ConfigurationFile.read(path),
            let tree = try? YAMLTree.parse(bytes, source: path)
        else { return false }
        return SalesforceFile.isOne(tree)
    }
}
