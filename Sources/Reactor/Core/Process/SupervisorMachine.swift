// SupervisorMachine.swift — what becomes of a set of worker processes: who is started, told to
// leave, killed, and when the whole ends. Pure value: no process, signal or clock; the time and the
// random draw are handed in. Imported by Supervisor, its shell.
//
// A *place* is a listening socket and the worker that accepts from it. A place has two *sides*: a
// replacement is started on the free one while the worker before it still serves. So at most
// two workers of a place live at once, and what a worker keeps in shared memory has an owner.
//
//     place   vacant -> starting -> ready -> (roll: the other side is ready) leaving -> vacant
//             vacant -> waiting (crashed too often: socket closed) -> starting

/// Decides for all workers.
public struct SupervisorMachine {
    /// What the shell is to do, in this order.
    public enum Action: Equatable, Sendable {
        /// Start a worker on its place's socket; `spawnFailed` if that cannot be done.
        case spawn(WorkerID)
        /// Let it leave.
        case drain(WorkerID, LeaveManner)
        /// Take the current configuration.
        case reload(WorkerID)
        /// End it without asking.
        case kill(WorkerID)
        /// It is dead: what it held in shared memory is nobody's.
        case clear(WorkerID)
        /// Nobody accepts from this place's socket for a while.
        case closeSocket(place: Int)
        /// Bind it again; `socketFailed` if that cannot be done.
        case openSocket(place: Int)
        /// Tell the log.
        case note(Note)
        /// Everything is over.
        case exit(code: Int32)
    }

    /// What the log is told.
    public enum Note: Equatable, Sendable {
        case ready(WorkerID)
        case allReady
        case leaving(WorkerID)
        case left(WorkerID)
        /// It ended unasked, with this code (128 and the signal's number).
        case crashed(WorkerID, code: Int32)
        /// The place is tried again after this time.
        case givenUp(place: Int, wait: Duration)
        /// It did not become ready, or did not leave, in time.
        case killed(WorkerID, whileStarting: Bool)
        case rollBegan
        case rollEnded
        /// A replacement did not come up; the workers that are left stay.
        case rollFailed(place: Int)
        case stopping(atOnce: Bool)
    }

    private enum Phase: Equatable {
        /// -> ready; -> gone on a crash, or killed when the deadline passes.
        case starting(deadline: Instant)
        /// -> leaving; -> gone on a crash.
        case ready
        /// -> gone; killed when the deadline passes.
        case leaving(deadline: Instant)
        /// -> gone.
        case killed
    }

    private struct Place {
        /// By side.
        var phases: [Phase?] = [nil, nil]
        /// The side that new connections are meant for.
        var current = 0
        var crashes: [Instant] = []
        /// Times in a row that it was given up.
        var givenUpCount = 0
        var retryAt = Instant.never
        var hasSocket = true
        /// A reload came while the worker was starting.
        var owesReload = false
    }

    private enum Stage: Equatable {
        /// -> serving when every place is ready once; -> stopping.
        case starting
        /// -> stopping.
        case serving
        /// -> over when the last worker is gone.
        case stopping
        case over
    }

    private let limits: SupervisorLimits
    private var places: [Place]
    private var stage = Stage.starting
    private var wasEverReady = false
    private var exitCode: Int32 = 0
    private var stopCount = 0
    /// The place that is being replaced; nil while no roll is under way.
    private var rolling: Int?
    private var rollsAgain = false

    /// Nothing runs yet: `started` comes first.
    public init(limits: SupervisorLimits) {
        self.limits = limits
        places = Array(repeating: Place(), count: limits.workerCount)
    }

    /// How many workers are alive.
    public var aliveCount: Int {
        places.reduce(0) { $0 + $1.phases.reduce(0) { $0 + ($1 == nil ? 0 : 1) } }
    }

    /// How many workers are ready.
    public var readyCount: Int {
        places.reduce(0) { $0 + ($1.phases[$1.current] == .ready ? 1 : 0) }
    }

    // MARK: Events

    /// The supervisor has its sockets.
    public mutating func started(now: Instant) -> [Action] {
        places.indices.map { spawn($0, now: now) }
    }

    /// A worker accepts connections.
    public mutating func ready(_ id: WorkerID, now: Instant) -> [Action] {
        guard case .starting = phase(id) else { return [] }
        places[id.place].phases[id.side] = .ready
        wasEverReady = true
        var actions: [Action] = [.note(.ready(id))]
        if places[id.place].owesReload {
            places[id.place].owesReload = false
            actions.append(.reload(id))
        }
        let before = WorkerID(place: id.place, side: 1 - id.side)
        if phase(before) == .ready { actions += leave(before, now: now) }
        if stage == .starting, readyCount == places.count {
            stage = .serving
            actions.append(.note(.allReady))
        }
        if rolling == id.place { actions += rollOn(now: now) }
        return actions
    }

