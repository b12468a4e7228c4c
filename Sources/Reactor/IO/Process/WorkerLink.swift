// WorkerLink.swift — a worker's side: which one it is, what it has inherited, and its line to the
// supervisor.

import CUV
import Glibc
import ReactorCore

/// What a worker knows of itself from its environment.
public struct WorkerAssignment: Equatable, Sendable {
    /// Its place and side.
    public var id: WorkerID
    /// How many places there are.
    public var workerCount: Int

    init(id: WorkerID, workerCount: Int) {
        self.id = id
        self.workerCount = workerCount
    }

    /// `place:side:count`.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let place = parts[0], let side = parts[1], let count = parts[2],
            count > 0, (0..<count).contains(place), (0...1).contains(side)
        else { return nil }
        self.init(id: WorkerID(place: place, side: side), workerCount: count)
    }

    var text: String { "\(id.place):\(id.side):\(workerCount)" }

    /// The assignment that `variable` of the environment holds, which is taken out: children of this
    /// process are no workers. Nil in a process that no supervisor has started.
    public static func take(variable: String) -> WorkerAssignment? {
        guard let value = getenv(variable) else { return nil }
        defer { unsetenv(variable) }
        return WorkerAssignment(String(cString: value))
    }

    /// The socket that this worker listens on.
    public var socketDescriptor: Int32 { InheritedDescriptor.socket }
    /// The segment, for `SharedSegment(inherited:layout:)`.
    public var segmentDescriptor: Int32 { InheritedDescriptor.segment }

    /// Waits for what the supervisor sets workers up with. Nil if it is gone.
    public func readPayload() -> [UInt8]? {
        for descriptor in [InheritedDescriptor.socket, InheritedDescriptor.link] {
            _ = cuv_set_close_on_exec(descriptor)
        }
        guard let frame = ProcessLink.readFrame(InheritedDescriptor.link), frame.0 == .payload
        else { return nil }
        return frame.1
    }
}

/// What a worker is told; called within a turn.
public protocol WorkerLinkDelegate: AnyObject {
    /// End what is running and leave; a later call is more urgent than the one before.
    func workerShouldLeave(_ manner: LeaveManner)
    /// Take this payload from now on, or say that it does not do.
    func workerShouldReload(_ payload: ByteSlice) -> Bool
    /// There is no supervisor any more.
    func supervisorLost()
}

/// The line to the supervisor.
public final class WorkerLink {
    private var link: ProcessLink?
    private weak var delegate: (any WorkerLinkDelegate)?

    /// Takes the inherited line over; `readPayload` comes before.
    public init(_ loop: EventLoop, delegate: any WorkerLinkDelegate) {
        self.delegate = delegate
        link = ProcessLink(
            loop, descriptor: InheritedDescriptor.link,
            received: { [unowned self] in received($0, $1) },
            ended: { [unowned self] in
                link = nil
                self.delegate?.supervisorLost()
            })
    }

    private func received(_ message: LinkMessage, _ payload: ByteSlice) {
        switch message {
        case .replaced: delegate?.workerShouldLeave(.replaced)
        case .stopped: delegate?.workerShouldLeave(.stopped)
        case .stoppedAtOnce: delegate?.workerShouldLeave(.atOnce)
        case .payload:
            let isTaken = delegate?.workerShouldReload(payload) ?? false
            link?.send(isTaken ? .reloaded : .refused)
        case .ready, .leaving, .reloaded, .refused: break
        }
    }

    /// Connections are accepted from now on.
    public func ready() { link?.send(.ready) }

    /// No more connections are accepted.
    public func leaving() { link?.send(.leaving) }

    /// Lets go of the line; it would keep the loop alive.
    public func close() {
        link?.close()
        link = nil
    }
}
