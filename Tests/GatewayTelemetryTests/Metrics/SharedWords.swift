// SharedWords.swift — the memory that workers share, in one process: for the tests of what lies in it.

import GatewayTelemetry
import ReactorCore

/// Words that several "workers" share.
final class SharedWords: @unchecked Sendable {
    let words: UnsafeMutablePointer<UInt64>
    let area: SeriesArea

    init(processCount: Int) {
        let count = SeriesArea.wordCount(processCount: processCount)
        words = .allocate(capacity: count)
        words.initialize(repeating: 0, count: count)
        area = SeriesArea(at: AtomicWord(words), processCount: processCount)
    }

    deinit { words.deallocate() }

    func worker(_ process: Int) -> RequestMetrics { RequestMetrics(area, process: process) }
}
