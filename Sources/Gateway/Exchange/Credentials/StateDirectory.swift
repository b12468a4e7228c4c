// StateDirectory.swift — where files live that outlast the process. Reads and makes directories.
// Imported by Config and Main.

import Glibc

/// Why there is no directory for files.
package struct StateDirectoryFailure: Error, Equatable, CustomStringConvertible {
    /// One line for a log or an error message.
    package let description: String
}

package enum StateDirectory {
    /// `STATE_DIR`, else `gateway` below `XDG_STATE_HOME`, else below `~/.local/state`; nil where the
    /// environment names none of them by an absolute path.
    ///
    /// - Parameter variable: the environment.
    package static func path(_ variable: (String) -> String?) -> String? {
        if let path = variable("STATE_DIR"), !path.isEmpty { return path }
        if let path = variable("XDG_STATE_HOME"), path.hasPrefix("/") { return path + "/gateway" }
        guard let home = variable("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/gateway"
    }

    /// Makes the directory and those above it, for nobody but us, where they are missing.
    package static func prepare(_ path: String) throws(StateDirectoryFailure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw StateDirectoryFailure(description: "\(made) cannot be made: \(text(errno))")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StateDirectoryFailure(description: "\(path): \(text(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StateDirectoryFailure(description: "\(path) is no directory")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw StateDirectoryFailure(description: "\(path) can be written by others")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw StateDirectoryFailure(description: "\(path) cannot be written: \(text(errno))")
        }
    }

    static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
