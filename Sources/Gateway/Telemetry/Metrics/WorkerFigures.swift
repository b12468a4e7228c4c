// WorkerFigures.swift — what workers say of themselves, in memory that all of them see: what each holds at
// the moment, and what it has done so far. Written each second and whenever somebody asks (Admin), so what
// is read of another worker is up to a second old, and two workers that are asked one after the other never
// say less the second time. Requests are no part of it: those are counted when they end (`RequestCounts`).

import ReactorCore

/// Words of one process. What `clear` sets to zero is what the process holds; all else are sums, which
/// stay when it dies, so whoever writes adds what has come since the last time.
package protocol SharedFigures {
    mutating func clear()
}

/// One worker process.
package struct ProcessFigures: SharedFigures {
    /// 1 as long as it is there.
    package var isThere = 0
    /// When it wrote last, by the system's monotonic clock, which is the same for all processes.
    package var writtenAtNanoseconds = 0
    /// Memory of its own, without files that are mapped; and with them.
    package var anonymousBytes = 0
    package var residentBytes = 0
    package var lagMicroseconds = 0
    package var lagMaxMicroseconds = 0
    /// User and system time.
    package var cpuMicroseconds = 0
    package var droppedLogLines = 0
    /// Of clients: connections that are open, and sums of the bytes that came and went by them.
    package var connections = 0
    package var receivedBytes = 0
    package var sentBytes = 0

    package init() {}

    package mutating func clear() {
        let sums = self
        self = ProcessFigures()
        cpuMicroseconds = sums.cpuMicroseconds
        droppedLogLines = sums.droppedLogLines
        receivedBytes = sums.receivedBytes
        sentBytes = sums.sentBytes
    }
}

/// One provider, as one worker has it.
package struct ProviderFigures: SharedFigures {
    package var pool = PoolCounters()
    package var token = TokenFigures()

    package init() {}

    package mutating func clear() {
        pool.clear()
        token.clear()
    }

    /// Adds a pool: what it holds, and what it has done since it was last added.
    package mutating func add(_ counters: PoolCounters, told: PoolCounters) {
        pool.connecting += counters.connecting
        pool.leased += counters.leased
        pool.idle += counters.idle
        pool.waiting += counters.waiting
        addSums(of: counters, told: told)
    }

    /// Adds what a pool that is going away has done since it was last added.
    package mutating func addSums(of counters: PoolCounters, told: PoolCounters) {
        pool.created += counters.created - told.created
        pool.reused += counters.reused - told.reused
        pool.handshakes += counters.handshakes - told.handshakes
        pool.resumptions += counters.resumptions - told.resumptions
    }
}

/// One provider's access token, as one worker has it. Never the token.
package struct TokenFigures {
    package enum State: Int, CaseIterable, Sendable {
        case empty = 1
        case loading
        case valid
        case refreshing
        case waiting
        case broken

        package var name: StaticString {
            switch self {
            case .empty: "empty"
            case .loading: "loading"
            case .valid: "valid"
            case .refreshing: "refreshing"
            case .waiting: "waiting"
            case .broken: "broken"
            }
        }
    }

    /// A `State`; 0 where the worker has no such provider.
    package var state = 0
    package var isUsable = 0
    /// Seconds since 1970 of the one at hand, and of the next try; 0 where there is none.
    package var createdAt = 0
    package var expiresAt = 0
    package var retryAt = 0
    package var secretBytes = 0
    /// Requests that wait for one.
    package var waiting = 0
    /// Sums: tokens that it has had, requests that wanted one, those of them that had it at once.
    package var generations = 0
    package var leases = 0
    package var hits = 0

    package init() {}

    mutating func clear() {
        let sums = self
        self = TokenFigures()
        generations = sums.generations
        leases = sums.leases
        hits = sums.hits
    }
}

/// One exporter, as one worker has it.
package struct ExportFigures: SharedFigures {
    package var waiting = 0
    package var sent = 0
    package var refused = 0
    package var dropped = 0

    package init() {}

    package mutating func clear() { waiting = 0 }

    static func += (left: inout ExportFigures, right: ExportFigures) {
        left.waiting += right.waiting
        left.sent += right.sent
        left.refused += right.refused
        left.dropped += right.dropped
    }
}

/// The figures of all workers, and which of them are this one's.
package final class WorkerFigures {
    private let area: SeriesArea
    private let process: Int
    /// Where this worker writes of itself.
    package private(set) var own: UnsafeMutablePointer<ProcessFigures>
    /// Where it writes of providers: those that it has ever had.
    package private(set) var providers: [UnsafeMutablePointer<ProviderFigures>] = []
    private var providerNames: [String] = []

    init(_ area: SeriesArea, process: Int) {
        self.area = area
        self.process = process
        guard let slot = Self.enter(.process, "", area) else {
            preconditionFailure("no room for the figures of processes")
        }
        own = area.figures(slot, process: process)
    }

    // MARK: This worker's

    /// The place of a provider in `providers`, entered now if it is new; nil where there are too many.
    package func place(ofProvider name: String) -> Int? {
        if let known = providerNames.firstIndex(of: name) { return known }
        guard let slot = find(.provider, name) ?? newProvider(name) else { return nil }
        providers.append(area.figures(slot, process: process))
        providerNames.append(name)
        return providers.count - 1
    }

    private func newProvider(_ name: String) -> Int? {
        guard area.providerCount.value < SeriesArea.providerCountMax,
            let slot = Self.enter(.provider, name, area)
        else { return nil }
        area.providerCount.add(1)
        return slot
    }

    /// Where it writes of an exporter, whose name is the program's own.
    package func exporter(_ name: String) -> UnsafeMutablePointer<ExportFigures> {
        guard let slot = Self.enter(.exporter, name, area) else {
            preconditionFailure("no room for the figures of \(name)")
        }
        return area.figures(slot, process: process)
    }

    private func find(_ kind: SeriesArea.Kind, _ name: String) -> Int? {
        name.withByteSlice { area.find(kind, .empty, $0, hash: SeriesArea.hash(.empty, $0)) }
    }

    private static func enter(
        _ kind: SeriesArea.Kind, _ name: String, _ area: SeriesArea
    ) -> Int? {
        name.withByteSlice { area.enter(kind, .empty, $0, hash: SeriesArea.hash(.empty, $0)) }
    }

    // MARK: All workers'

    /// What each process number says of itself; zeros where there never was one.
    package var processes: [ProcessFigures] {
        guard let slot = find(.process, "") else { return [] }
        return all(slot)
    }

    /// What each process number says of a provider; empty where none has entered it.
    package func all(ofProvider name: String) -> [ProviderFigures] {
        find(.provider, name).map { all($0) } ?? []
    }

    /// All exporters by name, each summed up.
    package var exports: [(name: String, sum: ExportFigures)] {
        var found: [(name: String, sum: ExportFigures)] = []
        area.forEach { slot, kind, _, name in
            guard kind == .exporter else { return }
            var sum = ExportFigures()
            for one in all(slot) as [ExportFigures] { sum += one }
            found.append((name.string, sum))
        }
        return found.sorted { $0.name < $1.name }
    }

    private func all<Figures: SharedFigures>(_ slot: Int) -> [Figures] {
        (0..<area.processCount).map { area.figures(slot, process: $0).pointee }
    }
}
