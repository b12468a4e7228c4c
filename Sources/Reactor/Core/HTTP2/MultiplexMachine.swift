// MultiplexMachine.swift — which of an origin's HTTP/2 connections carries the next stream, and when
// another is made. Pure value; HTTP2Multiplexer obeys it.
//
// The pool's machine still says how many exchanges there may be and who waits. What it takes for a
// connection is here a stream, and this machine finds a place for it.

/// Places streams on connections.
///
/// A connection: connecting -> open -> retiring -> gone, and from each to gone. The fullest open
/// connection with room gets the next stream, so that others can become idle. While a connection
/// is being made, streams wait for it, as many as one is sure to take; until its server has told
/// how many it takes at once, it gets one.
public struct MultiplexMachine {
    /// What waits for a place; the pool's name for it.
    public typealias StreamID = PoolMachine.ConnectionID

    /// What becomes of a stream that is wanted.
    public enum Decision: Equatable, Sendable {
        /// It goes on this connection, in which its place is taken from now on.
        case open(on: Int)
        /// It waits; make this connection for it.
        case connect(Int)
        /// It waits for a connection that is being made.
        case wait
    }

    private enum State: Equatable {
        case gone
        case connecting
        case open
        case retiring
    }

    private struct Connection {
        var state: State
        var streams = 0
        /// Nil until it is known.
        var streamsMax: Int?
        /// Whether a stream was ever opened on it.
        var hasServed = false
        /// Whether streams may yet find a place on it by waiting.
        var isPending: Bool {
            state == .connecting || (state == .open && streamsMax == nil)
        }
    }

    /// Streams that wait for one connection being made: what RFC 9113 section 6.5.2 asks servers to
    /// allow at least.
    static let waitingPerConnection = 100

    private var connections: [Connection] = []
    private var waiting: [StreamID] = []
    /// Connections ever begun.
    public private(set) var created = 0
    /// Streams that were opened on a connection that had carried one before.
    public private(set) var reused = 0

    /// No connections.
    public init() {}

    // MARK: Streams

    /// A stream is wanted.
    public mutating func wanted(_ id: StreamID) -> Decision {
        if let place = roomiest() {
            take(place)
            return .open(on: place)
        }
        waiting.append(id)
        return missing().map { .connect($0) } ?? .wait
    }

    /// A stream that waited is not wanted any more.
    public mutating func cancelled(_ id: StreamID) { waiting.removeAll { $0 == id } }

    /// A stream is over.
    /// - Returns: whether the connection is now without any.
    public mutating func ended(on index: Int) -> Bool {
        connections[index].streams -= 1
        return connections[index].streams == 0
    }

    /// The next stream that waits and has a place now, which is then taken; ask until nil.
    public mutating func next() -> (StreamID, on: Int)? {
        guard let first = waiting.first, let place = roomiest() else { return nil }
        waiting.removeFirst()
        take(place)
        return (first, place)
    }

    /// A connection to make for streams that wait without one being made for them.
    public mutating func missing() -> Int? {
        guard waiting.count > pending * Self.waitingPerConnection else { return nil }
        return newConnection()
    }

    private mutating func take(_ place: Int) {
        connections[place].streams += 1
        if connections[place].hasServed { reused += 1 }
        connections[place].hasServed = true
    }

    private func roomiest() -> Int? {
        var best: Int?
        for (index, connection) in connections.enumerated()
        where connection.state == .open && connection.streams < connection.streamsMax ?? 1
            && connection.streams > (best.map { connections[$0].streams } ?? -1)
        {
            best = index
        }
        return best
    }

    // MARK: Connections

    /// A connection was made.
    public mutating func connected(_ index: Int) { connections[index].state = .open }

    /// The server has said how many streams it takes at once.
    public mutating func limited(_ index: Int, streamsMax: Int) {
        connections[index].streamsMax = streamsMax
    }

    /// A connection takes no new streams; those on it go on.
    public mutating func retire(_ index: Int) {
        if connections[index].state == .open { connections[index].state = .retiring }
    }

    /// Whether a connection takes no new streams.
    public func isRetiring(_ index: Int) -> Bool { connections[index].state == .retiring }

    /// A connection is gone or could not be made. Its streams are over: tell of none any more.
    public mutating func gone(_ index: Int) {
        connections[index] = Connection(state: .gone)
    }

    /// Takes all streams that wait: with no connection being made for them they wait in vain.
    public mutating func takeWaiting() -> [StreamID] {
        defer { waiting = [] }
        return waiting
    }

    private mutating func newConnection() -> Int {
        created += 1
        let entry = Connection(state: .connecting)
        if let index = connections.firstIndex(where: { $0.state == .gone }) {
            connections[index] = entry
            return index
        }
        connections.append(entry)
        return connections.count - 1
    }

    // MARK: Counts

    /// Connections that are being made or have not told how much they take.
    public var pending: Int { connections.count { $0.isPending } }

    /// Connections being made.
    public var connecting: Int { connections.count { $0.state == .connecting } }

    /// Connections that carry streams.
    public var busy: Int { connections.count { $0.streams > 0 } }

    /// Connections that carry none.
    public var idle: Int { connections.count { $0.state == .open && $0.streams == 0 } }
}
