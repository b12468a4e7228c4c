// RequestMetrics.swift — what a worker tells of its requests. Asked once for each, when it has ended.
// No lock, no allocation but where a model is seen for the first time.

import GatewayModel
import ReactorCore

/// Counts of one door, by class of status.
package struct DoorCounts: Sendable {
    package let door: StaticString
    package var informational = 0
    package var success = 0
    package var redirect = 0
    package var clientError = 0
    package var serverError = 0
    /// Status 499: the client left.
    package var cancelled = 0

    package init(door: StaticString) { self.door = door }

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

    package static func += (left: inout DoorCounts, right: DoorCounts) {
        left.informational += right.informational
        left.success += right.success
        left.redirect += right.redirect
        left.clientError += right.clientError
        left.serverError += right.serverError
        left.cancelled += right.cancelled
    }
}

/// The metrics of one worker's requests.
package final class RequestMetrics {
    package private(set) var doors: [DoorCounts] = []
    package private(set) var table = SeriesTable()
    package private(set) var recent = RecentRequests()
    /// The gateway's own share of requests that reached an upstream.
    package private(set) var overhead = Histogram()
    /// The prices that hold from now on.
    package var prices: PriceTable {
        didSet { table.reprice(by: prices) }
    }

    package init(prices: PriceTable = PriceTable()) { self.prices = prices }

    /// Takes a request that has ended.
    /// - Returns: its cost in billionths of a dollar; nil where usage or price are not known.
    package func record(_ record: AccessRecord) -> Int? {
        countDoor(record.door, status: record.status)
        var cost: Int?
        if !record.provider.isEmpty {
            if record.status != 499 { overhead.record(microseconds: record.overheadMicroseconds) }
            let series = table.series(
                provider: record.provider, model: record.upstreamModel,
                succeeded: record.outcome.isSame(as: "ok"), prices: prices)
            if let usage = record.usage {
                let price =
                    series.isShared
                    ? prices.price(provider: record.provider, model: record.upstreamModel)
                    : series.price
                cost = price.map { CostMeter.cost(of: usage, at: $0) }
            }
            series.counts.record(record, cost: cost)
            series.exemplar.record(record)
        }
        // Whoever looks for a model's work need not see who asked how the gateway is.
        if !record.isModelless { recent.record(record, cost: cost) }
        return cost
    }

    /// The sum over all models.
    package var sum: RequestCounts {
        var sum = RequestCounts()
        for series in table.all { sum += series.counts }
        return sum
    }

    private func countDoor(_ door: StaticString, status: Int) {
        for index in doors.indices where doors[index].door.isSame(as: door) {
            doors[index].record(status: status)
            return
        }
        // There are as many as literals in the program.
        doors.append(DoorCounts(door: door))
        doors[doors.count - 1].record(status: status)
    }
}
