// Output.swift — what the command line prints. The log of a running server is LogSink's.

import GatewayCodec
import Glibc
import ReactorCore

/// Lines for people.
enum Output {
    /// To standard output.
    static func line(_ text: String) { write(text + "\n", to: 1) }

    /// To standard output, without a line end.
    static func text(_ text: String) { write(text, to: 1) }

    /// To standard error.
    static func error(_ text: String) { write(text + "\n", to: 2) }

    /// To standard error, without a line end.
    static func errorText(_ text: String) { write(text, to: 2) }

    /// A JSON text on a line of standard output.
    static func json(_ body: (inout JSONWriter) -> Void) {
        var buffer = ByteBuffer()
        buffer.writeJSON(body)
        line(buffer.string)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Codes that a verb leaves with; docs/operations.md lists them all.
enum ExitStatus {
    /// It did not work.
    static let failure: Int32 = 1
    /// The configuration does not hold (EX_CONFIG).
    static let configuration: Int32 = 78
}
