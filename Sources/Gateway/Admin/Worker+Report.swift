// Worker+Report.swift — gathers what is told of all workers, and tells them of this one's process. Its
// numbers are read from the system here: each second and when somebody asks, never on the way of a request.

import GatewayExchange
import GatewayPolicy
import GatewayTelemetry
import GatewayTools
import Glibc
import Reactor
import ReactorCore

extension Worker {
    /// The state of this moment; what other workers hold is up to a second old.
    func report(version: String) -> GatewayReport {
        var report = GatewayReport()
        report.version = version
        report.isDraining = isDraining
        report.now = loop.secondsSince1970
        report.startSeconds = startSeconds
        report.providerCount = snapshot.upstreams.count
        report.requests = shared.sum { $0.requests }
        report.inFlight = shared.sum { $0.inFlight }
        report.cancelled = shared.sum { $0.cancelled }
        report.streams = shared.sum { $0.streams }
        report.heartbeats = shared.sum { $0.heartbeats }
        report.streamErrors = shared.sum { $0.streamErrors }
        report.repairs = RepairCounts.Kind.allCases.map { kind in
            ("\(kind.name)", shared.sum { $0.repairs(ofKind: kind.rawValue) })
        }
        report.builtInRounds = shared.sum { $0.builtInRounds }
        report.builtInCalls = BuiltInTool.all.enumerated().map { place, tool in
            ("\(tool.name)", shared.sum { $0.builtInCalls(of: place) })
        }
        let figures = metrics.figures
        let processes = figures.processes
        report.droppedLogLines = processes.reduce(0) { $0 + $1.droppedLogLines }
        report.connections = processes.reduce(0) { $0 + $1.connections }
        report.receivedBytes = processes.reduce(0) { $0 + $1.receivedBytes }
        report.sentBytes = processes.reduce(0) { $0 + $1.sentBytes }
        report.workers = GatewayReport.workers(processes, now: Int(loop.now.nanoseconds))
        report.exports = figures.exports.map { .init(name: $0.name, figures: $0.sum) }
        report.providers = snapshot.upstreams.map { provider($0) }
        report.budgets = snapshot.keys.budgeted.compactMap { budget(of: $0) }
        for upstream in snapshot.upstreams {
            let all = figures.all(ofProvider: upstream.name)
            if upstream.poolCounters != nil, !all.isEmpty {
                var sum = PoolCounters()
                for one in all { sum += one.pool }
                report.pools.append(.init(provider: upstream.name, counters: sum))
            }
            if upstream.tokens != nil {
                report.tokens.append(
                    .init(provider: upstream.name, all.map(\.token), now: report.now))
            }
        }
        return report
    }

    /// Tells all workers how this process stands.
    /// - Parameters:
    ///   - clients: the server of its clients, if it has any.
    ///   - isThere: false where it only sends what is left, and measures nothing more.
    ///   - told: what of its sums is told already.
    func publishProcess(
        lag: LagReading, clients: HTTPServer?, isThere: Bool, told: inout ToldProcess
    ) {
        let process = GatewayReport.Process.read()
        let own = metrics.figures.own
        own.pointee.isThere = isThere ? 1 : 0
        own.pointee.writtenAtNanoseconds = Int(loop.now.nanoseconds)
        own.pointee.anonymousBytes = process.anonymousBytes
        own.pointee.residentBytes = process.residentBytes
        own.pointee.lagMicroseconds = lag.lastMicroseconds
        own.pointee.lagMaxMicroseconds = lag.maxMicroseconds
        own.pointee.cpuMicroseconds += process.cpuMicroseconds - told.cpuMicroseconds
        own.pointee.droppedLogLines += log.droppedCount - told.droppedLogLines
        told.cpuMicroseconds = process.cpuMicroseconds
        told.droppedLogLines = log.droppedCount
        guard let clients else { return }
        own.pointee.connections = clients.connectionCount
        own.pointee.receivedBytes += clients.receivedByteCount - told.receivedBytes
        own.pointee.sentBytes += clients.sentByteCount - told.sentBytes
        told.receivedBytes = clients.receivedByteCount
        told.sentBytes = clients.sentByteCount
    }

    private func provider(_ upstream: Upstream) -> GatewayReport.Provider {
        var provider = GatewayReport.Provider(name: upstream.name)
        guard let cell = upstream.cell else { return provider }
        provider.departures = cell.departures
        guard let policy = upstream.breaker else { return provider }
        let machine = cell.machine
        provider.breaker =
            switch machine.phase {
            case .closed: "closed"
            case .open: "open"
            case .halfOpen: "half_open"
            }
        provider.failuresInRow = machine.failuresInRow
        provider.openings = cell.openings
        provider.refusals = cell.refusals
        if machine.phase != .closed {
            let wait = machine.waitNanoseconds(policy, now: loop.now.nanoseconds)
            provider.retryIn = Int((wait + 999_999_999) / 1_000_000_000)
        }
        return provider
    }

    private func budget(of key: Principal) -> GatewayReport.Budget? {
        guard let limits = key.limits, let budget = limits.budget,
            let standing = limits.budgetStanding(in: shared.limits, seconds: loop.secondsSince1970)
        else { return nil }
        return GatewayReport.Budget(
            key: key.name, period: budget.period.rawValue, limit: standing.limit,
            spent: standing.spent, resetIn: standing.resetSeconds)
    }
}

/// The sums of this process that are among its figures already.
struct ToldProcess {
    var cpuMicroseconds = 0
    var droppedLogLines = 0
    var receivedBytes = 0
    var sentBytes = 0
}

extension GatewayReport.Process {
    /// Zeros where the system tells nothing.
    static func read() -> GatewayReport.Process {
        var process = GatewayReport.Process()
        var time = timespec()
        if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            process.cpuMicroseconds = time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        }
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return process }
        defer { _ = Glibc.close(file) }
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let count = Glibc.read(file, buffer.baseAddress, buffer.count)
            guard count > 0 else { return }
            // Pages: all, resident, resident and shared with files.
            var rest = ByteSlice(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            func next() -> Int? {
                let field = rest.prefix(rest.firstIndex(of: ASCII.space) ?? rest.count)
                rest = rest.dropFirst(min(field.count + 1, rest.count))
                return field.decimalValue
            }
            guard next() != nil, let resident = next(), let shared = next() else { return }
            let page = sysconf(Int32(_SC_PAGESIZE))
            process.residentBytes = resident * page
            process.anonymousBytes = max(resident - shared, 0) * page
        }
        return process
    }
}
