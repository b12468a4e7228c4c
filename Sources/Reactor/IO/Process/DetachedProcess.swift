// DetachedProcess.swift — this program started again in the background: in a session of its own,
// without a terminal, its output in a file. Used by who starts a daemon and then leaves.

import Glibc
import ReactorCore

/// A child that outlives its parent.
public struct DetachedProcess {
    /// Its process id.
    public let id: Int32

    /// Starts this very program. Its standard output and error go to `output`, which stays open
    /// here; its standard input is empty.
    ///
    /// - Parameter arguments: the command line, its name first.
    public init(arguments: [String], output: Int32) throws(SystemFailure) {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard null >= 0 else { throw SystemFailure("opening /dev/null", errno) }
        defer { close(null) }
        id = try ChildProcess.spawn(
            path: "/proc/self/exe", arguments: arguments, environment: ChildProcess.environment(),
            descriptors: [(null, 0), (output, 1), (output, 2)], isDetached: true)
    }

    /// How it ended, as shells say it; nil while it runs.
    public func exitCode() -> Int32? { ChildProcess.reap(id) }
}
