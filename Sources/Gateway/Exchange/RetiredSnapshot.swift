// RetiredSnapshot.swift — a snapshot that a reload has replaced, until nobody needs it.

/// A snapshot on its way out: it is closed when it was idle for one interval (what an upstream sends
/// behind an answer's end may still be read), and let go one later, when its handles are closed.
struct RetiredSnapshot {
    static let interval: Duration = .seconds(2)

    let snapshot: Snapshot
    private var wasIdle = false
    private(set) var isClosed = false

    init(snapshot: Snapshot) { self.snapshot = snapshot }

    /// Nil when it may be let go.
    func timePassed() -> RetiredSnapshot? {
        if isClosed { return nil }
        var next = self
        if wasIdle, snapshot.requestCount == 0 {
            snapshot.close()
            next.isClosed = true
        }
        next.wasIdle = snapshot.requestCount == 0
        return next
    }
}
