// PoolMachine.swift — which connection of one origin serves which request, and which are opened,
// kept and closed. Pure value: no socket, clock or log. Imported by Reactor's client.

/// The decisions of a connection pool for one origin and a protocol with one request at a time.
///
/// Events in, actions out; every action is carried out by the shell, which reports what came of
/// it by the names it was given. A name that is stale is answered as such and changes nothing.
///
/// Invariants: a request waits only while `open == openMax` and nothing is idle; a connection
/// being opened or leased is bound to one request, and that request to it; the idle list is in
/// the order of its deadlines, and so is the queue.
public struct PoolMachine: Sendable {
    enum ConnectionState {
        /// No connection. -> connecting, when a request needs one.
        case unused
        /// Being opened for `request`. -> leased when opened; -> unused when that fails or when
        /// its request is cancelled and none waits to take its place.
        case connecting
        /// In use by `request`. -> idle or leased when released; -> unused when released in a
        /// state unfit for reuse, when it dies, and when its request is cancelled.
        case leased
        /// In the idle list. -> leased; -> unused when it expires, is closed by the peer, makes
        /// room for a fresh one, or the pool drains.
        case idle
    }

    enum RequestState {
        /// No request. -> waiting or bound, on arrival.
        case unused
        /// In the queue. -> bound; -> unused when it is cancelled or its time is up.
        case waiting
        /// Has `connection`, opened or not. -> unused when that ends, whatever way.
        case bound
    }

    struct Connection {
        var state = ConnectionState.unused
        var generation: UInt32 = 1
        /// The request that it is bound to.
        var request = PoolMachine.none
        /// Neighbours in the idle list; `next` is the longer idle one. Unused: the free list.
        var next = PoolMachine.none
        var previous = PoolMachine.none
        var idleUntil = Instant.never
    }

    struct Request {
        var state = RequestState.unused
        /// It must not be sent on a connection that has served another.
        var needsFresh = false
        var generation: UInt32 = 1
        /// The connection that it is bound to.
        var connection = PoolMachine.none
        /// Neighbours in the queue; `next` arrived later. Unused: the free list.
        var next = PoolMachine.none
        var previous = PoolMachine.none
        var waitsUntil = Instant.never
    }

    static let none = UInt32.max

    /// The bounds it keeps.
    public let limits: PoolLimits
    /// Whether new requests are refused.
    public private(set) var isDraining = false

    /// Connections opening, idle and leased.
    public internal(set) var open = 0
    /// Connections kept for requests to come.
    public internal(set) var idle = 0
    /// Connections in use.
    public internal(set) var leased = 0
    /// Connections being opened.
    public internal(set) var connecting = 0
    /// Requests in the queue.
    public internal(set) var waiting = 0
    /// Connections that were opened since the pool began.
    public private(set) var created: UInt64 = 0
    /// Leases of a connection that had served another request, since the pool began.
    public private(set) var reused: UInt64 = 0

    /// The limits' times in nanoseconds: taking a `Duration` apart costs more than a lease.
    private let waitNanoseconds: Int64
    private let idleNanoseconds: Int64

    var connections: [Connection] = []
    var requests: [Request] = []
    var unusedConnection = PoolMachine.none
    var unusedRequest = PoolMachine.none
    var youngestIdle = PoolMachine.none
    var oldestIdle = PoolMachine.none
    var firstWaiting = PoolMachine.none
    var lastWaiting = PoolMachine.none

    /// An empty pool.
    public init(limits: PoolLimits = PoolLimits()) {
        self.limits = limits
        waitNanoseconds = limits.waitTime.nanoseconds
        idleNanoseconds = limits.idleTime.nanoseconds
    }

    /// Draining, and nothing left to be closed or served.
    public var isDrained: Bool { isDraining && open == 0 && waiting == 0 }

    /// A request asks for a connection: the youngest idle one, or one of its own, or a place in
    /// the queue. `fresh` rules out connections that have served another request: for a request
    /// that is sent again because the first, reused, connection had died.
    public mutating func requestArrived(
        fresh: Bool = false, now: Instant
    ) -> (id: RequestID, decision: Decision) {
        let request = takeRequest(fresh: fresh)
        let id = id(ofRequest: request)
        guard !isDraining else {
            giveBack(request: request)
            return (id, .refuse(.draining))
        }
        let youngest = youngestIdle
        if youngest != Self.none, !fresh, connections[Int(youngest)].idleUntil > now {
            unlinkIdle(youngest)
            lease(youngest, to: request)
            reused += 1
            return (id, .lease(self.id(ofConnection: youngest)))
        }
        if open == limits.openMax {
            guard oldestIdle != Self.none else {
                guard waiting < limits.waitingMax else {
                    giveBack(request: request)
                    return (id, .refuse(.queueFull))
                }
                enqueue(request, until: now.advanced(nanoseconds: waitNanoseconds))
                return (id, .wait)
            }
            let closing = closeOldestIdle()
            return (id, .connect(beginConnect(for: request), closing: closing))
        }
        return (id, .connect(beginConnect(for: request), closing: nil))
    }

