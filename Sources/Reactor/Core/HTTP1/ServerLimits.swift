// ServerLimits.swift — every bound of a server connection, with its default. docs/limits.md tells
// what happens at each.

/// Bounds of one server and its connections.
public struct ServerLimits: Sendable {
    /// Bounds of a request head.
    public var head = HTTPHeadLimits()
    /// Bytes of a request body; more is 413.
    public var bodyBytesMax = 32 * 1024 * 1024
    /// Open client connections; above it a connection gets 503 and is closed.
    public var connectionCountMax = 50_000
    /// From the first byte of a request to the end of its head; then 408.
    public var headTime: Duration = .seconds(10)
    /// From the end of the head to the end of the body, and a second more per 64 KiB; then 408.
    public var bodyTime: Duration = .seconds(60)
    /// After this time in a body its mean rate must be at least `bodyRateMin`; else 408.
    public var bodyRateGrace: Duration = .seconds(10)
    /// Bytes a second.
    public var bodyRateMin = 1024
    /// Between two requests, and before the first one; then the connection is closed.
    public var idleTime: Duration = .seconds(75)
    /// How long a client may take no byte of an answer; then it is closed and cancelled.
    public var writeStallTime: Duration = .seconds(60)
    /// How long input is read and dropped behind an early answer, so that the client can read it.
    public var lingerTime: Duration = .seconds(5)
    /// Bytes waiting for the client at which its source is paused.
    public var outputHighWater = 256 * 1024
    /// Bytes waiting for the client at which its source goes on.
    public var outputLowWater = 64 * 1024

    /// The defaults.
    public init() {}
}
