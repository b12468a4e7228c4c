// ConfigurationBundle.swift — the documents of one configuration as one run of bytes. The supervisor
// reads the files, finds them good and hands them to the workers, so that a worker that is started
// again later comes up with what was found good, whatever lies on disk by then.
//
//     document   role (1 byte), name and text, each behind its length (4 bytes, little-endian)

import ReactorCore

/// A bundle that is not one.
package struct ConfigurationBundleFailure: Error, Equatable {}

/// Documents with their roles.
package struct ConfigurationBundle: Equatable {
    private enum Role: UInt8 {
        case file = 1
        case salesforceFile
        case capabilitiesFile
        case dotEnv
        /// A file that a variable names.
        case named
        /// Its name is a directory that was searched.
        case directory
        /// Of the earlier proxy's layers, in order.
        case layer
        case variableNames
    }

    private var documents: [(role: Role, document: ConfigurationDocument)] = []

    /// - Parameter named: what was read through `readFile` while the sources were loaded.
    package init(_ sources: ConfigurationSources, named: [ConfigurationDocument]) {
        let roles: [(Role, ConfigurationDocument?)] = [
            (.file, sources.file), (.salesforceFile, sources.salesforceFile),
            (.capabilitiesFile, sources.capabilitiesFile), (.dotEnv, sources.dotEnv),
        ]
        for (role, document) in roles {
            if let document { documents.append((role, document)) }
        }
        documents += sources.layerFiles.map { (.layer, $0) }
        if let names = sources.variableNamesFile { documents.append((.variableNames, names)) }
        documents += named.map { (.named, $0) }
        documents += sources.searchedDirectories.map {
            (.directory, ConfigurationDocument(name: $0, bytes: []))
        }
    }

    /// Loads the sources and keeps what they were.
    package static func load(
        _ sources: ConfigurationSources
    ) throws(ConfigurationFailure) -> (LoadedConfiguration, ConfigurationBundle) {
        final class Named { var documents: [ConfigurationDocument] = [] }
        let named = Named()
        var recorded = sources
        recorded.readFile = { (path) throws(FileFailure) in
            let bytes = try sources.readFile(path)
            named.documents.append(ConfigurationDocument(name: path, bytes: bytes))
            return bytes
        }
        let loaded = try recorded.load()
        return (loaded, ConfigurationBundle(sources, named: named.documents))
    }

    /// The sources again, around an environment and a command line.
    package func sources(
        environment: [String: String], commandLine: [CommandLineSetting]
    ) -> ConfigurationSources {
        var sources = ConfigurationSources()
        sources.environment = environment
        sources.commandLine = commandLine
        var named: [String: [UInt8]] = [:]
        for (role, document) in documents {
            switch role {
            case .file: sources.file = document
            case .salesforceFile: sources.salesforceFile = document
            case .capabilitiesFile: sources.capabilitiesFile = document
            case .dotEnv: sources.dotEnv = document
            case .named: named[document.name] = document.bytes
            case .layer: sources.layerFiles.append(document)
            case .variableNames: sources.variableNamesFile = document
            case .directory: sources.searchedDirectories.append(document.name)
            }
        }
        sources.readFile = { [named] (path) throws(FileFailure) in
            if let bytes = named[path] { return bytes }
            throw FileFailure(path: path, reason: "is not among the files that were handed over")
        }
        return sources
    }

    // MARK: Bytes

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (role, document) in documents {
            bytes.append(role.rawValue)
            for part in [Array(document.name.utf8), document.bytes] {
                for shift in [0, 8, 16, 24] {
                    bytes.append(UInt8(truncatingIfNeeded: part.count >> shift))
                }
                bytes += part
            }
        }
        return bytes
    }

    package init(_ bytes: ByteSlice) throws(ConfigurationBundleFailure) {
        var rest = bytes
        while !rest.isEmpty {
            guard let role = Role(rawValue: rest[0]) else { throw ConfigurationBundleFailure() }
            rest = rest.dropFirst(1)
            let name = try Self.take(from: &rest)
            let text = try Self.take(from: &rest)
            let document = ConfigurationDocument(name: name.string, bytes: Array(text.raw))
            documents.append((role, document))
        }
    }

    private static func take(
        from rest: inout ByteSlice
    ) throws(ConfigurationBundleFailure) -> ByteSlice {
        guard rest.count >= 4 else { throw ConfigurationBundleFailure() }
        let count = (0...3).reversed().reduce(0) { $0 << 8 | Int(rest[$1]) }
        rest = rest.dropFirst(4)
        guard count <= rest.count else { throw ConfigurationBundleFailure() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    package static func == (left: ConfigurationBundle, right: ConfigurationBundle) -> Bool {
        left.bytes == right.bytes
    }
}
