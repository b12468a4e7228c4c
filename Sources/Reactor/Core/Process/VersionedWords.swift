// VersionedWords.swift — several words that one process writes and others read whole or not at all, in
// memory that they share. Nobody waits for anybody.

import CUV

/// A word of version, and behind it what it is the version of.
///
/// The version is odd while the writer is at work, and another one afterwards: a reader that finds the
/// same even number before and behind has read what belongs together. A writer that died in the middle
/// leaves an odd number, so what it left is never read; whoever writes there next sets it right.
/// There is one writer at a time.
public struct VersionedWords: @unchecked Sendable {
    @usableFromInline let version: AtomicWord

    /// The version lies at `first`; all zeros is a version too.
    public init(at first: AtomicWord) { version = first }

    /// What it is the version of.
    @inlinable
    public var content: UnsafeMutableRawPointer { version.advanced(by: 1).memory }

    /// Changes the content by `body`.
    @inlinable @inline(__always)
    public func write(_ body: (UnsafeMutableRawPointer) -> Void) {
        let odd = version.value | 1
        version.value = odd
        cuv_fence_release()
        body(content)
        cuv_fence_release()
        version.value = odd &+ 1
    }

    /// What `body` reads there; nil where it was written to meanwhile. What `body` sees may be torn: it
    /// must get along with any words, and what it makes of them is dropped.
    public func read<Value>(_ body: (UnsafeRawPointer) -> Value) -> Value? {
        let before = version.load()
        guard before & 1 == 0 else { return nil }
        let value = body(UnsafeRawPointer(content))
        cuv_fence_acquire()
        return UInt64(bitPattern: Int64(version.value)) == before ? value : nil
    }
}
