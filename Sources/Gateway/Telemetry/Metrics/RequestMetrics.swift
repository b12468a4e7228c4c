// RequestMetrics.swift — what a worker tells of its requests. Asked once for each, when it has ended.
// No lock, no allocation but where a model is seen for the first time.

import GatewayModel
import ReactorCore

/// What became of requests, by class of status.
package struct DoorTally: Sendable {
    package var informational = 0
    package var success = 0
    package var redirect = 0
    package var clientError = 0
    package var serverError = 0
    /// Status 499: the client left.
    package var cancelled = 0

    package var total: Int {
        informational + success + redirect + clientError + serverError + cancelled
    }

    mutating func record(status: Int) {
        switch status {
        case 499: cancelled += 1
        case 100..<200: informational += 1
        case 200..<300: success += 1
        case 300..<400: redirect += 1
        case 400..<500: clientError += 1
        default: serverError += 1
        }
    }

    package static func += (left: inout DoorTally, right: DoorTally) {
        left.informational += right.informational
        left.success += right.success
        left.redirect += right.redirect
        left.clientError += right.clientError
        left.serverError += right.serverError
        left.cancelled += right.cancelled
    }
}

/// One door's requests.
package struct DoorCounts: Sendable {
    package var door: String
    package var tally: DoorTally
}

/// Where a worker counts one door's requests.
struct DoorPlace {
    /// Of its name in the area.
    let place: Int
    let counts: UnsafeMutablePointer<RequestCounts>
}

/// The metrics of one worker's requests, and the sums of all workers'.
package final class RequestMetrics {
    private let area: SeriesArea
    private let process: Int
    /// There where nobody else has the words.
    private let memory: SeriesMemory?
    /// This worker's, by the literal that names them; there are as many as doors.
    private var doors: [(door: StaticString, place: DoorPlace)] = []
    private var table: SeriesTable
    /// Of all workers; what is recorded is this one's.
    package let recent: RecentRequests
    /// What workers say of themselves.
    package let figures: WorkerFigures
    /// The gateway's own share of requests that reached an upstream.
    private let overhead: UnsafeMutablePointer<RequestCounts>
    /// The prices that hold from now on.
    package var prices: PriceTable {
        didSet { table.reprice(by: prices) }
    }

    /// For process `process` of those that share `area`.
    package init(_ area: SeriesArea, process: Int, prices: PriceTable = PriceTable()) {
        self.area = area
        self.process = process
        memory = nil
        self.prices = prices
        table = SeriesTable(area, process: process)
        overhead = area.counts(Self.place(area, .overhead, .empty), process: process)
        recent = RecentRequests(area, process: process)
        figures = WorkerFigures(area, process: process)
    }

    /// For a process without siblings.
    package init(prices: PriceTable = PriceTable()) {
        let memory = SeriesMemory()
        self.memory = memory
        area = memory.area
        process = 0
        self.prices = prices
        table = SeriesTable(area, process: 0)
        overhead = area.counts(Self.place(area, .overhead, .empty), process: 0)
        recent = RecentRequests(area, process: 0)
        figures = WorkerFigures(area, process: 0)
    }

    /// Of a name that is the program's own, for which there is always room.
    private static func place(
        _ area: SeriesArea, _ kind: SeriesArea.Kind, _ name: ByteSlice
    ) -> Int {
        let hash = SeriesArea.hash(.empty, name)
        guard let slot = area.enter(kind, .empty, name, hash: hash) else {
            preconditionFailure("no room for the counts of \(kind)")
        }
        return slot
    }

    /// Takes a request that has ended, of the kind that `template` is of; the worker's own.
    /// - Returns: its cost in billionths of a dollar; nil where usage or price are not known.
    package func record(_ record: AccessRecord, _ template: inout RecordTemplate) -> Int? {
        let door = template.door ?? doorCounts(record.door)
        template.door = door
        door.counts.pointee.doors.record(status: record.status)
        var places = RecentRequests.Places()
        places.door = door.place
        var cost: Int?
        if !record.provider.isEmpty {
            if record.status != 499 {
                overhead.pointee.duration.record(microseconds: record.overheadMicroseconds)
            }
            let known = template.series ?? series(of: record, &template)
            (cost, places.model) = known._withUnsafeGuaranteedRef { count(record, in: $0) }
        }
        // Whoever looks for a model's work need not see who asked how the gateway is.
        if !record.isModelless { recent.record(record, cost: cost, places: places) }
        return cost
    }

    /// The sums over all workers, at this moment.
    package var sums: MetricsSums { MetricsSums(area) }

    /// The same, with what models were asked to do kept apart.
    package var sumsByOperation: MetricsSums { MetricsSums(area, byOperation: true) }

    /// - Returns: what it cost, and where its names stand in the area.
    @inline(__always)
    private func count(_ record: AccessRecord, in series: ModelSeries) -> (cost: Int?, place: Int) {
        var cost: Int?
        if let usage = record.usage {
            let price =
                series.isShared
                ? prices.price(provider: record.provider, model: record.upstreamModel)
                : series.price
            cost = price.map { CostMeter.cost(of: usage, at: $0) }
        }
        series.record(record, cost: cost)
        return (cost, series.isShared ? -1 : series.place)
    }

    /// A series lives as long as this object. What shares one may get its own later.
    private func series(
        of record: AccessRecord, _ template: inout RecordTemplate
    ) -> Unmanaged<ModelSeries> {
        let series = table.series(
            provider: record.provider, model: record.upstreamModel,
            record.operation, succeeded: record.outcome.isSame(as: "ok"),
            prices: prices)
        let place = Unmanaged.passUnretained(series)
        if !series.isShared { template.series = place }
        return place
    }

    private func doorCounts(_ door: StaticString) -> DoorPlace {
        for known in doors where known.door.isSame(as: door) { return known.place }
        let place = Self.place(area, .door, ByteSlice(door))
        let found = DoorPlace(place: place, counts: area.counts(place, process: process))
        doors.append((door, found))
        return found
    }
}
