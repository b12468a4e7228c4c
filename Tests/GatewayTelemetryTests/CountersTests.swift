// CountersTests.swift — under which count a finished request falls.

import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct CountersTests {
    @Test(arguments: [
        (200, [1, 0, 0, 0, 0]), (204, [1, 0, 0, 0, 0]), (307, [0, 1, 0, 0, 0]),
        (400, [0, 0, 1, 0, 0]), (498, [0, 0, 1, 0, 0]), (499, [0, 0, 0, 0, 1]),
        (500, [0, 0, 0, 1, 0]), (504, [0, 0, 0, 1, 0]), (529, [0, 0, 0, 1, 0]),
    ])
    func finished(status: Int, expected: [Int]) {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Counters.wordCount)
        words.initialize(repeating: 0, count: Counters.wordCount)
        defer { words.deallocate() }
        let counters = Counters(at: AtomicWord(words))
        counters.inFlight = 1
        counters.finished(status: status)
        let counts = [
            counters.byClass.success, counters.byClass.redirect, counters.byClass.client,
            counters.byClass.server, counters.cancelled,
        ]
        #expect(counts == expected)
        #expect(counters.inFlight == 0)
    }
}
