// MockPool.swift — the rules of the pool told a second time, with plain lists and no cleverness,
// and the checks that every decision of PoolMachine keeps them.

import ReactorCore
import Testing

/// A pool machine beside what it must be like.
struct MockPool {
    typealias ConnectionID = PoolMachine.ConnectionID
    typealias RequestID = PoolMachine.RequestID

    struct Waiting: Equatable {
        var id: RequestID
        var until: Instant
        var fresh: Bool
    }

    struct Idle: Equatable {
        var id: ConnectionID
        var since: Instant
    }

    private var machine: PoolMachine
    private let limits: PoolLimits
    /// Connections being made, and for whom.
    private(set) var connecting: [(id: ConnectionID, request: RequestID)] = []
    private(set) var leased: [ConnectionID] = []
    /// Oldest first.
    private(set) var idle: [Idle] = []
    /// First come first.
    private(set) var line: [Waiting] = []
    private(set) var isDraining = false
    private var created = 0
    private var reused = 0
    /// Names that must mean nothing any more.
    private(set) var deadConnections: [ConnectionID] = []
    private(set) var deadRequests: [RequestID] = []

    init(limits: PoolLimits) {
        self.limits = limits
        machine = PoolMachine(limits: limits)
    }

    private var open: Int { connecting.count + leased.count + idle.count }

    // MARK: Requests

    mutating func request(fresh: Bool, now: Instant) throws {
        let (id, decision) = machine.requestArrived(fresh: fresh, now: now)
        switch decision {
        case .refuse(.draining):
            try #require(isDraining)
        case .lease(let connection):
            try #require(!isDraining && !fresh)
            try #require(idle.last?.id == connection, "not the one used last")
            idle.removeLast()
            leased.append(connection)
            reused += 1
        case .connect(let connection):
            try #require(!isDraining && (fresh || idle.isEmpty) && open < limits.openMax)
            try begin(connection, for: id)
        case .replace(let oldest, let connection):
            try #require(!isDraining && fresh && open == limits.openMax)
            try #require(idle.first?.id == oldest, "not the oldest")
            idle.removeFirst()
            deadConnections.append(oldest)
            try begin(connection, for: id)
        case .wait:
            try #require(!isDraining && idle.isEmpty && open == limits.openMax)
            try #require(line.count < limits.waitingMax)
            try #require(!isKnown(id))
            line.append(Waiting(id: id, until: now + limits.waitTime, fresh: fresh))
        case .refuse(.queueFull):
            try #require(!isDraining && idle.isEmpty && open == limits.openMax)
            try #require(line.count == limits.waitingMax)
        }
        try check()
    }

    mutating func cancel(_ id: RequestID) throws {
        let aborted = machine.requestCancelled(id)
        if let place = connecting.firstIndex(where: { $0.request == id }) {
            let connection = connecting.remove(at: place).id
            deadRequests.append(id)
            if isDraining || line.isEmpty {
                try #require(aborted == connection, "its connection goes with it")
                deadConnections.append(connection)
            } else {
                try #require(aborted == nil, "the first in line takes the connection over")
                connecting.append((connection, line.removeFirst().id))
            }
        } else {
            try #require(aborted == nil)
            if line.contains(where: { $0.id == id }) {
                line.removeAll { $0.id == id }
                deadRequests.append(id)
            }
        }
        try check()
    }

    // MARK: Connections

    mutating func connected(_ id: ConnectionID, now: Instant) throws {
        let placement = machine.connected(id, now: now)
        guard let place = connecting.firstIndex(where: { $0.id == id }) else {
            try #require(placement == .close(connect: nil))
            return try check()
        }
        let request = connecting.remove(at: place).request
        try #require(placement == .lease(request))
        deadRequests.append(request)
        leased.append(id)
        try check()
    }

    mutating func connectFailed(_ id: ConnectionID) throws {
        let (failed, next) = machine.connectFailed(id)
        guard let place = connecting.firstIndex(where: { $0.id == id }) else {
            try #require(failed == nil && next == nil)
            return try check()
        }
        let request = connecting.remove(at: place).request
        try #require(failed == request)
        deadRequests.append(request)
        deadConnections.append(id)
        try takeLine(next)
        try check()
    }

