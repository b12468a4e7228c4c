// PoolLimits.swift — the bounds of one connection pool. Immutable settings, imported by Reactor.

/// What bounds the pool of one origin, and so what happens at each bound.
public struct PoolLimits: Equatable, Sendable {
    /// Connections opening, idle and leased together; above it requests wait.
    public var openMax: Int
    /// Idle connections kept; above it a returned one is closed.
    public var idleMax: Int
    /// Requests waiting for a connection; above it they are refused.
    public var waitingMax: Int
    /// How long a request waits for a connection before it fails.
    public var waitTime: Duration
    /// How long an idle connection is kept.
    public var idleTime: Duration

    /// Limits with the defaults of a client that streams many answers at once.
    public init(
        openMax: Int = 16_384, idleMax: Int = 256, waitingMax: Int = 10_000,
        waitTime: Duration = .seconds(10), idleTime: Duration = .seconds(30)
    ) {
        precondition(openMax > 0 && idleMax >= 0 && waitingMax >= 0)
        self.openMax = openMax
        self.idleMax = idleMax
        self.waitingMax = waitingMax
        self.waitTime = waitTime
        self.idleTime = idleTime
    }
}
