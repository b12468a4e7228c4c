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

    /// Every word is one counter's, and an index out of bounds is the last one's.
    @Test func whatIsDoneForToolsHasWordsOfItsOwn() {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Counters.wordCount)
        words.initialize(repeating: 0, count: Counters.wordCount)
        defer { words.deallocate() }
        let counters = Counters(at: AtomicWord(words))
        counters.repairs += 1
        for kind in 0..<Counters.repairKindCount { counters.add(repairs: kind + 2, ofKind: kind) }
        counters.builtInRounds += 50
        for place in 0..<Counters.functionCount {
            counters.add(builtInCalls: 100 + place, of: place)
        }
        counters.add(builtInCalls: 1000, of: 99)
        counters.add(repairs: 1000, ofKind: -1)
        #expect(counters.repairs(ofKind: 0) == 1002)
        #expect(counters.repairs(ofKind: 6) == 8)
        #expect(counters.builtInCalls(of: 0) == 100)
        #expect(counters.builtInCalls(of: 7) == 1107)
        #expect(counters.builtInRounds == 50)
        let used = (0..<Counters.wordCount).filter { words[$0] != 0 }
        #expect(used.count == 1 + 7 + 1 + 8)
    }
}
