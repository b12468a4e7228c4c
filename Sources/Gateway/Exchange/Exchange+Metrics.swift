// Exchange+Metrics.swift — what a request that has ended adds to the metrics.

import GatewayDoors
import GatewayTelemetry
import ReactorCore

extension Exchange {
    /// Fills in what only metrics ask for, counts the request, and learns its cost.
    func measure(_ record: inout AccessRecord, _ now: Instant) {
        record.door = door.name
        record.isModelless = !door.takesModel
        // `dispatched` may be an earlier request's.
        if dispatched > received {
            record.upstreamMicroseconds = Int(now.nanoseconds(since: dispatched) / 1000)
        }
        if let translation { record.droppedParameters = translation.call.droppedCount }
        record.cost = worker.metrics.record(record)
    }
}
