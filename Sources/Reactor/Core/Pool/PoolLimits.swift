// PoolLimits.swift — the bounds and counters of one origin's connection pool.

/// Bounds of one origin's pool.
public struct PoolLimits: Sendable, Equatable {
    /// Connections that may be open at once, those being made included; above it requests wait.
    public var openMax = 16_384
    /// Idle connections kept; a further one is closed.
    public var idleMax = 256
    /// Requests that may wait; a further one is refused.
    public var waitingMax = 10_000
    /// How long a request may wait.
    public var waitTime: Duration = .seconds(10)
    /// How long a connection is kept idle: below the upstream's own limit.
    public var idleTime: Duration = .seconds(30)

    /// The defaults.
    public init() {}
}

/// What a pool holds now, and what it has done so far.
public struct PoolCounters: Sendable, Equatable {
    /// Connections being made.
    public var connecting = 0
    /// Connections carrying an exchange.
    public var leased = 0
    /// Connections waiting for one.
    public var idle = 0
    /// Requests waiting for a connection.
    public var waiting = 0
    /// Connections ever begun.
    public var created = 0
    /// Requests that got a connection which had served before.
    public var reused = 0
    /// TLS handshakes with certificates. Counted by the origin, as those below.
    public var handshakes = 0
    /// TLS handshakes that went on with an earlier session.
    public var resumptions = 0

    /// Connections in whatever state.
    public var open: Int { connecting + leased + idle }

    /// All zero.
    public init() {}
}
