// PoolMachine+Queue.swift — the pool's storage: slots with generations, the idle list, the queue.
// Every step is O(1); memory grows with the most connections and requests ever held at once.

extension PoolMachine {
    // MARK: Names

    func id(ofConnection slot: UInt32) -> ConnectionID {
        ConnectionID(slot: slot, generation: connections[Int(slot)].generation)
    }

    func id(ofRequest slot: UInt32) -> RequestID {
        RequestID(slot: slot, generation: requests[Int(slot)].generation)
    }

    /// The slot of a connection that is not unused; nil if the name is stale.
    func slot(of id: ConnectionID) -> Int? {
        let slot = Int(id.slot)
        guard slot < connections.count, connections[slot].generation == id.generation,
            connections[slot].state != .unused
        else { return nil }
        return slot
    }

    /// The slot of a request that is not unused; nil if the name is stale.
    func slot(of id: RequestID) -> Int? {
        let slot = Int(id.slot)
        guard slot < requests.count, requests[slot].generation == id.generation,
            requests[slot].state != .unused
        else { return nil }
        return slot
    }

    // MARK: Requests

    mutating func takeRequest(fresh: Bool) -> UInt32 {
        let slot: UInt32
        if unusedRequest != Self.none {
            slot = unusedRequest
            unusedRequest = requests[Int(slot)].next
        } else {
            slot = UInt32(requests.count)
            requests.append(Request())
        }
        requests[Int(slot)].needsFresh = fresh
        return slot
    }

    mutating func giveBack(request slot: UInt32) {
        let index = Int(slot)
        requests[index].state = .unused
        requests[index].generation &+= 1
        requests[index].connection = Self.none
        requests[index].next = unusedRequest
        unusedRequest = slot
    }

    mutating func enqueue(_ slot: UInt32, until deadline: Instant) {
        let index = Int(slot)
        requests[index].state = .waiting
        requests[index].waitsUntil = deadline
        requests[index].next = Self.none
        requests[index].previous = lastWaiting
        if lastWaiting == Self.none {
            firstWaiting = slot
        } else {
            requests[Int(lastWaiting)].next = slot
        }
        lastWaiting = slot
        waiting += 1
    }

    mutating func dequeue(_ slot: UInt32) {
        let next = requests[Int(slot)].next
        let previous = requests[Int(slot)].previous
        if previous == Self.none {
            firstWaiting = next
        } else {
            requests[Int(previous)].next = next
        }
        if next == Self.none {
            lastWaiting = previous
        } else {
            requests[Int(next)].previous = previous
        }
        waiting -= 1
    }

    // MARK: Connections

    mutating func bind(_ connection: UInt32, to request: UInt32) {
        connections[Int(connection)].request = request
        requests[Int(request)].state = .bound
        requests[Int(request)].connection = connection
    }

    mutating func lease(_ connection: UInt32, to request: UInt32) {
        connections[Int(connection)].state = .leased
        leased += 1
        bind(connection, to: request)
    }

    mutating func beginConnect(for request: UInt32) -> ConnectionID {
        precondition(open < limits.openMax, "connect with \(open) connections open")
        let slot: UInt32
        if unusedConnection != Self.none {
            slot = unusedConnection
            unusedConnection = connections[Int(slot)].next
        } else {
            slot = UInt32(connections.count)
            connections.append(Connection())
        }
        connections[Int(slot)].state = .connecting
        connecting += 1
        open += 1
        bind(slot, to: request)
        return id(ofConnection: slot)
    }

    mutating func connectForFirstWaiting() -> Connect? {
        let first = firstWaiting
        guard first != Self.none, open < limits.openMax else { return nil }
        dequeue(first)
        return Connect(connection: beginConnect(for: first), request: id(ofRequest: first))
    }

    /// Ends a connection's name. An idle one has been unlinked before.
    mutating func forget(connection slot: UInt32, wasIdle: Bool = false) {
        let index = Int(slot)
        if !wasIdle {
            if connections[index].state == .leased { leased -= 1 } else { connecting -= 1 }
        }
        open -= 1
        connections[index].state = .unused
        connections[index].generation &+= 1
        connections[index].request = Self.none
        connections[index].next = unusedConnection
        unusedConnection = slot
    }

    mutating func keepIdle(_ slot: UInt32, until deadline: Instant) {
        let index = Int(slot)
        connections[index].state = .idle
        connections[index].request = Self.none
        connections[index].idleUntil = deadline
        connections[index].next = youngestIdle
        connections[index].previous = Self.none
        if youngestIdle == Self.none {
            oldestIdle = slot
        } else {
            connections[Int(youngestIdle)].previous = slot
        }
        youngestIdle = slot
        idle += 1
    }

    mutating func unlinkIdle(_ slot: UInt32) {
        let next = connections[Int(slot)].next
        let previous = connections[Int(slot)].previous
        if previous == Self.none {
            youngestIdle = next
        } else {
            connections[Int(previous)].next = next
        }
        if next == Self.none {
            oldestIdle = previous
        } else {
            connections[Int(next)].previous = previous
        }
        idle -= 1
    }

    mutating func closeOldestIdle() -> ConnectionID? {
        let oldest = oldestIdle
        guard oldest != Self.none else { return nil }
        let closing = id(ofConnection: oldest)
        unlinkIdle(oldest)
        forget(connection: oldest, wasIdle: true)
        return closing
    }
}
