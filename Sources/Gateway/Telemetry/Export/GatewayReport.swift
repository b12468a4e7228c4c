// GatewayReport.swift — all that a worker tells about itself at one moment, gathered by Admin and
// written by the exporters beside this file. Values only.

import ReactorCore

/// A worker's state, and the sums of what it has done.
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

    /// One provider's credential that expires. Never the credential.
    package struct Token {
        package var provider: String
        /// `empty`, `loading`, `valid`, `refreshing`, `waiting` or `broken`.
        package var state: String
        package var isUsable: Bool
        /// How many there have been.
        package var generation: Int
        /// Seconds from now, of the one at hand.
        package var age: Int?
        package var expiresIn: Int?
        package var retryIn: Int?
        package var secretBytes: Int?
        /// Requests that wait for one.
        package var waiting: Int
        /// Requests that wanted one, and those of them that had it at once.
        package var leases: Int
        package var hits: Int

        package init(
            provider: String, state: String, isUsable: Bool, generation: Int, age: Int?,
            expiresIn: Int?, retryIn: Int?, secretBytes: Int?, waiting: Int, leases: Int, hits: Int
        ) {
            self.provider = provider
            self.state = state
            self.isUsable = isUsable
            self.generation = generation
            self.age = age
            self.expiresIn = expiresIn
            self.retryIn = retryIn
            self.secretBytes = secretBytes
            self.waiting = waiting
            self.leases = leases
            self.hits = hits
        }
    }

    /// What one exporter has done with the records of requests.
    package struct Export {
        package var name: String
        package var sent: Int
        /// Those that the collector would not have, and those for which there was no room or time.
        package var refused: Int
        package var dropped: Int
        package var waiting: Int

        package init(name: String, sent: Int, refused: Int, dropped: Int, waiting: Int) {
            self.name = name
            self.sent = sent
            self.refused = refused
            self.dropped = dropped
            self.waiting = waiting
        }
    }

    /// What the system says of the process.
    package struct Process {
        /// Memory of its own, without files that are mapped.
        package var anonymousBytes = 0
        package var residentBytes = 0
        /// User and system time.
        package var cpuMicroseconds = 0

        package init() {}
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
    /// Repairs of tool calls by kind, and calls of built-in functions by name.
    package var repairs: [(kind: String, count: Int)] = []
    package var builtInRounds = 0
    package var builtInCalls: [(function: String, count: Int)] = []
    package var providers: [Provider] = []
    package var budgets: [Budget] = []
    package var pools: [Pool] = []
    package var tokens: [Token] = []
    package var exports: [Export] = []
    package var process = Process()
    package var lag = LagReading()

    package init() {}

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
}

extension PoolCounters {
    package static func += (left: inout PoolCounters, right: PoolCounters) {
        left.connecting += right.connecting
        left.leased += right.leased
        left.idle += right.idle
        left.waiting += right.waiting
        left.created += right.created
        left.reused += right.reused
    }
}
