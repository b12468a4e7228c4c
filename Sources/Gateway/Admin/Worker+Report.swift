// Worker+Report.swift — gathers what a worker tells of itself. The process's own numbers are read from
// the system here: when somebody asks, never on the way of a request.

import GatewayExchange
import GatewayPolicy
import GatewayTelemetry
import GatewayTools
import Glibc
import Reactor
import ReactorCore

extension Worker {
    /// The state of this moment.
    func report(version: String, lag: LagReading) -> GatewayReport {
        var report = GatewayReport()
        report.version = version
        report.isDraining = isDraining
        report.now = loop.secondsSince1970
        report.startSeconds = startSeconds
        report.providerCount = snapshot.upstreams.count
        // Over all workers; everything else is this one's.
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
        report.droppedLogLines = log.droppedCount
        report.providers = snapshot.upstreams.map { provider($0) }
        report.budgets = snapshot.keys.budgeted.compactMap { budget(of: $0) }
        for upstream in snapshot.upstreams {
            if case .network(let origin, _) = upstream.transport {
                var counters = origin.counters
                if let lent = upstream.lentHosts { counters += lent.counters }
                report.pools.append(.init(provider: upstream.name, counters: counters))
            }
            if let tokens = upstream.tokens {
                report.tokens.append(Self.token(tokens, of: upstream.name, now: report.now))
            }
        }
        report.process = .read()
        report.lag = lag
        return report
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

    private static func token(
        _ source: TokenSource, of provider: String, now: Int
    ) -> GatewayReport.Token {
        let state = source.state
        return GatewayReport.Token(
            provider: provider, state: state.phase.rawValue, isUsable: state.isUsable,
            generation: state.generation, age: state.createdAt.map { max(now - $0, 0) },
            expiresIn: state.expiresAt.map { max($0 - now, 0) }, retryIn: state.retryIn,
            secretBytes: state.secretBytes, waiting: source.waitingCount,
            leases: source.leaseCount, hits: source.hitCount)
    }
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
            let fields = ByteSlice(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
                .string.split(separator: " ")
            guard fields.count > 2, let resident = Int(fields[1]), let shared = Int(fields[2])
            else { return }
            let page = sysconf(Int32(_SC_PAGESIZE))
            process.residentBytes = resident * page
            process.anonymousBytes = max(resident - shared, 0) * page
        }
        return process
    }
}
