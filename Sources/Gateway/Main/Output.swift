// Output.swift — what the command line prints. The log of a running server is LogSink's.

import Glibc

/// Lines for people.
enum Output {
    /// To standard output.
    static func line(_ text: String) { write(text + "\n", to: 1) }

    /// To standard error.
    static func error(_ text: String) { write(text + "\n", to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
