// Supervisor.swift — the shell around SupervisorMachine: starts the workers, hears their ends and
// the signals, and does what the machine says.

import CUV
import Glibc
import ReactorCore

/// What a supervisor needs to know.
public struct SupervisorSettings {
    /// Every bound, the number of workers among them.
    public var limits: SupervisorLimits
    /// Where the workers listen; port 0 takes a free one, the same for all.
    public var address: SocketAddress
    /// The command line of a worker, its name first.
    public var arguments: [String]
    /// The variable of a worker's environment that holds its assignment.
    public var variable: String
    /// What all workers share; it is handed down.
    public var segment: SharedSegment
    /// What each worker is told before it starts.
    public var payload: [UInt8]

    /// Settings with default limits.
    public init(
        workerCount: Int, address: SocketAddress, arguments: [String], variable: String,
        segment: SharedSegment, payload: [UInt8]
    ) {
        limits = SupervisorLimits(workerCount: workerCount)
        self.address = address
        self.arguments = arguments
        self.variable = variable
        self.segment = segment
        self.payload = payload
    }
}

/// What happens beside the machine's notes.
public enum SupervisorEvent: Equatable, Sendable {
    /// The machine's note; with the process it is about, if it is about one.
    case note(SupervisorMachine.Note, process: Int32?)
    /// A process was started for this worker.
    case spawned(WorkerID, process: Int32)
    /// That could not be done, or its socket could not be bound.
    case failed(SystemFailure)
    /// A worker has taken a new payload, or has refused to.
    case reloaded(WorkerID, process: Int32, isTaken: Bool)
}

/// Who knows what workers are for. All calls come within a turn.
public protocol SupervisorDelegate: AnyObject {
    /// SIGHUP or SIGUSR2: the payload to go on with; nil if it is not good, and the old one stays.
    func supervisorReloads() -> [UInt8]?
    /// What a worker held in the segment is nobody's any more.
    func supervisorClears(_ id: WorkerID)
    /// For the log.
    func supervisorReports(_ event: SupervisorEvent)
    /// All workers are gone, and nothing of the supervisor is on the loop any more.
    func supervisorEnded(code: Int32)
}

/// Runs worker processes until it is told to stop.
///
/// SIGTERM and SIGINT end it, the second one at once; SIGHUP reloads; SIGUSR2 replaces every worker
/// by what the program's name means now.
public final class Supervisor {
    private struct Child {
        let process: pid_t
        let link: ProcessLink
    }

    private unowned(unsafe) let loop: EventLoop
    private var settings: SupervisorSettings
    private weak var delegate: (any SupervisorDelegate)?
    private var machine: SupervisorMachine
    private var sockets: [WorkerSocket?] = []
    private var children: [WorkerID: Child] = [:]
    /// The last process of each worker, for the log.
    private var processes: [WorkerID: pid_t] = [:]
    private var watchers: [SignalWatcher] = []
    private var timer: LoopTimer?
    private var random = SeededRandom(seed: UInt64.random(in: .min ... .max))
    private var executable: Executable
    /// What crashed workers run again if a roll fails.
    private var executableBefore: Executable?
    private let bound: SocketAddress

    /// Binds every worker's socket. Throws if somebody listens there.
    public init(
        _ loop: EventLoop, settings: SupervisorSettings, delegate: any SupervisorDelegate
    ) throws(SystemFailure) {
        self.loop = loop
        self.settings = settings
        self.delegate = delegate
        machine = SupervisorMachine(limits: settings.limits)
        try WorkerSocket.check(settings.address)
        var address = settings.address
        for _ in 0..<settings.limits.workerCount {
            let socket = try WorkerSocket(address)
            address = socket.address
            sockets.append(socket)
        }
        bound = address
        executable = try Executable.running()
    }

    /// Where the workers listen, with the real port.
    public var address: SocketAddress { bound }

    /// Starts the workers.
    public func start() {
        timer = LoopTimer(loop) { [unowned self] in
            step { $0.timePassed(now: loop.now) }
        }
        watch(SIGTERM) { $0.terminate() }
        watch(SIGINT) { $0.terminate() }
        watch(SIGHUP) { $0.reload() }
        watch(SIGUSR2) { $0.roll() }
        watch(SIGCHLD) { $0.reap() }
        loop.withTurn { step { $0.started(now: loop.now) } }
    }

    private func watch(_ number: Int32, _ action: @escaping (Supervisor) -> Void) {
        watchers.append(SignalWatcher(loop, number: number) { [unowned self] in action(self) })
    }

    // MARK: Signals

    private func terminate() { step { $0.terminate(now: loop.now) } }

    private func reload() {
        guard let payload = delegate?.supervisorReloads() else { return }
        settings.payload = payload
        step { $0.reload() }
    }

