// Secret.swift — a value that cannot be printed by accident.

import ReactorCore

/// A credential. Every way of turning it into text yields `***`; its bytes are had only by asking.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: String

    package init(_ value: String) { self.value = value }

    /// Whether there is nothing in it.
    package var isEmpty: Bool { value.isEmpty }

    /// Lends the bytes to `body`.
    package func withBytes<Result>(_ body: (ByteSlice) throws -> Result) rethrows -> Result {
        try value.withByteSlice(body)
    }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
