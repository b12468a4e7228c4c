// FileWatch.swift — when files that are looked at again and again have changed and come to rest.
// Pure value: it is told what was seen. Used by the supervisor in development.

import ReactorCore

/// Decides when a change is worth a reload.
package struct FileWatch: Equatable, Sendable {
    /// What the last reload was for, or what was there at the start.
    private var taken: SHA256Digest?
    /// What was seen at the last look.
    private var seen: SHA256Digest?

    package init() {}

    /// The files as they are now; nil where they cannot be read, as in the middle of a change.
    /// Returns whether to reload: they differ from what was taken, and two looks agree on them, so
    /// that no half-written file is read.
    package mutating func looked(_ digest: SHA256Digest?) -> Bool {
        defer { seen = digest }
        guard let digest else { return false }
        guard taken != nil else {
            taken = digest
            return false
        }
        guard digest != taken, digest == seen else { return false }
        taken = digest
        return true
    }
}