    private func roll() {
        guard let payload = delegate?.supervisorReloads() else { return }
        settings.payload = payload
        do throws(SystemFailure) {
            let next = try Executable.named(settings.arguments.first ?? "")
            executableBefore = executable
            executable = next
        } catch {
            delegate?.supervisorReports(.failed(error))
            return
        }
        step { $0.roll(now: loop.now) }
    }

    private func reap() {
        for (id, child) in children {
            guard let code = ChildProcess.reap(child.process) else { continue }
            child.link.close()
            children[id] = nil
            step { $0.died(id, code: code, draw: draw(), now: loop.now) }
        }
    }

    private func draw() -> Double { Double(random.next() >> 11) / Double(1 << 53) }

    // MARK: The machine

    /// Asks the machine and does what it says, what that causes included.
    private func step(_ event: (inout SupervisorMachine) -> [SupervisorMachine.Action]) {
        var actions = event(&machine)[...]
        while let action = actions.popFirst() {
            actions.append(contentsOf: perform(action))
        }
        timer?.set(machine.nextDeadline)
    }

    private func perform(_ action: SupervisorMachine.Action) -> [SupervisorMachine.Action] {
        switch action {
        case .spawn(let id): return spawn(id)
        case .drain(let id, let manner): children[id]?.link.send(LinkMessage(manner))
        case .reload(let id): send(settings.payload, to: id)
        case .kill(let id):
            if let child = children[id] { kill(child.process, SIGKILL) }
        case .clear(let id):
            delegate?.supervisorClears(id)
        case .closeSocket(let place):
            sockets[place]?.close()
            sockets[place] = nil
        case .openSocket(let place): return openSocket(place)
        case .note(let note): report(note)
        case .exit(let code): end(code)
        }
        return []
    }

    private func spawn(_ id: WorkerID) -> [SupervisorMachine.Action] {
        // Without a socket its place has just been given up again.
        guard let socket = sockets[id.place] else { return [] }
        do throws(SystemFailure) {
            let ends = try ProcessLink.pair()
            let assignment = WorkerAssignment(id: id, workerCount: settings.limits.workerCount)
            let process: pid_t
            do throws(SystemFailure) {
                process = try ChildProcess.spawn(
                    path: executable.path, arguments: settings.arguments,
                    environment: ChildProcess.environment()
                        + ["\(settings.variable)=\(assignment.text)"],
                    descriptors: [
                        (socket.descriptor, InheritedDescriptor.socket),
                        (settings.segment.descriptor, InheritedDescriptor.segment),
                        (ends.inherited, InheritedDescriptor.link),
                    ])
            } catch {
                close(ends.own)
                close(ends.inherited)
                throw error
            }
            close(ends.inherited)
            let link = ProcessLink(
                loop, descriptor: ends.own,
                received: { [unowned self] message, _ in told(id, message) }, ended: {})
            children[id] = Child(process: process, link: link)
            processes[id] = process
            delegate?.supervisorReports(.spawned(id, process: process))
            send(settings.payload, to: id)
        } catch {
            delegate?.supervisorReports(.failed(error))
            return machine.spawnFailed(id, draw: draw(), now: loop.now)
        }
        return []
    }

    private func openSocket(_ place: Int) -> [SupervisorMachine.Action] {
        do throws(SystemFailure) {
            sockets[place] = try WorkerSocket(bound)
            return []
        } catch {
            delegate?.supervisorReports(.failed(error))
            return machine.socketFailed(place: place, draw: draw(), now: loop.now)
        }
    }

    private func send(_ payload: [UInt8], to id: WorkerID) {
        payload.withUnsafeBytes { bytes in
            children[id]?.link.send(.payload, payload: ByteSlice(bytes))
        }
    }

    private func told(_ id: WorkerID, _ message: LinkMessage) {
        guard let child = children[id] else { return }
        switch message {
        case .ready: step { $0.ready(id, now: loop.now) }
        case .leaving: step { $0.leftByItself(id, now: loop.now) }
        case .reloaded, .refused:
            delegate?.supervisorReports(
                .reloaded(id, process: child.process, isTaken: message == .reloaded))
        case .payload, .replaced, .stopped, .stoppedAtOnce: break
        }
    }

    private func report(_ note: SupervisorMachine.Note) {
        if case .rollFailed = note, let executableBefore { executable = executableBefore }
        let id: WorkerID? =
            switch note {
            case .ready(let id), .leaving(let id), .left(let id), .crashed(let id, _),
                .killed(let id, _):
                id
            case .allReady, .givenUp, .rollBegan, .rollEnded, .rollFailed, .stopping: nil
            }
        delegate?.supervisorReports(.note(note, process: id.flatMap { processes[$0] }))
    }

    private func end(_ code: Int32) {
        watchers.forEach { $0.close() }
        watchers = []
        timer?.cancel()
        timer = nil
        for child in children.values { child.link.close() }
        children = [:]
        delegate?.supervisorEnded(code: code)
    }
}
