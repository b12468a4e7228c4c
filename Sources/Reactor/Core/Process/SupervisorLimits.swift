// SupervisorLimits.swift — the words of supervision: its bounds, what a worker is called, and how it
// is told to leave. Values.

/// Bounds of supervision.
public struct SupervisorLimits: Equatable, Sendable {
    /// Places.
    public var workerCount: Int
    /// Crashes of one place within `crashWindow` after which its socket is closed.
    public var crashCountMax = 5
    /// How long a crash is remembered.
    public var crashWindow: Duration = .seconds(60)
    /// Waits before a place that crashed too often is tried again.
    public var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
    /// From start to readiness; then the worker is killed.
    public var startTime: Duration = .seconds(30)
    /// What workers get to end their requests.
    public var grace: Duration = .seconds(30)
    /// Behind the grace, which workers keep themselves, until they are killed.
    public var killMargin: Duration = .seconds(3)

    /// Defaults for `workerCount` places.
    public init(workerCount: Int) {
        precondition(workerCount > 0)
        self.workerCount = workerCount
    }
}

/// One worker process: its place and its side.
public struct WorkerID: Hashable, Sendable {
    /// 0..<workerCount.
    public var place: Int
    /// 0 or 1.
    public var side: Int

    /// The worker on `side` of `place`.
    public init(place: Int, side: Int) {
        self.place = place
        self.side = side
    }

    /// A number of its own among all workers: 0..<2 * workerCount.
    public var number: Int { place * 2 + side }
}

/// How a worker is to leave.
public enum LeaveManner: Equatable, Sendable {
    /// Another accepts in its place: idle clients have time to notice.
    case replaced
    /// The whole is to end: running requests end.
    case stopped
    /// Running requests are cut.
    case atOnce
}
