// ChildProcess.swift — starting a program again as a worker, with its descriptors under fixed
// numbers. Spawned, not forked: a loop and TLS exist already.

import CUV
import Glibc
import ReactorCore

/// The program that workers run, held open: a worker that is started again after a crash is of the
/// version that was meant, whatever lies under the name by then.
final class Executable {
    private let descriptor: Int32

    /// What this process runs.
    static func running() throws(SystemFailure) -> Executable {
        try Executable(path: "/proc/self/exe")
    }

    /// What `name` means now: a path, or a program on PATH; what this process runs if it is nothing.
    static func named(_ name: String) throws(SystemFailure) -> Executable {
        guard let path = Self.find(name) else { return try running() }
        return try Executable(path: path)
    }

    private init(path: String) throws(SystemFailure) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemFailure("opening \(path)", errno) }
        defer { Glibc.close(file) }
        descriptor = try InheritedDescriptor.lift(file)
    }

    deinit { Glibc.close(descriptor) }

    /// Leads to the program even where its file has been replaced.
    var path: String { "/proc/self/fd/\(descriptor)" }

    private static func find(_ name: String) -> String? {
        if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
        guard let variable = getenv("PATH") else { return nil }
        for folder in String(cString: variable).split(separator: ":") {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }
}

/// Starts and reaps.
enum ChildProcess {
    /// Starts `path` with descriptors renumbered. Returns the process's id.
    ///
    /// - Parameter isDetached: the child leaves this process's session and its terminal.
    static func spawn(
        path: String, arguments: [String], environment: [String],
        descriptors: [(from: Int32, to: Int32)], isDetached: Bool = false
    ) throws(SystemFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for pair in descriptors {
            posix_spawn_file_actions_adddup2(&actions, pair.from, pair.to)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var code = cuv_spawn_reset_signals(&attributes)
        if code == 0, isDetached { code = cuv_spawn_new_session(&attributes) }
        guard code == 0 else { throw SystemFailure("starting a process", code) }
        var id: pid_t = 0
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        code = posix_spawn(&id, path, &actions, &attributes, &argv, &envp)
        for text in argv { free(text) }
        for text in envp { free(text) }
        guard code == 0 else { throw SystemFailure("starting a process", code) }
        return id
    }

    /// This process's environment, as a child gets it.
    static func environment() -> [String] {
        var found: [String] = []
        var entry = environ
        while let text = entry.pointee {
            found.append(String(cString: text))
            entry += 1
        }
        return found
    }

    /// How `id` ended, as shells say it; nil while it runs.
    static func reap(_ id: pid_t) -> Int32? {
        var status: Int32 = 0
        let found = waitpid(id, &status, WNOHANG)
        if found == id { return cuv_exit_code(status) }
        // Somebody else has reaped it: how it ended is not known.
        return found < 0 && errno == ECHILD ? 128 : nil
    }
}