    /// A worker says that it takes no more connections: somebody has told it to leave.
    public mutating func leftByItself(_ id: WorkerID, now: Instant) -> [Action] {
        guard stage != .stopping, stage != .over, phase(id) == .ready else { return [] }
        places[id.place].phases[id.side] = .leaving(deadline: killTime(now))
        var actions: [Action] = [.note(.leaving(id))]
        let other = 1 - id.side
        if places[id.place].current == id.side, places[id.place].phases[other] == nil {
            actions.append(spawn(id.place, side: other, now: now))
        }
        return actions
    }

    /// A worker process has ended; `code` as shells say it.
    public mutating func died(_ id: WorkerID, code: Int32, draw: Double, now: Instant) -> [Action] {
        guard let phase = phase(id) else { return [] }
        places[id.place].phases[id.side] = nil
        var actions: [Action] = [.clear(id)]
        if stage == .stopping {
            if exitCode == 0, phase == .killed || code != 0 { exitCode = 1 }
            actions.append(.note(.left(id)))
            return actions + finishIfEmpty()
        }
        switch phase {
        case .leaving:
            actions.append(.note(.left(id)))
            return actions + gone(id, now: now)
        case .killed where places[id.place].current != id.side:
            return actions + gone(id, now: now)
        case .starting, .ready, .killed:
            actions.append(.note(.crashed(id, code: code)))
        }
        let other = WorkerID(place: id.place, side: 1 - id.side)
        if case .starting = phase, rolling == id.place, self.phase(other) == .ready {
            // The replacement failed; the worker before it serves on.
            places[id.place].current = other.side
            return actions + failRoll(id.place)
        }
        if case .starting = phase, !wasEverReady, code > 0, code < 128 {
            // It cannot start at all, and has said why.
            return actions + stop(code: code, now: now)
        }
        if places[id.place].current != id.side { return actions + gone(id, now: now) }
        if rolling == id.place { actions += failRoll(id.place) }
        return actions + crashed(id.place, draw: draw, now: now)
    }

    /// A worker could not be started.
    public mutating func spawnFailed(_ id: WorkerID, draw: Double, now: Instant) -> [Action] {
        died(id, code: 128, draw: draw, now: now)
    }

    /// A place's socket could not be bound again.
    public mutating func socketFailed(place: Int, draw: Double, now: Instant) -> [Action] {
        guard stage != .stopping, stage != .over else { return [] }
        for side in 0...1 { places[place].phases[side] = nil }
        return giveUp(place, draw: draw, now: now)
    }

    /// The configuration has changed and is good.
    public mutating func reload() -> [Action] {
        guard stage != .stopping, stage != .over else { return [] }
        var actions: [Action] = []
        for place in places.indices {
            for side in 0...1 {
                switch places[place].phases[side] {
                case .ready: actions.append(.reload(WorkerID(place: place, side: side)))
                case .starting: places[place].owesReload = true
                case .leaving, .killed, nil: break
                }
            }
        }
        return actions
    }

    /// Every worker is to be replaced, one after the other.
    public mutating func roll(now: Instant) -> [Action] {
        guard stage != .stopping, stage != .over else { return [] }
        guard rolling == nil else {
            rollsAgain = true
            return []
        }
        return [.note(.rollBegan)] + replace(0, now: now)
    }

    /// The whole is to end: with the grace at first, at once the second time.
    public mutating func terminate(now: Instant) -> [Action] {
        stopCount += 1
        switch stopCount {
        case 1: return stop(code: 0, now: now)
        default:
            var actions: [Action] = [.note(.stopping(atOnce: true))]
            for id in alive {
                set(id, .leaving(deadline: now + limits.killMargin))
                actions.append(.drain(id, .atOnce))
            }
            return actions + finishIfEmpty()
        }
    }

    /// Call when `nextDeadline` has come.
    public mutating func timePassed(now: Instant) -> [Action] {
        var actions: [Action] = []
        for id in alive {
            switch phase(id) {
            case .starting(let deadline) where deadline <= now:
                set(id, .killed)
                actions += [.note(.killed(id, whileStarting: true)), .kill(id)]
            case .leaving(let deadline) where deadline <= now:
                set(id, .killed)
                actions += [.note(.killed(id, whileStarting: false)), .kill(id)]
            default: break
            }
        }
        for place in places.indices where places[place].retryAt <= now {
            places[place].retryAt = .never
            if !places[place].hasSocket {
                places[place].hasSocket = true
                actions.append(.openSocket(place: place))
            }
            actions.append(spawn(place, now: now))
        }
        return actions
    }

    /// When `timePassed` is due; `.never` if it is not.
    public var nextDeadline: Instant {
        var next = Instant.never
        for place in places {
            next = min(next, place.retryAt)
            for phase in place.phases {
                switch phase {
                case .starting(let deadline), .leaving(let deadline): next = min(next, deadline)
                case .ready, .killed, nil: break
                }
            }
        }
        return next
    }
}

