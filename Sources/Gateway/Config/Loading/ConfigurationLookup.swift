// ConfigurationLookup.swift — where the configuration file is looked for.

/// The order of the search, as a pure function.
package enum ConfigurationLookup {
    package static let fileNames = ["gateway.yaml", "gateway.json", "config.json"]

    /// The file to read: the one that is named, else the first that is found; nil if nothing is.
    /// A named file that begins with `/`, `./` or `../` is used as given; another is looked for in
    /// the same directories, and used as given if none has it: reading it will say so.
    ///
    /// - Parameters:
    ///   - flag: the value of `--config`.
    ///   - variable: the value of `GATEWAY_CONFIG`.
    ///   - directories: the current one, its parent, and the program's.
    package static func path(
        flag: String?, variable: String?, directories: [String], exists: (String) -> Bool
    ) -> String? {
        let named = flag ?? (variable?.isEmpty == false ? variable : nil)
        guard let named else { return first(of: fileNames, in: directories, exists: exists) }
        let isGiven = ["/", "./", "../"].contains { named.hasPrefix($0) }
        if isGiven { return named }
        return first(of: [named], in: directories, exists: exists) ?? named
    }

    /// The first directory that has one of `names`, the names in order; nil if none has.
    package static func first(
        of names: [String], in directories: [String], exists: (String) -> Bool
    ) -> String? {
        for directory in directories {
            for name in names {
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
