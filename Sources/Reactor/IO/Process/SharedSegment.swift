// SharedSegment.swift — memory that the supervisor and all its workers see: zeroed words, made
// before the first worker starts and inherited by descriptor. Nothing of it is on disk.

import CUV
import Glibc
import ReactorCore

/// A mapping of 64-bit words that several processes share.
///
/// The first cache line is the segment's own: a layout number, so that a process of another version
/// does not misread what is there, and the count of words.
public final class SharedSegment {
    /// Words of one cache line: blocks that different processes write begin at multiples of it.
    public static let lineWords = 8

    /// What children inherit; open as long as the segment is.
    public let descriptor: Int32
    /// Words behind the segment's own.
    public let wordCount: Int
    private let base: UnsafeMutablePointer<UInt64>
    private let byteCount: Int

    /// Makes a segment of zeros; memory is taken only where something is written.
    ///
    /// - Parameter layout: tells what the words mean; never 0.
    public init(layout: UInt64, wordCount: Int) throws(SystemFailure) {
        precondition(layout != 0 && wordCount > 0)
        let file = cuv_memory_file("segment")
        guard file >= 0 else { throw SystemFailure("making shared memory", errno) }
        defer { Glibc.close(file) }
        let byteCount = (Self.lineWords + wordCount) * 8
        guard ftruncate(file, byteCount) == 0 else {
            throw SystemFailure("making shared memory", errno)
        }
        descriptor = try InheritedDescriptor.lift(file)
        self.wordCount = wordCount
        self.byteCount = byteCount
        base = try Self.map(descriptor, byteCount)
        AtomicWord(base + 1).store(UInt64(wordCount))
        AtomicWord(base).store(layout)
    }

    /// Maps a segment that another process has made.
    public init(inherited descriptor: Int32, layout: UInt64) throws(SystemFailure) {
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            throw SystemFailure("finding the shared memory", errno)
        }
        let byteCount = Int(found.st_size)
        guard byteCount > Self.lineWords * 8 else {
            throw SystemFailure("finding the shared memory", reason: "it is too small")
        }
        _ = cuv_set_close_on_exec(descriptor)
        self.descriptor = descriptor
        self.byteCount = byteCount
        base = try Self.map(descriptor, byteCount)
        wordCount = byteCount / 8 - Self.lineWords
        guard AtomicWord(base).load() == layout, AtomicWord(base + 1).value == wordCount else {
            throw SystemFailure(
                "using the shared memory", reason: "it was made by another version of this program")
        }
    }

    deinit {
        munmap(base, byteCount)
        Glibc.close(descriptor)
    }

    private static func map(
        _ descriptor: Int32, _ byteCount: Int
    ) throws(SystemFailure) -> UnsafeMutablePointer<UInt64> {
        let address = mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0)
        guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw SystemFailure("mapping shared memory", errno)
        }
        return address.assumingMemoryBound(to: UInt64.self)
    }

    /// The word at `index`; valid as long as the segment is.
    public func word(_ index: Int) -> AtomicWord {
        precondition(index >= 0 && index < wordCount, "no such word in the segment")
        return AtomicWord(base + Self.lineWords + index)
    }
}

/// Descriptors that children get under fixed numbers.
enum InheritedDescriptor {
    /// Above the fixed numbers and those that a process has by itself.
    static let floor: Int32 = 64
    /// A worker's listening socket, the segment, and its link to the supervisor.
    static let socket: Int32 = 3
    static let segment: Int32 = 4
    static let link: Int32 = 5

    /// A copy that is closed on exec and collides with none of the fixed numbers.
    static func lift(_ descriptor: Int32) throws(SystemFailure) -> Int32 {
        let copy = cuv_lift_descriptor(descriptor, floor)
        guard copy >= 0 else { throw SystemFailure("copying a descriptor", errno) }
        return copy
    }
}

extension SystemFailure {
    /// From `errno`.
    init(_ operation: String, _ number: Int32) {
        self.init(operation, code: -number)
    }
}
