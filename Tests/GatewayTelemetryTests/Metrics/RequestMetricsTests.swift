// RequestMetricsTests.swift — what requests come to, and that a client's names cannot grow it.

import GatewayModel
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct RequestMetricsTests {
    /// Records one request; `edit` says what is special about it.
    @discardableResult
    private func record(
        _ metrics: RequestMetrics, provider: String = "p", model: String = "m",
        outcome: StaticString = "ok", status: Int = 200, id: String = "id-1",
        _ edit: (AccessRecord) -> Void = { _ in }
    ) -> Int? {
        model.withByteSlice { model in
            provider.withByteSlice { provider in
                id.withByteSlice { id in
                    let record = AccessRecord()
                    record.door = "chat"
                    record.provider = provider
                    record.upstreamModel = model
                    record.outcome = outcome
                    record.status = status
                    record.requestID = id
                    record.durationMicroseconds = 1000
                    edit(record)
                    return metrics.record(record)
                }
            }
        }
    }

    private func usage(_ input: Int, _ output: Int, cached: Int = 0) -> Usage {
        var usage = Usage()
        usage.inputTokens = input
        usage.outputTokens = output
        usage.cachedTokens = cached
        usage.reasoningTokens = output / 2
        return usage
    }

    @Test func oneOfEachOutcome() {
        let metrics = RequestMetrics()
        record(metrics)
        record(metrics, outcome: "error", status: 502)
        record(metrics, outcome: "cancelled", status: 499)
        record(metrics, outcome: "stopped", status: 499) {
            $0.attempts = 3
            $0.droppedParameters = 2
            $0.streams = true
        }
        let counts = metrics.sums.total
        #expect(counts.succeeded == 1)
        #expect(counts.failed == 1)
        #expect(counts.cancelled == 2)
        #expect(counts.total == 4)
        #expect(counts.retries == 2)
        #expect(counts.droppedParameters == 2)
        #expect(counts.streams == 1)
        #expect(counts.duration.count == 4)
        #expect(counts.firstEvent.count == 0)
        #expect(metrics.sums.doors.count == 1)
        #expect(metrics.sums.doors[0].tally.success == 1)
        #expect(metrics.sums.doors[0].tally.serverError == 1)
        #expect(metrics.sums.doors[0].tally.cancelled == 2)
        #expect(metrics.sums.doors[0].tally.total == 4)
        // Those whose client left tell nothing of our own share.
        #expect(metrics.sums.overhead.count == 2)
    }

    @Test func tokensAndCost() {
        let metrics = RequestMetrics(
            prices: PriceTable(
                [PriceRow("m", Price(input: 2, output: 10, cachedInput: 0.5))], builtIn: []))
        let cost = record(metrics) { $0.usage = usage(1000, 100, cached: 400) }
        // 600 * 2 + 400 * 0.5 + 100 * 10 millionths of a dollar.
        #expect(cost == 2_400_000)
        #expect(record(metrics, model: "unknown") { $0.usage = usage(10, 2) } == nil)
        #expect(record(metrics) == nil)
        let sum = metrics.sums.total
        #expect(sum.inputTokens == 1010)
        #expect(sum.outputTokens == 102)
        #expect(sum.cachedTokens == 400)
        #expect(sum.reasoningTokens == 51)
        #expect(sum.cost == 2_400_000)
        #expect(sum.unpriced == 1)
    }

    @Test func betweenTheTokensOfAStream() {
        let metrics = RequestMetrics()
        // Ten tokens, nine of them behind the first event, 900 µs after it.
        record(metrics) {
            $0.streamMicroseconds = 900
            $0.usage = usage(5, 10)
        }
        let told = metrics.sums.total
        #expect(told.perToken.count == 1)
        #expect(told.perToken.sum == 100)
        #expect(told.inputSizes[2] == 1, "5 is above 4")
        #expect(told.outputSizes[2] == 1)
        // Without a stream, without tokens, with one, or where it broke: nothing.
        record(metrics) { $0.usage = usage(5, 10) }
        record(metrics) { $0.streamMicroseconds = 900 }
        for tokens in [1, 0, -3, .min] {
            record(metrics) {
                $0.streamMicroseconds = 900
                $0.usage = usage(5, tokens)
            }
        }
        record(metrics, outcome: "error") {
            $0.streamMicroseconds = 900
            $0.usage = usage(5, 10)
        }
        #expect(metrics.sums.total.perToken.count == 1)
        #expect(metrics.sums.total.inputSizes.count == 7)
    }

    @Test func newPricesHoldForKnownModels() {
        let metrics = RequestMetrics(prices: PriceTable([], builtIn: []))
        #expect(record(metrics) { $0.usage = usage(1, 1) } == nil)
        metrics.prices = PriceTable([PriceRow("p/m", Price(input: 1, output: 1))], builtIn: [])
        #expect(record(metrics) { $0.usage = usage(1, 1) } == 2000)
    }

    @Test func absurdUsageNeitherTrapsNorCountsDown() {
        let metrics = RequestMetrics(
            prices: PriceTable([PriceRow("m", Price(input: 1000, output: 1000))], builtIn: []))
        for _ in 0..<3 {
            record(metrics) {
                var usage = usage(.max, .max, cached: .max)
                usage.cacheWriteTokens = .max
                $0.usage = usage
            }
            record(metrics) { $0.usage = usage(-5, .min) }
        }
        #expect(metrics.sums.total.inputTokens == .max)
        #expect(metrics.sums.total.outputTokens == .max)
        #expect(metrics.sums.total.cost > 0)
    }

    @Test func namesThatClientsMakeUpAreOther() {
        let metrics = RequestMetrics()
        for number in 0..<1000 {
            record(metrics, model: "junk-\(number)", outcome: "error", status: 404)
        }
        #expect(metrics.sums.series.map(\.model) == ["other"])
        #expect(metrics.sums.total.failed == 1000)
        for number in 0..<1000 { record(metrics, model: "real-\(number)") }
        #expect(metrics.sums.series.count == SeriesTable.countMax + 1)
        #expect(metrics.sums.total.total == 2000)
        // Those that are known stay apart, whatever becomes of them.
        record(metrics, model: "real-3", outcome: "error", status: 500)
        let known = metrics.sums.series.first { $0.model == "real-3" }
        #expect(known?.counts.failed == 1)
        #expect(known?.counts.succeeded == 1)
        for number in 0..<1000 { record(metrics, provider: "p\(number)", model: "x") }
        #expect(
            metrics.sums.series.count <= SeriesTable.countMax + SeriesTable.otherCountMax + 1)
        #expect(metrics.sums.total.total == 3001)
    }

    @Test func sumsOfTwoWorkersAreTheSumsOfBoth() {
        let (one, two) = (RequestMetrics(), RequestMetrics())
        record(one) { $0.usage = usage(1, 2) }
        record(two, outcome: "error") { $0.firstEventMicroseconds = 4 }
        var sum = one.sums.total
        sum += two.sums.total
        #expect(sum.total == 2)
        #expect(sum.outputTokens == 2)
        #expect(sum.firstEvent.count == 1)
        #expect(sum.duration.sum == 2000)
        var door = one.sums.doors[0].tally
        door += two.sums.doors[0].tally
        #expect(door.total == 2)
    }

    @Test func theLastHundredAreKept() {
        let metrics = RequestMetrics()
        for number in 1...250 { record(metrics, id: "id-\(number)") }
        record(metrics) { $0.isModelless = true }
        func ids(_ told: [Int]) -> [String] {
            metrics.recent.since(told).requests.map(\.requestID)
        }
        #expect(ids([]) == (151...250).map { "id-\($0)" })
        #expect(ids([248]) == ["id-249", "id-250"])
        let told = metrics.recent.since([]).told
        #expect(told == [250])
        #expect(ids(told).isEmpty)
        record(metrics) {
            $0.streams = true
            $0.usage = usage(4, 5)
            $0.firstEventMicroseconds = 6
        }
        // A name that the area has is told whole.
        let last = metrics.recent.since(told).requests[0]
        #expect(last.model == "m" && last.provider == "p")
        #expect(last.door == "chat" && last.outcome == "ok" && last.requestID == "id-1")
        #expect(last.streams)
        #expect((last.inputTokens, last.outputTokens) == (4, 5))
        #expect((last.status, last.durationMicroseconds) == (200, 1000))
        #expect(last.firstEventMicroseconds == 6)
        #expect(last.cost == nil)
    }

    @Test func namesThatHaveNoSeriesAreToldAndCut() {
        let metrics = RequestMetrics()
        let long = String(repeating: "m", count: 500)
        record(metrics, model: long, outcome: "cancelled", status: 499, id: long)
        record(metrics, provider: "q", model: "junk", outcome: "error", status: 404)
        record(metrics, provider: "", model: "", outcome: "refused", status: 400) {
            $0.requestedModel = ByteSlice("asked")
        }
        let cut = String(repeating: "m", count: RecentRequests.textBytesMax)
        let told = metrics.recent.since([]).requests
        #expect(told.map(\.model) == [cut, "junk", "asked"])
        #expect(told.map(\.provider) == ["p", "q", ""])
        #expect(told.map(\.outcome) == ["cancelled", "error", "refused"])
        #expect(told[0].requestID == cut)
    }
}
