// JSONNameMask.swift — which names an object can have, in one word.
// Pure. Whoever asks an object for many members of which it has few asks this first: a look-up in
// the tree goes through all members.

import ReactorCore

/// A set of names that may hold more than it was given, never less.
package struct JSONNameMask {
    private var bits: UInt64 = 0

    /// The names of an object's members; nothing for any other value.
    package init(_ object: JSONValue) {
        for (name, _) in object.members { bits |= Self.bit(name) }
    }

    /// Whether a name can be among them.
    @inline(__always)
    package func mayHold(_ name: StaticString) -> Bool { bits & Self.bit(ByteSlice(name)) != 0 }

    /// One of 64 bits, by length, first and last letter.
    @inline(__always)
    private static func bit(_ name: ByteSlice) -> UInt64 {
        guard name.count > 0 else { return 1 }
        let sum =
            UInt64(name.base[0]) &* 5 &+ UInt64(name.base[name.count - 1]) &* 3
            &+ UInt64(truncatingIfNeeded: name.count)
        return 1 << (sum & 63)
    }
}
