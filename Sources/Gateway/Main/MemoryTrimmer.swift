// MemoryTrimmer.swift — gives memory back to the system after a crowd of connections has left: tables
// keep their size and the C library what was freed, and a worker that once held thousands of streams
// would look, and count, as if it still did.

import CUV
import Reactor
import ReactorCore

/// Trims tables and heap while connections are being closed in numbers, and for a while behind that.
final class MemoryTrimmer {
    /// How often it looks.
    static let interval: Duration = .seconds(2)
    /// Connections closed between two looks that make it worth while.
    static let closedCountMin = 64
    /// Looks behind the last crowd at which it still trims: upstream connections go later.
    static let trimCount = 25

    /// Blocks of one size that glibc keeps for each thread (`tcache_count`).
    private static let cachedCount = 7

    private unowned(unsafe) let loop: EventLoop
    private let closedCount: () -> Int
    private var seen = 0
    private var trimsLeft = 0
    private var timer: LoopTimer?

    init(_ loop: EventLoop, closedCount: @escaping () -> Int) {
        self.loop = loop
        self.closedCount = closedCount
        timer = LoopTimer(loop) { [unowned(unsafe) self] in look() }
        timer?.set(loop.now + Self.interval)
    }

    private func look() {
        let count = closedCount()
        if count - seen >= Self.closedCountMin { trimsLeft = Self.trimCount }
        seen = count
        if trimsLeft > 0 {
            trimsLeft -= 1
            loop.releaseMemory()
            Self.gatherCachedBlocks()
            malloc_trim(0)
        }
        timer?.set(loop.now + Self.interval)
    }

    /// Exchanges the free blocks that the C library keeps at hand for blocks that lie together. It
    /// keeps `cachedCount` of each size up to 1032 bytes and counts them as used: those that a
    /// crowd has left lie all over the heap, and each holds a page that has nothing else on it.
    private static func gatherCachedBlocks() {
        let sizes = stride(from: 24, through: 1032, by: 16)
        var scattered: [UnsafeMutableRawPointer?] = []
        var gathered: [UnsafeMutableRawPointer?] = []
        scattered.reserveCapacity(sizes.underestimatedCount * cachedCount)
        gathered.reserveCapacity(sizes.underestimatedCount * cachedCount)
        for size in sizes {
            // First it gives out what it keeps.
            for _ in 0..<cachedCount { scattered.append(malloc(size)) }
        }
        for size in sizes {
            for _ in 0..<cachedCount { gathered.append(malloc(size)) }
        }
        // What is freed first is kept at hand; there is no room for the others then.
        for block in gathered { free(block) }
        for block in scattered { free(block) }
    }

    /// Stops looking; the timer would keep the loop alive.
    func close() {
        timer?.cancel()
        timer = nil
    }
}
