// WorkerFiguresTests.swift — what workers say of themselves on one area of words, as any of them reads it.

import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct WorkerFiguresTests {
    private static func provider(
        _ name: String, of worker: WorkerFigures
    ) throws -> UnsafeMutablePointer<ProviderFigures> {
        let place = try #require(worker.place(ofProvider: name))
        return worker.providers[place]
    }

    private func counters(idle: Int, created: Int, handshakes: Int = 0) -> PoolCounters {
        var counters = PoolCounters()
        counters.idle = idle
        counters.created = created
        counters.handshakes = handshakes
        return counters
    }

    @Test func everyWorkerReadsWhatAllHaveWritten() throws {
        let memory = SharedWords(processCount: 4)
        let workers = (0..<4).map { memory.worker($0).figures }
        for (number, worker) in workers.enumerated() {
            let figures = try Self.provider("p", of: worker)
            figures.pointee.add(
                counters(idle: 1, created: 10 + number, handshakes: 2), told: PoolCounters())
            figures.pointee.token.leases = 5
            worker.exporter("otlp").pointee.sent += 100
            worker.own.pointee.isThere = 1
            worker.own.pointee.residentBytes = number
        }
        for worker in workers {
            let all = worker.all(ofProvider: "p")
            #expect(all.map(\.pool.created) == [10, 11, 12, 13])
            #expect(all.map(\.pool.idle) == [1, 1, 1, 1])
            #expect(all.map(\.token.leases) == [5, 5, 5, 5])
            #expect(worker.exports.map(\.name) == ["otlp"])
            #expect(worker.exports[0].sum.sent == 400)
            #expect(worker.processes.map(\.residentBytes) == [0, 1, 2, 3])
            #expect(worker.providers.count == 1)
            #expect(worker.all(ofProvider: "nobody").isEmpty)
        }
        // None of it is a request's.
        #expect(memory.worker(0).sums.series.isEmpty)
        #expect(memory.worker(0).sums.doors.isEmpty)
    }

    @Test func aDeadWorkerHoldsNothingAndWhatItDidStays() throws {
        let memory = SharedWords(processCount: 2)
        let dead = memory.worker(1).figures
        let figures = try Self.provider("p", of: dead)
        figures.pointee.add(counters(idle: 3, created: 7, handshakes: 7), told: PoolCounters())
        figures.pointee.token.state = TokenFigures.State.valid.rawValue
        figures.pointee.token.generations = 2
        dead.exporter("otlp").pointee.waiting = 9
        dead.exporter("otlp").pointee.sent = 4
        dead.own.pointee.isThere = 1
        dead.own.pointee.cpuMicroseconds = 50
        dead.own.pointee.droppedLogLines = 6
        memory.area.clear(process: 1)
        let other = memory.worker(0).figures
        let left = other.all(ofProvider: "p")[1]
        #expect(left.pool == counters(idle: 0, created: 7, handshakes: 7))
        #expect(left.token.state == 0 && left.token.generations == 2)
        #expect(other.exports[0].sum.waiting == 0 && other.exports[0].sum.sent == 4)
        #expect(other.processes[1].isThere == 0)
        #expect(other.processes[1].cpuMicroseconds == 50)
        #expect(other.processes[1].droppedLogLines == 6)
        // Whoever gets its number adds what it does itself: its pool begins at zero.
        let next = try Self.provider("p", of: memory.worker(1).figures)
        var told = PoolCounters()
        for created in [2, 5] {
            let now = counters(idle: 1, created: created)
            next.pointee.pool.idle = 0
            next.pointee.add(now, told: told)
            told = now
        }
        #expect(other.all(ofProvider: "p")[1].pool == counters(idle: 1, created: 12, handshakes: 7))
    }

    @Test func providersAreBoundedAndLeaveRoomForTheRest() {
        let memory = SharedWords(processCount: 1)
        let worker = memory.worker(0)
        for number in 0..<300 { _ = worker.figures.place(ofProvider: "p-\(number)") }
        #expect(worker.figures.providers.count == SeriesArea.providerCountMax)
        #expect(worker.figures.place(ofProvider: "p-299") == nil)
        #expect(worker.figures.place(ofProvider: "p-7") == 7)
        // Models, doors and exporters still have theirs.
        for number in 0..<SeriesTable.countMax + SeriesTable.otherCountMax + 50 {
            let record = AccessRecord()
            record.door = "chat"
            "m-\(number)".withByteSlice {
                record.provider = ByteSlice("p")
                record.upstreamModel = $0
                _ = worker.record(record)
            }
        }
        worker.figures.exporter("langfuse").pointee.sent = 1
        #expect(worker.sums.series.count == SeriesTable.countMax + 1)
        #expect(worker.sums.doors.count == 1)
    }

    // MARK: As one

    private func token(
        _ state: TokenFigures.State, usable: Bool = true, created: Int = 100, expires: Int = 0,
        retry: Int = 0
    ) -> TokenFigures {
        var token = TokenFigures()
        token.state = state.rawValue
        token.isUsable = usable ? 1 : 0
        token.createdAt = created
        token.expiresAt = expires
        token.retryAt = retry
        token.generations = 1
        token.leases = 10
        token.hits = 9
        token.waiting = 2
        token.secretBytes = 20
        return token
    }

    @Test func theTokensOfAllWorkersAsOne() {
        let none = GatewayReport.Token(provider: "p", [TokenFigures(), TokenFigures()], now: 200)
        #expect(none.state == .empty && !none.isUsable && none.expiresIn == nil)
        let both = GatewayReport.Token(
            provider: "p",
            [
                token(.valid, expires: 500), TokenFigures(),
                token(.refreshing, created: 150, expires: 400),
            ], now: 200)
        #expect(both.state == .valid && both.isUsable)
        #expect(both.workers == [0, 0, 1, 1, 0, 0])
        #expect((both.age, both.expiresIn, both.secretBytes) == (50, 200, 20))
        #expect((both.generations, both.leases, both.hits, both.waiting) == (2, 20, 18, 4))
        // One that has ended, at a worker that nobody asks, says nothing of those that hold.
        for order in [[0, 1], [1, 0]] {
            let all = [token(.empty, usable: false, expires: 190), token(.valid, expires: 900)]
            let mixed = GatewayReport.Token(provider: "p", order.map { all[$0] }, now: 200)
            #expect(mixed.expiresIn == 700 && mixed.isUsable && mixed.state == .valid)
        }
        let broken = GatewayReport.Token(
            provider: "p",
            [token(.valid, expires: 300), token(.broken, usable: false, retry: 230)], now: 200)
        #expect(broken.state == .broken && broken.isUsable && broken.retryIn == 30)
        let ended = GatewayReport.Token(
            provider: "p", [token(.empty, usable: false, expires: 150)], now: 200)
        #expect(ended.expiresIn == 0 && !ended.isUsable)
    }

    @Test func workersByTheirPlaces() {
        var all = [ProcessFigures](repeating: ProcessFigures(), count: 8)
        // Place 0: the former one leaves while the next is there; place 1: gone; place 3: it stands.
        for number in [0, 1, 6] {
            all[number].isThere = 1
            all[number].residentBytes = 100
            all[number].cpuMicroseconds = 10
            all[number].lagMicroseconds = number
            all[number].writtenAtNanoseconds = 9_500_000_000
        }
        all[2].cpuMicroseconds = 30
        all[6].writtenAtNanoseconds = 5_000_000_000
        let workers = GatewayReport.workers(all, now: 10_000_000_000)
        #expect(workers.map(\.place) == [0, 1, 3])
        #expect(workers.map(\.count) == [2, 0, 1])
        #expect(workers.map(\.process.residentBytes) == [200, 0, 100])
        #expect(workers.map(\.process.cpuMicroseconds) == [20, 30, 10])
        #expect(workers.map(\.lag.lastMicroseconds) == [1, 0, 4_000_000])
        #expect(workers[2].lag.maxMicroseconds == 4_000_000)
        var report = GatewayReport()
        report.workers = workers
        #expect(report.process.residentBytes == 300)
        #expect(report.lag.maxMicroseconds == 4_000_000)
    }

    // MARK: Recent requests and exemplars

    private static func record(
        _ metrics: RequestMetrics, id: String, at seconds: Int, model: String = "m"
    ) {
        let record = AccessRecord()
        record.door = "chat"
        record.status = 200
        record.secondsSince1970 = seconds
        id.withByteSlice { id in
            model.withByteSlice { model in
                record.requestID = id
                record.upstreamModel = model
                record.provider = ByteSlice("p")
                _ = metrics.record(record)
            }
        }
    }

    @Test func theLastRequestsOfAllWorkersInTheOrderOfTheirEnd() {
        let memory = SharedWords(processCount: 3)
        let workers = (0..<3).map { memory.worker($0) }
        for second in 0..<200 { Self.record(workers[second % 2], id: "id-\(second)", at: second) }
        for worker in workers {
            let found = worker.recent.since([])
            #expect(
                found.requests.map(\.requestID) == (100..<200).map { "id-\($0)" })
            #expect(found.requests.map(\.process).prefix(2) == [0, 1])
            #expect(found.told == [100, 100, 0])
        }
        Self.record(workers[1], id: "next", at: 300)
        Self.record(workers[2], id: "first", at: 250)
        let found = workers[0].recent.since([100, 100, 0])
        #expect(found.requests.map(\.requestID) == ["first", "next"])
        // A worker that died goes on where it was.
        Self.record(memory.worker(1), id: "later", at: 400)
        #expect(workers[0].recent.since(found.told).requests[0].requestID == "later")
    }

    @Test func whoeverReadsWhileOthersWriteGetsWholeEntries() async {
        let memory = SharedWords(processCount: 2)
        let rounds = 30_000
        let wrong = await withTaskGroup(of: Int.self) { group in
            for process in 0..<2 {
                group.addTask {
                    let metrics = memory.worker(process)
                    for number in 0..<rounds {
                        let text = String(repeating: "abcdefgh", count: number % 9 + 1)
                        Self.record(metrics, id: text, at: text.utf8.count, model: text)
                    }
                    return 0
                }
            }
            group.addTask {
                let recent = memory.worker(0).recent
                var wrong = 0
                while recent.numbers.reduce(0, +) < rounds * 2 {
                    for request in recent.since([]).requests
                    where request.requestID != request.model
                        || request.model.utf8.count != request.seconds
                    {
                        wrong += 1
                    }
                }
                return wrong
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    @Test func theExemplarIsTheLastRequestOfAllWorkers() {
        let memory = SharedWords(processCount: 2)
        let workers = (0..<2).map { memory.worker($0) }
        #expect(workers[0].sums.series.isEmpty)
        Self.record(workers[0], id: "one", at: 10)
        Self.record(workers[1], id: "two", at: 20)
        Self.record(workers[0], id: "other", at: 99, model: "n")
        for worker in workers {
            #expect(worker.sums.series.map(\.exemplar.requestID) == ["two", "other"])
        }
        Self.record(workers[0], id: "three", at: 30)
        #expect(workers[1].sums.series[0].exemplar.requestID == "three")
    }
}
