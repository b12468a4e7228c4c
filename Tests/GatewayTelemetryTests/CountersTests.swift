// CountersTests.swift — under which count a finished request falls.

import GatewayTelemetry
import Testing

@Suite struct CountersTests {
    @Test(arguments: [
        (200, [1, 0, 0, 0, 0]), (204, [1, 0, 0, 0, 0]), (307, [0, 1, 0, 0, 0]),
        (400, [0, 0, 1, 0, 0]), (498, [0, 0, 1, 0, 0]), (499, [0, 0, 0, 0, 1]),
        (500, [0, 0, 0, 1, 0]), (504, [0, 0, 0, 1, 0]), (529, [0, 0, 0, 1, 0]),
    ])
    func finished(status: Int, expected: [Int]) {
        var counters = Counters()
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
