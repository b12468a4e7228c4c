// PoolMachine.swift — which request gets which connection of one origin. Pure value: it opens and
// closes nothing; HTTPOrigin asks it and obeys.
//
// A request takes the idle connection that was used last; without one, it has a connection made
// for itself; at the limit of open connections it waits in line for the next that comes free.

/// The decisions of one origin's connection pool.
///
/// Invariants: `connecting + leased + idle <= openMax`; a request waits in line only while that
/// limit is reached and no connection is idle; the idle list is ordered by the time of release, so the oldest is first to go.
public struct PoolMachine {
    /// Names a connection; slots are reused, generations are not.
    public struct ConnectionID: Hashable, Sendable {
        /// A small index that is unique among open connections.
        public let slot: Int
        let generation: UInt32
    }

    /// Names a request until it has a connection or is refused.
    public struct RequestID: Hashable, Sendable {
        /// A small index that is unique among waiting requests.
        public let slot: Int
        let generation: UInt32
    }

    /// Why a request gets no connection.
    public enum Refusal: Equatable, Sendable {
        /// `waitingMax` requests are in line.
        case queueFull
        /// The pool is being closed.
        case draining
    }

    /// What a new request gets.
    public enum Decision: Equatable, Sendable {
        /// An idle connection. The request's id is void.
        case lease(ConnectionID)
        /// Make this connection; the request waits for just it.
        case connect(ConnectionID)
        /// Close the idle connection and make the other in its place; the request waits for that.
        case replace(ConnectionID, with: ConnectionID)
        /// Nothing yet; it is in line.
        case wait
        /// Nothing at all.
        case refuse(Refusal)
    }

    /// What to do with a connection that has become free.
    public enum Placement: Equatable, Sendable {
        /// Give it to this request.
        case lease(RequestID)
        /// Keep it.
        case keepIdle
        /// Close it, and make another for a request in line, if one is named.
        case close(connect: ConnectionID?)
    }

    /// What time has brought.
    public enum Expiry: Equatable, Sendable {
        /// This idle connection is too old.
        case close(ConnectionID)
        /// This request has waited too long.
        case fail(RequestID)
    }

    private enum ConnectionState: Equatable {
        /// -> connecting.
        case free
        /// -> leased to its request, or idle if that has gone; -> free.
        case connecting(RequestID?)
        /// -> idle; -> leased to the next in line; -> free.
        case leased
        /// -> leased; -> free.
        case idle(since: Instant)
    }

    private enum RequestState: Equatable {
        case free
        /// Bound to a connection that is being made.
        case bound(ConnectionID)
        /// In line; with `fresh`, for a connection that has never served.
        case queued(until: Instant, fresh: Bool)
    }

    private struct Slot<State> {
        var state: State
        var generation: UInt32
    }

    private let limits: PoolLimits
    /// `limits.idleTime`, which is asked for on every release; a `Duration` is dear to ask.
    private let idleNanoseconds: Int64
    private var connections: [Slot<ConnectionState>] = []
    private var freeConnections: [Int] = []
    private var requests: [Slot<RequestState>] = []
    private var freeRequests: [Int] = []
    /// What new slots begin with: above every id that was given out for them.
    private var firstGeneration: UInt32 = 0
    /// Oldest first; leased from the end. May hold ids that are idle no more.
    private var idle = StaleQueue<ConnectionID>()
    /// First come first. May hold ids that wait no more.
    private var line = StaleQueue<RequestID>()
    private var draining = false
    /// What the pool holds and has done.
    public private(set) var counters = PoolCounters()

    /// An empty pool.
    public init(limits: PoolLimits) {
        self.limits = limits
        idleNanoseconds = limits.idleTime.nanoseconds
    }

    // MARK: Requests

    /// A request wants a connection; with `fresh`, one that has never served.
    public mutating func requestArrived(
        fresh: Bool = false, now: Instant
    ) -> (RequestID, Decision) {
        if draining { return (Self.noRequest, .refuse(.draining)) }
        if !fresh, let id = popIdle() {
            connections[id.slot].state = .leased
            counters.leased += 1
            counters.reused += 1
            return (Self.noRequest, .lease(id))
        }
        if counters.open < limits.openMax {
            let connection = newConnection()
            let request = newRequest(.bound(connection))
            connections[connection.slot].state = .connecting(request)
            return (request, .connect(connection))
        }
        if let oldest = popOldestIdle() {
            freeConnection(oldest)
            let connection = newConnection()
            let request = newRequest(.bound(connection))
            connections[connection.slot].state = .connecting(request)
            return (request, .replace(oldest, with: connection))
        }
        guard counters.waiting < limits.waitingMax else {
            return (Self.noRequest, .refuse(.queueFull))
        }
        let request = newRequest(.queued(until: now + limits.waitTime, fresh: fresh))
        counters.waiting += 1
        line.append(request)
        return (request, .wait)
    }

