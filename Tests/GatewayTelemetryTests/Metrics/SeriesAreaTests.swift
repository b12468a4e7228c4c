// SeriesAreaTests.swift — several workers on one area of words: every name once, every count once, and
// nothing lost with a worker that dies.

import GatewayModel
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct SeriesAreaTests {
    private static func record(
        _ metrics: RequestMetrics, _ model: String, provider: String = "p", ok: Bool = true,
        tokens: Int = 3, door: StaticString = "chat"
    ) {
        let record = AccessRecord()
        record.door = door
        record.outcome = ok ? "ok" : "error"
        record.status = ok ? 200 : 502
        record.durationMicroseconds = 1000
        var usage = Usage()
        usage.inputTokens = tokens
        record.usage = usage
        model.withByteSlice { model in
            provider.withByteSlice { provider in
                record.upstreamModel = model
                record.provider = provider
                _ = metrics.record(record)
            }
        }
    }

    @Test func everyWorkerTellsTheSumOfAll() {
        let memory = SharedWords(processCount: 3)
        let workers = (0..<3).map { RequestMetrics(memory.area, process: $0) }
        for (index, worker) in workers.enumerated() {
            for _ in 0...index { Self.record(worker, "a") }
        }
        Self.record(workers[2], "b", ok: true)
        Self.record(workers[0], "b", ok: false)
        for worker in workers {
            let sums = worker.sums
            #expect(sums.series.map(\.model) == ["a", "b"])
            #expect(sums.series[0].counts.succeeded == 6)
            #expect(sums.series[0].counts.inputTokens == 18)
            #expect(sums.series[0].counts.duration.count == 6)
            // Another worker's success opened the name for this one's failure.
            #expect(sums.series[1].counts.failed == 1 && sums.series[1].counts.succeeded == 1)
            #expect(sums.doors.map(\.door) == ["chat"])
            #expect(sums.doors[0].tally.success == 7 && sums.doors[0].tally.serverError == 1)
            #expect(sums.overhead.count == 8)
        }
    }

    /// What a model is asked to do has numbers of its own; together they are the model's.
    @Test func operationsAreCountedApart() {
        let memory = SharedWords(processCount: 2)
        let workers = (0..<2).map { RequestMetrics(memory.area, process: $0) }
        let doors: [StaticString] = [
            "chat", "messages", "responses", "completions", "embeddings", "embeddings",
        ]
        for (index, door) in doors.enumerated() {
            Self.record(workers[index % 2], "m", tokens: index, door: door)
        }
        Self.record(workers[0], "m", ok: false, door: "embeddings")
        Self.record(workers[1], "junk", ok: false, door: "completions")
        for worker in workers {
            let apart = worker.sumsByOperation.series
            #expect(apart.map(\.model) == ["m", "m", "m", "other"])
            #expect(
                apart.map { $0.operation.map { "\($0.name)" } } == [
                    "chat", "text_completion", "embeddings", "text_completion",
                ])
            #expect(apart.map(\.counts.succeeded) == [3, 1, 2, 0])
            #expect(apart.map(\.counts.failed) == [0, 0, 1, 1])
            #expect(apart.map(\.counts.inputTokens) == [3, 3, 12, 3])
            let together = worker.sums.series
            #expect(together.map(\.model) == ["m", "other"])
            #expect(together.allSatisfy { $0.operation == nil })
            #expect(together.map(\.counts.total) == [7, 1])
            #expect(worker.sums.total.total == worker.sumsByOperation.total.total)
        }
    }

    /// Operations make no more series than there may be, and leave room for the names of others.
    @Test func operationsAreBoundedWithTheirModels() {
        let memory = SharedWords(processCount: 1)
        let metrics = RequestMetrics(memory.area, process: 0)
        for door in ["chat", "completions", "embeddings"] as [StaticString] {
            for number in 0..<200 {
                Self.record(metrics, "m-\(number)", door: door)
                Self.record(metrics, "junk", provider: "p-\(number)", ok: false, door: door)
            }
        }
        let series = metrics.sumsByOperation.series
        let others = series.filter { $0.model == "other" }
        #expect(series.count - others.count == SeriesTable.countMax)
        #expect(others.count <= SeriesTable.otherCountMax + ModelOperation.allCases.count)
        #expect(series.reduce(0) { $0 + $1.counts.total } == 3 * 400)
        #expect(metrics.sums.doors.count == 3)
    }

    @Test func whatADeadWorkerCountedStays() {
        let memory = SharedWords(processCount: 2)
        do {
            let dead = RequestMetrics(memory.area, process: 1)
            for _ in 0..<5 { Self.record(dead, "a") }
        }
        let other = RequestMetrics(memory.area, process: 0)
        Self.record(other, "a")
        #expect(other.sums.series[0].counts.succeeded == 6)
        // Whoever gets its number goes on from there.
        let next = RequestMetrics(memory.area, process: 1)
        Self.record(next, "a")
        #expect(other.sums.series[0].counts.succeeded == 7)
        #expect(next.sums.total.total == 7)
    }

    @Test func namesOfClientsAreBoundedOverAllWorkers() {
        let memory = SharedWords(processCount: 2)
        let workers = (0..<2).map { RequestMetrics(memory.area, process: $0) }
        for number in 0..<600 {
            Self.record(workers[number % 2], "model-\(number)")
            Self.record(workers[number % 2], "junk-\(number)", ok: false)
        }
        for number in 0..<200 { Self.record(workers[0], "x", provider: "p-\(number)", ok: false) }
        Self.record(workers[1], String(repeating: "n", count: 400))
        let sums = workers[0].sums
        let others = sums.series.filter { $0.model == "other" }
        #expect(sums.series.count - others.count == SeriesTable.countMax)
        #expect(others.count == SeriesTable.otherCountMax + 1)
        #expect(sums.total.total == 600 * 2 + 200 + 1)
        #expect(workers[1].sums.total.total == sums.total.total)
    }

    /// A worker that died while it entered a name has left a place that nobody waits for.
    @Test func aNameThatWasNeverFinishedIsPassedOver() {
        let memory = SharedWords(processCount: 1)
        // Every place looks as if somebody were writing there, but for a few.
        let state = { (slot: Int) in memory.words + 8 + slot * 48 }
        for slot in 0..<SeriesArea.capacity where slot % 16 != 0 { state(slot).pointee = 1 }
        let metrics = RequestMetrics(memory.area, process: 0)
        for number in 0..<10 { Self.record(metrics, "m-\(number)") }
        #expect(metrics.sums.series.count == 10)
        #expect(metrics.sums.total.succeeded == 10)
    }

    @Test func workersThatRaceEnterEachNameOnce() async {
        let memory = SharedWords(processCount: 4)
        await withTaskGroup(of: Void.self) { group in
            for process in 0..<4 {
                group.addTask {
                    let metrics = RequestMetrics(memory.area, process: process)
                    for round in 0..<40 {
                        for number in 0..<50 { Self.record(metrics, "m-\((number + round) % 50)") }
                    }
                }
            }
        }
        let sums = RequestMetrics(memory.area, process: 0).sums
        #expect(sums.series.count == 50)
        #expect(sums.series.allSatisfy { $0.counts.succeeded == 4 * 40 })
        #expect(sums.total.inputTokens == 4 * 40 * 50 * 3)
    }
}
