// SharedStateTests.swift — counters of several workers in one segment.

import GatewayExchange
import Reactor
import Testing

@Suite struct SharedStateTests {
    @Test func anyWorkerTellsTheSum() throws {
        let segment = try SharedSegment(
            layout: SharedState.layout, wordCount: SharedState.wordCount(workerCount: 2))
        let states = (0..<4).map { SharedState(segment, workerCount: 2, number: $0) }
        for (index, state) in states.enumerated() {
            state.counters.requests += 10 + index
            state.counters.inFlight += 1
        }
        for state in states {
            #expect(state.sum { $0.requests } == 46)
            #expect(state.sum { $0.inFlight } == 4)
        }
        // A dead worker's requests are not in flight any more, but they were.
        states[0].clear(number: 3)
        #expect(states[1].sum { $0.requests } == 46)
        #expect(states[1].sum { $0.inFlight } == 3)
        #expect(states[3].counters.requests == 13)
        states[2].startSeconds = 77
        #expect(states[0].startSeconds == 77)
    }

    @Test func aloneItHasWordsOfItsOwn() {
        let one = SharedState()
        let other = SharedState()
        one.counters.requests = 3
        #expect(one.sum { $0.requests } == 3)
        #expect(other.sum { $0.requests } == 0)
    }
}