    /// A waiting request has gone. Returns the connection that was being made for it if nobody in
    /// line can use it: abort it.
    public mutating func requestCancelled(_ id: RequestID) -> ConnectionID? {
        guard isLive(id) else { return nil }
        switch requests[id.slot].state {
        case .free:
            return nil
        case .queued:
            counters.waiting -= 1
            freeRequest(id)
            return nil
        case .bound(let connection):
            freeRequest(id)
            if !draining, let next = popLine() {
                counters.waiting -= 1
                requests[next.slot].state = .bound(connection)
                connections[connection.slot].state = .connecting(next)
                return nil
            }
            freeConnection(connection)
            return connection
        }
    }

    // MARK: Connections

    /// A connection was made.
    public mutating func connected(_ id: ConnectionID, now: Instant) -> Placement {
        guard isLive(id), case .connecting(let request) = connections[id.slot].state else {
            return .close(connect: nil)
        }
        counters.connecting -= 1
        counters.leased += 1
        connections[id.slot].state = .leased
        if let request, isLive(request) {
            freeRequest(request)
            return .lease(request)
        }
        return place(id, isReuse: false, now: now)
    }

    /// A connection could not be made. Returns the request that waited for it, and a connection to
    /// make for one in line.
    public mutating func connectFailed(
        _ id: ConnectionID
    ) -> (failed: RequestID?, connect: ConnectionID?) {
        guard isLive(id), case .connecting(let request) = connections[id.slot].state else {
            return (nil, nil)
        }
        freeConnection(id)
        if let request { freeRequest(request) }
        return (request, connectForLine())
    }

    /// An exchange is over; `reusable` when its connection may carry another.
    public mutating func released(
        _ id: ConnectionID, reusable: Bool, now: Instant
    ) -> Placement {
        guard isLive(id), connections[id.slot].state == .leased else { return .close(connect: nil) }
        guard reusable, !draining else {
            freeConnection(id)
            return .close(connect: connectForLine())
        }
        return place(id, isReuse: true, now: now)
    }

    /// A connection ended by itself. Returns one to make for a request in line.
    public mutating func connectionClosed(_ id: ConnectionID) -> ConnectionID? {
        guard isLive(id) else { return nil }
        freeConnection(id)
        return connectForLine()
    }

    /// Gives a leased connection to the first in line, or keeps it.
    private mutating func place(_ id: ConnectionID, isReuse: Bool, now: Instant) -> Placement {
        if isReuse, let first = line.first(where: isQueued),
            case .queued(_, fresh: true) = requests[first.slot].state
        {
            freeConnection(id)
            return .close(connect: connectForLine())
        }
        if let request = popLine() {
            counters.waiting -= 1
            if isReuse { counters.reused += 1 }
            freeRequest(request)
            return .lease(request)
        }
        guard counters.idle < limits.idleMax, !draining else {
            freeConnection(id)
            return .close(connect: nil)
        }
        counters.leased -= 1
        counters.idle += 1
        connections[id.slot].state = .idle(since: now)
        idle.append(id)
        return .keepIdle
    }

    private mutating func connectForLine() -> ConnectionID? {
        guard !draining, counters.open < limits.openMax, let request = popLine() else { return nil }
        counters.waiting -= 1
        let connection = newConnection()
        requests[request.slot].state = .bound(connection)
        connections[connection.slot].state = .connecting(request)
        return connection
    }

    // MARK: Time and the end

    /// One thing that `now` has brought; call until nil.
    public mutating func timePassed(now: Instant) -> Expiry? {
        while let id = idle.first {
            if case .idle(let since) = connections[id.slot].state, isLive(id) {
                guard draining || since.advanced(nanoseconds: idleNanoseconds) <= now else { break }
                idle.removeFirst()
                freeConnection(id)
                return .close(id)
            }
            idle.removeFirst()
        }
        while let id = line.first {
            if case .queued(let until, _) = requests[id.slot].state, isLive(id) {
                guard draining || until <= now else { break }
                line.removeFirst()
                counters.waiting -= 1
                freeRequest(id)
                return .fail(id)
            }
            line.removeFirst()
        }
        return nil
    }

    /// When `timePassed` must be called next. Asked in place: to read it of a pool that a class
    /// holds would copy the pool, and count all its references.
    public var nextDeadline: Instant {
        mutating get { earliestDeadline }
    }