    mutating func release(_ id: ConnectionID, reusable: Bool, now: Instant) throws {
        let placement = machine.released(id, reusable: reusable, now: now)
        guard let place = leased.firstIndex(of: id) else {
            try #require(placement == .close(connect: nil))
            return try check()
        }
        switch placement {
        case .lease(let request):
            try #require(reusable && !isDraining)
            try #require(line.first?.id == request && line.first?.fresh == false)
            line.removeFirst()
            deadRequests.append(request)
            reused += 1
        case .keepIdle:
            try #require(reusable && !isDraining && line.isEmpty && idle.count < limits.idleMax)
            leased.remove(at: place)
            idle.append(Idle(id: id, since: now))
        case .close(let next):
            try #require(
                !reusable || isDraining || line.first?.fresh == true
                    || line.isEmpty && idle.count == limits.idleMax)
            leased.remove(at: place)
            deadConnections.append(id)
            try takeLine(next)
        }
        try check()
    }

    /// A connection ended by itself.
    mutating func closed(_ id: ConnectionID) throws {
        let next = machine.connectionClosed(id)
        guard idle.contains(where: { $0.id == id }) || leased.contains(id) else {
            try #require(next == nil)
            return try check()
        }
        idle.removeAll { $0.id == id }
        leased.removeAll { $0 == id }
        deadConnections.append(id)
        try takeLine(next)
        try check()
    }

    // MARK: Time and the end

    mutating func pass(to now: Instant) throws {
        while let expiry = machine.timePassed(now: now) {
            switch expiry {
            case .close(let id):
                try #require(idle.first?.id == id, "not the oldest")
                try #require(isDraining || idle[0].since + limits.idleTime <= now)
                idle.removeFirst()
                deadConnections.append(id)
            case .fail(let id):
                try #require(line.first?.id == id, "not the first")
                try #require(isDraining || line[0].until <= now)
                line.removeFirst()
                deadRequests.append(id)
            }
        }
        try #require(!idle.contains { isDraining || $0.since + limits.idleTime <= now })
        try #require(!line.contains { isDraining || $0.until <= now })
        try check()
    }

    mutating func drain(now: Instant) throws {
        machine.drain()
        isDraining = true
        try pass(to: now)
    }

    // MARK: Rules

    /// Whoever is first in line gets the connection that there is now room for.
    private mutating func takeLine(_ connection: ConnectionID?) throws {
        guard !isDraining, !line.isEmpty else { return try #require(connection == nil) }
        let id = try #require(connection, "room, and nobody in line was served")
        try begin(id, for: line.removeFirst().id)
    }

    private mutating func begin(_ id: ConnectionID, for request: RequestID) throws {
        try #require(!isKnown(id) && !isKnown(request))
        connecting.append((id, request))
        created += 1
    }

    private func isKnown(_ id: ConnectionID) -> Bool {
        leased.contains(id) || idle.contains { $0.id == id } || connecting.contains { $0.id == id }
            || deadConnections.contains(id)
    }

    private func isKnown(_ id: RequestID) -> Bool {
        line.contains { $0.id == id } || connecting.contains { $0.request == id }
            || deadRequests.contains(id)
    }

    private func check() throws {
        var expected = PoolCounters()
        expected.connecting = connecting.count
        expected.leased = leased.count
        expected.idle = idle.count
        expected.waiting = line.count
        expected.created = created
        expected.reused = reused
        try #require(machine.counters == expected)
        try #require(open <= limits.openMax)
        try #require(idle.count <= limits.idleMax && line.count <= limits.waitingMax)
        if !line.isEmpty { try #require(open == limits.openMax && idle.isEmpty) }
        let oldest = idle.first.map { $0.since + limits.idleTime } ?? .never
        let first = line.first?.until ?? .never
        var copy = machine
        let deadline = copy.nextDeadline
        try #require(deadline == min(oldest, first))
        let slots = leased.map(\.slot) + idle.map(\.id.slot) + connecting.map(\.id.slot)
        try #require(Set(slots).count == slots.count, "a slot used twice")
        try #require((slots.max() ?? 0) < limits.openMax)
    }
}
