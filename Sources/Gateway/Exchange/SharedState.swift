// SharedState.swift — what the workers share, laid out in one run of words: a block of counters for
// each worker process, the cells of limits and of providers, and the counts of models. The words
// are a segment's, or this process's own
// where there is no supervisor.

import GatewayPolicy
import GatewayTelemetry
import Glibc
import Reactor
import ReactorCore

/// The words that all workers see, and which of them are this worker's.
package final class SharedState {
    /// Changes whenever the meaning of a word does.
    package static let layout: UInt64 = 6

    private static let headerWords = SharedSegment.lineWords

    private let segment: SharedSegment?
    private let own: UnsafeMutableRawPointer?
    private let base: AtomicWord
    /// Blocks: two for each place, so that a worker and its replacement never share one.
    private let processCount: Int
    /// This worker's counters.
    package let counters: Counters
    /// The cells of all keys' limits.
    package let limits: LimitCells
    /// The counts of all workers' series, and which of them are this one's.
    package let series: SeriesArea
    package let number: Int
    /// Whether this is the worker that does what only one does.
    package let isFirstPlace: Bool
    /// The providers' breakers and counts.
    package let upstreams: UpstreamCells

    /// For a process without siblings.
    package init() {
        let count = Self.wordCount(workerCount: 1)
        // Zeros that take no memory before they are written to.
        guard let memory = calloc(count, 8) else { preconditionFailure("out of memory") }
        own = memory
        segment = nil
        base = AtomicWord(memory.bindMemory(to: UInt64.self, capacity: count))
        processCount = 2
        isFirstPlace = true
        counters = Self.counters(base, 0)
        limits = Self.limits(base, processCount: 2, number: 0)
        series = Self.series(base, processCount: 2)
        number = 0
        upstreams = Self.upstreams(base, processCount: 2)
    }

    /// The part of worker `number` (`WorkerID.number`) in a segment of `workerCount` places.
    package init(_ segment: SharedSegment, workerCount: Int, number: Int) {
        precondition(
            segment.wordCount >= Self.wordCount(workerCount: workerCount)
                && number < workerCount * 2, "the segment has no room for this worker")
        self.segment = segment
        own = nil
        base = segment.word(0)
        processCount = workerCount * 2
        isFirstPlace = number < 2
        counters = Self.counters(base, number)
        limits = Self.limits(base, processCount: processCount, number: number)
        series = Self.series(base, processCount: processCount)
        self.number = number
        upstreams = Self.upstreams(base, processCount: processCount)
    }

    deinit { free(own) }

    /// Words of a segment for `workerCount` places.
    package static func wordCount(workerCount: Int) -> Int {
        headerWords + workerCount * 2 * Counters.wordCount
            + LimitCells.wordCount(processCount: workerCount * 2) + UpstreamCells.wordCount
            + SeriesArea.wordCount(processCount: workerCount * 2)
    }

    private static func upstreams(_ base: AtomicWord, processCount: Int) -> UpstreamCells {
        UpstreamCells(
            at: base.advanced(
                by: headerWords + processCount * Counters.wordCount
                    + LimitCells.wordCount(processCount: processCount)))
    }

    private static func series(_ base: AtomicWord, processCount: Int) -> SeriesArea {
        SeriesArea(
            at: base.advanced(
                by: headerWords + processCount * Counters.wordCount
                    + LimitCells.wordCount(processCount: processCount) + UpstreamCells.wordCount),
            processCount: processCount)
    }

    private static func limits(
        _ base: AtomicWord, processCount: Int, number: Int
    ) -> LimitCells {
        LimitCells(
            at: base.advanced(by: headerWords + processCount * Counters.wordCount),
            processCount: processCount, own: number)
    }

    private static func counters(_ base: AtomicWord, _ number: Int) -> Counters {
        Counters(at: base.advanced(by: headerWords + number * Counters.wordCount))
    }

    /// When the whole was started, in seconds since 1970; 0 before it is set.
    package var startSeconds: Int {
        get { base.value }
        set { base.value = newValue }
    }

    /// Sums a counter over all workers, those that are gone included.
    package func sum(_ counter: (Counters) -> Int) -> Int {
        (0..<processCount).reduce(0) { $0 + counter(Self.counters(base, $1)) }
    }

    /// Worker `number` is dead: what it held is given back. For the supervisor.
    package func clear(number: Int) {
        Self.counters(base, number).workerDied()
        limits.clear(process: number)
        series.clear(process: number)
    }
}