    private var earliestDeadline: Instant {
        var deadline = Instant.never
        if counters.idle > 0, let id = idle.first(where: isIdle),
            case .idle(let since) = connections[id.slot].state
        {
            deadline = since.advanced(nanoseconds: idleNanoseconds)
        }
        if counters.waiting > 0, let id = line.first(where: isQueued),
            case .queued(let until, _) = requests[id.slot].state
        {
            deadline = min(deadline, until)
        }
        return deadline
    }

    /// Refuses requests from here on; `timePassed` then yields all idle connections and all
    /// requests in line.
    public mutating func drain() { draining = true }

    // MARK: Memory

    /// Gives memory back where less than a quarter of the slots is taken and nothing is under way:
    /// open connections get new ids in the first slots, in the order of their old ones.
    /// - Returns: old and new id of each, or nil where nothing was done.
    public mutating func releaseMemory() -> [(old: ConnectionID, new: ConnectionID)]? {
        guard counters.connecting == 0, counters.waiting == 0,
            max(connections.capacity, requests.capacity) > max(64, counters.open * 4)
        else { return nil }
        let newest = max(
            connections.lazy.map(\.generation).max() ?? 0,
            requests.lazy.map(\.generation).max() ?? 0)
        firstGeneration = max(firstGeneration, newest) &+ 1
        var renamed: [(old: ConnectionID, new: ConnectionID)] = []
        var kept: [Slot<ConnectionState>] = []
        for (slot, entry) in connections.enumerated() where entry.state != .free {
            renamed.append(
                (
                    ConnectionID(slot: slot, generation: entry.generation),
                    ConnectionID(slot: kept.count, generation: firstGeneration)
                ))
            kept.append(Slot(state: entry.state, generation: firstGeneration))
        }
        let names = Dictionary(uniqueKeysWithValues: renamed.map { ($0.old, $0.new) })
        idle = idle.renamed { isIdle($0) ? names[$0] : nil }
        line = StaleQueue()
        connections = kept
        freeConnections = []
        requests = []
        freeRequests = []
        return renamed
    }

    // MARK: Slots

    private static let noRequest = RequestID(slot: 0, generation: .max)

    private func isLive(_ id: ConnectionID) -> Bool {
        id.slot < connections.count && connections[id.slot].generation == id.generation
            && connections[id.slot].state != .free
    }

    private func isLive(_ id: RequestID) -> Bool {
        id.slot < requests.count && requests[id.slot].generation == id.generation
            && requests[id.slot].state != .free
    }

    private func isIdle(_ id: ConnectionID) -> Bool {
        guard isLive(id), case .idle = connections[id.slot].state else { return false }
        return true
    }

    private func isQueued(_ id: RequestID) -> Bool {
        guard isLive(id), case .queued = requests[id.slot].state else { return false }
        return true
    }

    private mutating func popIdle() -> ConnectionID? {
        while let id = idle.popLast() {
            if isIdle(id) {
                counters.idle -= 1
                return id
            }
        }
        return nil
    }

    private mutating func popOldestIdle() -> ConnectionID? {
        guard counters.idle > 0 else { return nil }
        while let id = idle.popFirst() {
            if isIdle(id) { return id }
        }
        return nil
    }

    private mutating func popLine() -> RequestID? {
        while let id = line.popFirst() {
            if isQueued(id) { return id }
        }
        return nil
    }

    private mutating func newConnection() -> ConnectionID {
        counters.connecting += 1
        counters.created += 1
        let slot = freeConnections.popLast() ?? connections.count
        if slot == connections.count {
            connections.append(Slot(state: .free, generation: firstGeneration))
        }
        return ConnectionID(slot: slot, generation: connections[slot].generation)
    }

    private mutating func newRequest(_ state: RequestState) -> RequestID {
        let slot = freeRequests.popLast() ?? requests.count
        if slot == requests.count {
            requests.append(Slot(state: .free, generation: firstGeneration))
        }
        requests[slot].state = state
        return RequestID(slot: slot, generation: requests[slot].generation)
    }

    private mutating func freeConnection(_ id: ConnectionID) {
        switch connections[id.slot].state {
        case .free: preconditionFailure("connection \(id.slot) was freed twice")
        case .connecting: counters.connecting -= 1
        case .leased: counters.leased -= 1
        case .idle: counters.idle -= 1
        }
        connections[id.slot].state = .free
        connections[id.slot].generation &+= 1
        freeConnections.append(id.slot)
    }

    private mutating func freeRequest(_ id: RequestID) {
        requests[id.slot].state = .free
        requests[id.slot].generation &+= 1
        freeRequests.append(id.slot)
    }
}