    /// The connection was opened.
    public mutating func connected(_ id: ConnectionID) -> Connected {
        guard let slot = slot(of: id), connections[slot].state == .connecting else {
            return .stale
        }
        created += 1
        connecting -= 1
        connections[slot].state = .leased
        leased += 1
        return .lease(to: self.id(ofRequest: connections[slot].request))
    }

    /// The connection could not be opened.
    public mutating func connectFailed(_ id: ConnectionID) -> Lost { connectionClosed(id) }

    /// The exchange on a leased connection is over, and with it the request. `reusable` says that
    /// both messages were complete and well framed, with nothing behind them.
    public mutating func released(
        _ id: ConnectionID, reusable: Bool, now: Instant
    ) -> Released {
        guard let slot = slot(of: id), connections[slot].state == .leased else {
            return Released(outcome: .stale, next: nil)
        }
        giveBack(request: connections[slot].request)
        if reusable {
            let first = firstWaiting
            if first != Self.none {
                if !requests[Int(first)].needsFresh {
                    dequeue(first)
                    leased -= 1
                    lease(id.slot, to: first)
                    reused += 1
                    return Released(outcome: .lease(to: self.id(ofRequest: first)), next: nil)
                }
            } else if idle < limits.idleMax, !isDraining {
                leased -= 1
                keepIdle(id.slot, until: now.advanced(nanoseconds: idleNanoseconds))
                return Released(outcome: .keepIdle, next: nil)
            }
        }
        forget(connection: id.slot)
        return Released(outcome: .close, next: connectForFirstWaiting())
    }

    /// The connection is gone: closed by the peer while idle, dead while leased, or failed while
    /// being opened. A leased one that the shell itself ends is `released` instead.
    public mutating func connectionClosed(_ id: ConnectionID) -> Lost {
        guard let slot = slot(of: id) else {
            return Lost(request: nil, next: nil, isStale: true)
        }
        var ended: RequestID?
        if connections[slot].state == .idle {
            unlinkIdle(id.slot)
            forget(connection: id.slot, wasIdle: true)
        } else {
            let request = connections[slot].request
            ended = self.id(ofRequest: request)
            giveBack(request: request)
            forget(connection: id.slot)
        }
        return Lost(request: ended, next: connectForFirstWaiting(), isStale: false)
    }

    /// The request is given up. A connection that was being opened for it passes to the first
    /// request that waits; one that was leased to it is in the middle of an exchange and closes.
    public mutating func requestCancelled(_ id: RequestID) -> Cancelled {
        guard let slot = slot(of: id) else { return Cancelled(outcome: .stale, next: nil) }
        if requests[slot].state == .waiting {
            dequeue(id.slot)
            giveBack(request: id.slot)
            return Cancelled(outcome: .nothing, next: nil)
        }
        let connection = requests[slot].connection
        let connectionID = self.id(ofConnection: connection)
        giveBack(request: id.slot)
        if connections[Int(connection)].state == .leased {
            forget(connection: connection)
            return Cancelled(outcome: .close(connectionID), next: connectForFirstWaiting())
        }
        let first = firstWaiting
        guard first == Self.none else {
            dequeue(first)
            bind(connection, to: first)
            return Cancelled(outcome: .nothing, next: nil)
        }
        forget(connection: connection)
        return Cancelled(outcome: .abortConnect(connectionID), next: nil)
    }

    /// What is due at `now`, the longest idle connection first; call until nil.
    public mutating func timePassed(now: Instant) -> Expired? {
        if oldestIdle != Self.none, connections[Int(oldestIdle)].idleUntil <= now {
            return closeOldestIdle().map { .close($0) }
        }
        let first = firstWaiting
        if first != Self.none, requests[Int(first)].waitsUntil <= now {
            let id = id(ofRequest: first)
            dequeue(first)
            giveBack(request: first)
            return .fail(id, .waitTimedOut)
        }
        return nil
    }

    /// When `timePassed` has something to say; `.never` if nothing is to come. It moves with
    /// every lease, so a timer is best left running and set again when it has fired too early.
    public var nextDeadline: Instant {
        var deadline = Instant.never
        if oldestIdle != Self.none { deadline = connections[Int(oldestIdle)].idleUntil }
        if firstWaiting != Self.none {
            deadline = min(deadline, requests[Int(firstWaiting)].waitsUntil)
        }
        return deadline
    }

    /// Takes no new requests from here on; those that have arrived are served or time out.
    /// Answers an idle connection to close; call until nil.
    public mutating func drain() -> ConnectionID? {
        isDraining = true
        return closeOldestIdle()
    }
}
