// Secret.swift — a credential that cannot be printed by accident.
// Pure. Imported by whoever carries a credential; only who puts it on a wire calls `withBytes`.

import ReactorCore

/// Bytes that print as `***`, however they are printed.
package struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    @usableFromInline let bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }

    package init(_ text: ByteSlice) { bytes = Array(text.raw) }

    package var isEmpty: Bool { bytes.isEmpty }

    /// Calls `body` with the credential; the slice is valid during the call.
    @inlinable
    package func withBytes<Result>(_ body: (ByteSlice) -> Result) -> Result {
        bytes.withUnsafeBytes { body(ByteSlice($0)) }
    }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
