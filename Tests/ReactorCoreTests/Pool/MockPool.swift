// MockPool.swift — a second, slow model of a connection pool that judges the machine's answers.
// It decides nothing: it carries out what it is told and throws when that breaks a rule.

import ReactorCore

struct MockPool {
    enum Mistake: Error, Equatable {
        case nameUsedTwice
        case connectionNotIdle
        case connectionNotConnecting
        case connectionNotLeased
        case connectionNotYoungest
        case connectionNotOldest
        case connectionTooOld
        case connectionKeptWhileNeeded
        case connectionClosedWithoutNeed
        case connectionStillWanted
        case idleNotUsed
        case freshRequestOnUsedConnection
        case requestNotWaiting
        case requestNotFirst
        case requestNotBound
        case requestForgotten
        case requestFailedEarly
        case tooManyOpen
        case tooManyIdle
        case tooManyWaiting
        case waitsWithRoom
        case waiterForgotten
        case refusedWithoutReason
        case acceptedWhileDraining
        case shouldNotBeStale
        case shouldBeStale
        case dueNotDone
        case deadlineWrong
        case counterWrong(String)
    }

    typealias ConnectionID = PoolMachine.ConnectionID
    typealias RequestID = PoolMachine.RequestID

    struct Idle {
        var id: ConnectionID
        var until: Instant
    }

    struct Waiting {
        var id: RequestID
        var isFresh: Bool
        var until: Instant
    }

    let limits: PoolLimits
    /// Longest idle first.
    private(set) var idle: [Idle] = []
    private(set) var connecting: [ConnectionID: RequestID] = [:]
    private(set) var leased: [ConnectionID: RequestID] = [:]
    private(set) var queue: [Waiting] = []
    private(set) var isDraining = false
    private(set) var created: UInt64 = 0
    private(set) var reused: UInt64 = 0
    private var connectionsEver: Set<ConnectionID> = []
    private var requestsEver: Set<RequestID> = []
    /// Connections that have served a request.
    private var used: Set<ConnectionID> = []

    init(limits: PoolLimits) { self.limits = limits }

    var open: Int { idle.count + connecting.count + leased.count }

    // MARK: Events and the answers to them

    mutating func arrived(
        _ id: RequestID, _ decision: PoolMachine.Decision, fresh: Bool, now: Instant
    ) throws(Mistake) {
        guard requestsEver.insert(id).inserted else { throw .nameUsedTwice }
        if isDraining {
            guard decision == .refuse(.draining) else { throw .acceptedWhileDraining }
            return
        }
        let isIdleUsable = !fresh && (idle.last.map { $0.until > now } ?? false)
        if isIdleUsable, case .lease = decision {} else if isIdleUsable { throw .idleNotUsed }
        switch decision {
        case .lease(let connection):
            guard let youngest = idle.last else { throw .connectionNotIdle }
            guard youngest.id == connection else { throw .connectionNotYoungest }
            guard youngest.until > now else { throw .connectionTooOld }
            guard !fresh else { throw .freshRequestOnUsedConnection }
            idle.removeLast()
            leased[connection] = id
            reused += 1
        case .connect(let connection, let closing):
            if let closing {
                guard open == limits.openMax else { throw .connectionClosedWithoutNeed }
                guard idle.first?.id == closing else { throw .connectionNotOldest }
                idle.removeFirst()
            }
            try connect(connection, for: id)
        case .wait:
            guard open == limits.openMax, idle.isEmpty else { throw .waitsWithRoom }
            guard queue.count < limits.waitingMax else { throw .tooManyWaiting }
            queue.append(Waiting(id: id, isFresh: fresh, until: now + limits.waitTime))
        case .refuse(let refusal):
            guard refusal == .queueFull, queue.count == limits.waitingMax,
                open == limits.openMax, idle.isEmpty
            else { throw .refusedWithoutReason }
        }
    }

    mutating func connected(
        _ id: ConnectionID, _ answer: PoolMachine.Connected
    ) throws(Mistake) {
        guard let request = connecting.removeValue(forKey: id) else {
            guard answer == .stale else { throw .shouldBeStale }
            return
        }
        guard answer != .stale else { throw .shouldNotBeStale }
        guard answer == .lease(to: request) else { throw .requestNotBound }
        leased[id] = request
        used.insert(id)
        created += 1
    }

    mutating func lost(_ id: ConnectionID, _ answer: PoolMachine.Lost) throws(Mistake) {
        let isIdle = idle.contains { $0.id == id }
        let request = connecting.removeValue(forKey: id) ?? leased.removeValue(forKey: id)
        guard isIdle || request != nil else {
            guard answer.isStale, answer.request == nil, answer.next == nil else {
                throw .shouldBeStale
            }
            return
        }
        guard !answer.isStale else { throw .shouldNotBeStale }
        idle.removeAll { $0.id == id }
        guard answer.request == request else { throw .requestForgotten }
        try follow(answer.next)
    }

