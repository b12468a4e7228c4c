// GatewayReport.swift — all that is told of the gateway at one moment, by whichever worker: gathered by
// Admin and written by the exporters beside this file. Values only.

import ReactorCore

/// The state of all workers, and the sums of what they have done.
package struct GatewayReport {
    /// One provider's connections.
    package struct Pool {
        package var provider: String
        package var counters: PoolCounters

        package init(provider: String, counters: PoolCounters) {
            self.provider = provider
            self.counters = counters
        }
    }

    /// What all workers know of one provider.
    package struct Provider {
        package var name: String
        /// `closed`, `open` or `half_open`; nil where it has no breaker.
        package var breaker: String?
        /// Until an open one lets somebody through.
        package var retryIn: Int?
        package var failuresInRow = 0
        package var openings = 0
        /// Requests that the breaker kept away, and those that went on to another target.
        package var refusals = 0
        package var departures = 0

        package init(name: String) { self.name = name }
    }

    /// What one key may spend, and has, in billionths of a dollar.
    package struct Budget {
        package var key: String
        package var period: String
        package var limit: Int
        package var spent: Int
        package var resetIn: Int?

        package init(key: String, period: String, limit: Int, spent: Int, resetIn: Int?) {
            self.key = key
            self.period = period
            self.limit = limit
            self.spent = spent
            self.resetIn = resetIn
        }
    }

    /// What one exporter has done with the records of requests.
    package struct Export {
        package var name: String
        package var figures: ExportFigures

        package init(name: String, figures: ExportFigures) {
            self.name = name
            self.figures = figures
        }
    }

    /// What the system says of a process.
    package struct Process: Sendable {
        /// Memory of its own, without files that are mapped.
        package var anonymousBytes = 0
        package var residentBytes = 0
        /// User and system time.
        package var cpuMicroseconds = 0

        package init() {}
    }

    /// One place of the workers: while a worker is replaced there are two processes in it.
    package struct Worker {
        package var place: Int
        package var process = Process()
        package var lag = LagReading()
        /// Processes that are there.
        package var count = 0

        package init(place: Int) { self.place = place }
    }

    package var version = ""
    package var isDraining = false
    package var now = 0
    package var startSeconds = 0
    package var providerCount = 0
    package var requests = 0
    package var inFlight = 0
    package var cancelled = 0
    package var streams = 0
    package var heartbeats = 0
    package var streamErrors = 0
    package var droppedLogLines = 0
    /// Connections of clients that are open, and what came and went by them.
    package var connections = 0
    package var receivedBytes = 0
    package var sentBytes = 0
    /// Repairs of tool calls by kind, and calls of built-in functions by name.
    package var repairs: [(kind: String, count: Int)] = []
    package var builtInRounds = 0
    package var builtInCalls: [(function: String, count: Int)] = []
    package var providers: [Provider] = []
    package var budgets: [Budget] = []
    package var pools: [Pool] = []
    package var tokens: [Token] = []
    package var exports: [Export] = []
    package var workers: [Worker] = []

    package init() {}

    /// All workers together.
    package var process: Process {
        var sum = Process()
        for worker in workers {
            sum.anonymousBytes += worker.process.anonymousBytes
            sum.residentBytes += worker.process.residentBytes
            sum.cpuMicroseconds += worker.process.cpuMicroseconds
        }
        return sum
    }

    /// The latest of all loops.
    package var lag: LagReading {
        var most = LagReading()
        for worker in workers { most.take(worker.lag) }
        return most
    }

    /// All pools together.
    package var pool: PoolCounters {
        var sum = PoolCounters()
        for pool in pools { sum += pool.counters }
        return sum
    }
}

/// How late the loop was.
package struct LagReading: Sendable {
    /// At the last look, and the most of the last minute.
    package var lastMicroseconds = 0
    package var maxMicroseconds = 0

    package init() {}

    mutating func take(_ other: LagReading) {
        lastMicroseconds = max(lastMicroseconds, other.lastMicroseconds)
        maxMicroseconds = max(maxMicroseconds, other.maxMicroseconds)
    }
}

extension PoolCounters {
    /// Leaves what has been done; what is held is gone.
    mutating func clear() {
        connecting = 0
        leased = 0
        idle = 0
        waiting = 0
    }

    package static func += (left: inout PoolCounters, right: PoolCounters) {
        left.connecting += right.connecting
        left.leased += right.leased
        left.idle += right.idle
        left.waiting += right.waiting
        left.created += right.created
        left.reused += right.reused
        left.handshakes += right.handshakes
        left.resumptions += right.resumptions
    }
}