// MARK: - Steps

extension SupervisorMachine {
    private var alive: [WorkerID] {
        places.indices.flatMap { place in
            (0...1).filter { places[place].phases[$0] != nil }
                .map { WorkerID(place: place, side: $0) }
        }
    }

    private func phase(_ id: WorkerID) -> Phase? {
        guard places.indices.contains(id.place), 0...1 ~= id.side else { return nil }
        return places[id.place].phases[id.side]
    }

    private mutating func set(_ id: WorkerID, _ phase: Phase) {
        places[id.place].phases[id.side] = phase
    }

    private func killTime(_ now: Instant) -> Instant { now + limits.grace + limits.killMargin }

    /// On the side given, else on the current one.
    private mutating func spawn(_ place: Int, side: Int? = nil, now: Instant) -> Action {
        let side = side ?? places[place].current
        precondition(places[place].phases[side] == nil, "a worker was started over another")
        places[place].current = side
        places[place].phases[side] = .starting(deadline: now + limits.startTime)
        return .spawn(WorkerID(place: place, side: side))
    }

    private mutating func leave(_ id: WorkerID, now: Instant) -> [Action] {
        set(id, .leaving(deadline: killTime(now)))
        return [.note(.leaving(id)), .drain(id, .replaced)]
    }

    /// A worker that was leaving, or was not its place's current one any more, is gone.
    private mutating func gone(_ id: WorkerID, now: Instant) -> [Action] {
        let place = id.place
        switch places[place].phases[places[place].current] {
        case nil:
            // It had left by itself when both sides were taken.
            return places[place].retryAt == .never ? [spawn(place, now: now)] : []
        case .leaving, .killed:
            return [spawn(place, side: id.side, now: now)]
        case .ready where rolling == place:
            // The roll waited for this side.
            return replace(place, now: now)
        case .ready, .starting:
            return []
        }
    }

    /// The current worker of a place crashed.
    private mutating func crashed(_ place: Int, draw: Double, now: Instant) -> [Action] {
        let window = limits.crashWindow.nanoseconds
        places[place].crashes.removeAll { $0.advanced(nanoseconds: window) <= now }
        if places[place].crashes.isEmpty { places[place].givenUpCount = 0 }
        places[place].crashes.append(now)
        guard places[place].crashes.count >= limits.crashCountMax else {
            return [spawn(place, now: now)]
        }
        return giveUp(place, draw: draw, now: now)
    }

    private mutating func giveUp(_ place: Int, draw: Double, now: Instant) -> [Action] {
        places[place].givenUpCount += 1
        let wait = limits.backoff.delay(afterFailures: places[place].givenUpCount, draw: draw)
        places[place].retryAt = now + wait
        var actions: [Action] = []
        if places[place].hasSocket {
            places[place].hasSocket = false
            actions.append(.closeSocket(place: place))
        }
        return actions + [.note(.givenUp(place: place, wait: wait))]
    }

    // MARK: Rolling

    private mutating func replace(_ place: Int, now: Instant) -> [Action] {
        rolling = place
        let current = places[place].current
        // A place without a ready worker gets a new one by itself.
        guard places[place].phases[current] == .ready else { return rollOn(now: now) }
        // The other side may still be leaving from the roll before: `gone` goes on.
        guard places[place].phases[1 - current] == nil else { return [] }
        return [spawn(place, side: 1 - current, now: now)]
    }

    private mutating func rollOn(now: Instant) -> [Action] {
        guard let place = rolling else { return [] }
        if place + 1 < places.count { return replace(place + 1, now: now) }
        rolling = nil
        guard rollsAgain else { return [.note(.rollEnded)] }
        rollsAgain = false
        return [.note(.rollEnded), .note(.rollBegan)] + replace(0, now: now)
    }

    private mutating func failRoll(_ place: Int) -> [Action] {
        rolling = nil
        rollsAgain = false
        return [.note(.rollFailed(place: place))]
    }

    // MARK: Stopping

    private mutating func stop(code: Int32, now: Instant) -> [Action] {
        guard stage != .stopping, stage != .over else { return [] }
        stage = .stopping
        exitCode = code
        rolling = nil
        rollsAgain = false
        var actions: [Action] = [.note(.stopping(atOnce: false))]
        // The workers' own copies keep the sockets open until they stop accepting.
        for place in places.indices {
            places[place].retryAt = .never
            guard places[place].hasSocket else { continue }
            places[place].hasSocket = false
            actions.append(.closeSocket(place: place))
        }
        for id in alive {
            if case .killed = phase(id) { continue }
            set(id, .leaving(deadline: killTime(now)))
            actions.append(.drain(id, .stopped))
        }
        return actions + finishIfEmpty()
    }

    private mutating func finishIfEmpty() -> [Action] {
        guard stage == .stopping, aliveCount == 0 else { return [] }
        stage = .over
        return [.exit(code: exitCode)]
    }
}