    mutating func released(
        _ id: ConnectionID, reusable: Bool, _ answer: PoolMachine.Released, now: Instant
    ) throws(Mistake) {
        guard leased.removeValue(forKey: id) != nil else {
            guard answer.outcome == .stale, answer.next == nil else { throw .shouldBeStale }
            return
        }
        switch answer.outcome {
        case .stale:
            throw .shouldNotBeStale
        case .lease(let request):
            guard reusable else { throw .connectionKeptWhileNeeded }
            guard let first = queue.first else { throw .requestNotWaiting }
            guard first.id == request else { throw .requestNotFirst }
            guard !first.isFresh else { throw .freshRequestOnUsedConnection }
            queue.removeFirst()
            leased[id] = request
            reused += 1
        case .keepIdle:
            guard reusable, !isDraining else { throw .connectionKeptWhileNeeded }
            guard queue.isEmpty else { throw .waiterForgotten }
            guard idle.count < limits.idleMax else { throw .tooManyIdle }
            idle.append(Idle(id: id, until: now + limits.idleTime))
        case .close:
            let isWanted =
                queue.first.map { !$0.isFresh } ?? (idle.count < limits.idleMax && !isDraining)
            guard !reusable || !isWanted else { throw .connectionStillWanted }
        }
        try follow(answer.next)
    }

    mutating func cancelled(_ id: RequestID, _ answer: PoolMachine.Cancelled) throws(Mistake) {
        if let place = queue.firstIndex(where: { $0.id == id }) {
            guard answer.outcome == .nothing else { throw .connectionClosedWithoutNeed }
            queue.remove(at: place)
        } else if let connection = connecting.first(where: { $0.value == id })?.key {
            connecting[connection] = nil
            if let first = queue.first {
                guard answer.outcome == .nothing else { throw .waiterForgotten }
                queue.removeFirst()
                connecting[connection] = first.id
            } else {
                guard answer.outcome == .abortConnect(connection) else {
                    throw .connectionNotConnecting
                }
            }
        } else if let connection = leased.first(where: { $0.value == id })?.key {
            guard answer.outcome == .close(connection) else { throw .connectionNotLeased }
            leased[connection] = nil
        } else {
            guard answer.outcome == .stale, answer.next == nil else { throw .shouldBeStale }
            return
        }
        guard answer.outcome != .stale else { throw .shouldNotBeStale }
        try follow(answer.next)
    }

    mutating func expired(_ answer: PoolMachine.Expired?, now: Instant) throws(Mistake) {
        switch answer {
        case .close(let connection):
            guard let oldest = idle.first else { throw .connectionNotIdle }
            guard oldest.id == connection else { throw .connectionNotOldest }
            guard oldest.until <= now else { throw .connectionClosedWithoutNeed }
            idle.removeFirst()
        case .fail(let request, let refusal):
            guard let first = queue.first else { throw .requestNotWaiting }
            guard first.id == request else { throw .requestNotFirst }
            guard refusal == .waitTimedOut, first.until <= now else { throw .requestFailedEarly }
            queue.removeFirst()
        case nil:
            guard idle.allSatisfy({ $0.until > now }), queue.allSatisfy({ $0.until > now }) else {
                throw .dueNotDone
            }
        }
    }

    mutating func drained(_ closed: ConnectionID?) throws(Mistake) {
        isDraining = true
        guard let closed else {
            guard idle.isEmpty else { throw .connectionKeptWhileNeeded }
            return
        }
        guard idle.contains(where: { $0.id == closed }) else { throw .connectionNotIdle }
        idle.removeAll { $0.id == closed }
    }

    // MARK: What holds after every event

    func agree(with machine: PoolMachine) throws(Mistake) {
        guard open <= limits.openMax else { throw .tooManyOpen }
        guard queue.isEmpty || open == limits.openMax else { throw .waiterForgotten }
        guard queue.isEmpty || idle.isEmpty else { throw .idleNotUsed }
        let counters: [(String, Int, Int)] = [
            ("open", machine.open, open), ("idle", machine.idle, idle.count),
            ("leased", machine.leased, leased.count),
            ("connecting", machine.connecting, connecting.count),
            ("waiting", machine.waiting, queue.count),
            ("created", Int(machine.created), Int(created)),
            ("reused", Int(machine.reused), Int(reused)),
            ("drained", machine.isDrained ? 1 : 0, isDraining && open + queue.count == 0 ? 1 : 0),
        ]
        for (name, answered, counted) in counters where answered != counted {
            throw .counterWrong("\(name): \(answered), not \(counted)")
        }
        let deadlines = idle.map(\.until) + queue.map(\.until)
        guard machine.nextDeadline == deadlines.min() ?? .never else { throw .deadlineWrong }
    }

    private mutating func connect(
        _ connection: ConnectionID, for request: RequestID
    ) throws(Mistake) {
        guard open < limits.openMax else { throw .tooManyOpen }
        guard connectionsEver.insert(connection).inserted else { throw .nameUsedTwice }
        connecting[connection] = request
    }

    /// Room that was freed must go to the first request that waits.
    private mutating func follow(_ next: PoolMachine.Connect?) throws(Mistake) {
        guard let next else {
            guard queue.isEmpty || open == limits.openMax else { throw .waiterForgotten }
            return
        }
        guard let first = queue.first else { throw .requestNotWaiting }
        guard first.id == next.request else { throw .requestNotFirst }
        queue.removeFirst()
        try connect(next.connection, for: next.request)
    }
}
