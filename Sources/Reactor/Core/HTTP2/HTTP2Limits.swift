// HTTP2Limits.swift — the bounds of one HTTP/2 connection to an upstream.

/// Bounds of one client connection of HTTP/2.
public struct HTTP2Limits: Sendable, Equatable {
    /// Streams at once, whatever more the server allows.
    public var streamsMax = 100
    /// Bytes of a stream that the server may send before they are passed on: what a paused stream
    /// holds at most.
    public var streamWindowBytes = 256 * 1024
    /// Bytes of all streams that may be under way.
    public var connectionWindowBytes = 16 * 1024 * 1024
    /// Bytes of a response's field names and values; more ends the stream.
    public var headBytesMax = 64 * 1024
    /// Field lines of a response; more ends the stream.
    public var fieldCountMax = 200

    /// The defaults.
    public init() {}
}
