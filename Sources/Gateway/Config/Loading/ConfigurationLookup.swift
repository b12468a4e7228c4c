// ConfigurationLookup.swift — where the configuration file is looked for.

/// The order of the search, as a pure function.
package enum ConfigurationLookup {
    package static let fileNames = ["gateway.yaml", "gateway.json", "config.json"]

    /// The file to read. One that is named is used as given, whether it exists or not: reading it
    /// will say so. Else each directory is searched for each name; nil if nothing is found.
    ///
    /// - Parameters:
    ///   - flag: the value of `--config`.
    ///   - variable: the value of `GATEWAY_CONFIG`.
    ///   - directories: the current one, its parent, and the program's.
    package static func path(
        flag: String?, variable: String?, directories: [String], exists: (String) -> Bool
    ) -> String? {
        if let flag { return flag }
        if let variable, !variable.isEmpty { return variable }
        for directory in directories {
            for name in fileNames {
                let path = joined(directory, name)
                if exists(path) { return path }
            }
        }
        return nil
    }

    /// `.` for the current directory, so that messages show short names.
    package static func directories(programDirectory: String?) -> [String] {
        [".", ".."] + (programDirectory.map { [$0] } ?? [])
    }

    private static func joined(_ directory: String, _ name: String) -> String {
        if directory == "." { return name }
        return directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }
}
