// HTTPServer.swift — a listener and its connections: limits over all of them, drain, and what the
// server itself must answer (refused requests, time-outs, overload).

import CUV
import ReactorCore

/// Why the server answered or closed by itself, without a handler.
public enum HTTPServerRefusal: Equatable, Sendable {
    /// The request breaks HTTP.
    case malformed(HTTP1Failure)
    /// The body is over the limit: 413.
    case bodyTooLarge(limit: Int)
    /// The head or the body took too long: 408.
    case requestTimedOut
    /// Too many connections are open: 503.
    case overloaded
    /// The server is going away: 503.
    case draining

    /// The status of the answer.
    public var status: Int {
        switch self {
        case .malformed(let failure): failure.status
        case .bodyTooLarge: 413
        case .requestTimedOut: 408
        case .overloaded, .draining: 503
        }
    }

    /// One plain sentence for the client.
    public var text: String {
        switch self {
        case .malformed(let failure): failure.text
        case .bodyTooLarge(let limit): "The request body is over the limit of \(limit) bytes."
        case .requestTimedOut: "The request did not arrive in time."
        case .overloaded: "Too many connections are open."
        case .draining: "The server is shutting down."
        }
    }
}

/// Why a request in progress ended before its response did.
public enum HTTPServerCancellation: Equatable, Sendable {
    /// The client closed or reset the connection.
    case clientLeft
    /// The client took no byte of the response for too long.
    case clientStalled
    /// The body broke HTTP, grew too large or came too late; the server answers if it still can.
    case refused(HTTPServerRefusal)
    /// The server was stopped with no grace left.
    case stopped
}

/// What serves the requests of one connection, one after the other, until the connection is asked to
/// release it.
///
/// All calls come within a turn of the loop. Slices are valid during the call.
public protocol HTTPServerHandler: AnyObject {
    /// A request's head arrived and keeps the rules. Where its body is declared to be over the limit
    /// and this answers nothing, the server refuses it right behind.
    func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection)
    /// Bytes of its body arrived.
    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection)
    /// The request is complete.
    func requestEnded(on connection: HTTPServerConnection)
    /// The request is over before its response is complete: stop all work on it. No response call
    /// may follow.
    func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection)
    /// The client's queue is below its low-water mark again, after `isFull`.
    func outputHasRoom(on connection: HTTPServerConnection)
}

/// What a server needs to know.
public struct HTTPServerSettings {
    /// Every bound.
    public var limits = ServerLimits()
    /// TLS, if it is to be spoken.
    public var tls: TLSContext?
    /// Appends the field lines and the body of an answer that the server gives by itself; the
    /// status line, `Date`, `Content-Length` and `Connection` are the server's.
    public var refusalBody:
        (HTTPServerRefusal, _ fields: inout ByteBuffer, _ body: inout ByteBuffer)
            -> Void
    /// Makes the handler of a connection when its first request's head arrives, and again where the
    /// one before has been released.
    public var makeHandler: () -> any HTTPServerHandler

    /// Settings with default limits, no TLS and plain-text refusals.
    public init(makeHandler: @escaping () -> any HTTPServerHandler) {
        self.makeHandler = makeHandler
        refusalBody = { refusal, fields, body in
            fields.append("content-type: text/plain; charset=utf-8\r\n" as StaticString)
            body.append(refusal.text)
            body.append(ASCII.lf)
        }
    }
}

/// An HTTP/1.1 server on one loop.
public final class HTTPServer {
    /// The loop that it lives on.
    public unowned(unsafe) let loop: EventLoop
    private(set) var settings: HTTPServerSettings
    let bounds: ServerBounds
    private var listeners: [Listener] = []
    private var connections = ConnectionList()
    /// Connections above the limit that are being told so; further ones are reset.
    static let refusedCountMax = 1000
    private var refusedCount = 0
    private var isDraining = false
    private var drained: (() -> Void)?
    private let graceTimer: LoopTimer
    private let idleTimer: LoopTimer
    private var registration: MemoryRegistration?

    /// Makes a server that listens nowhere yet.
    public init(_ loop: EventLoop, settings: HTTPServerSettings) {
        self.loop = loop
        self.settings = settings
        bounds = ServerBounds(settings.limits)
        bytes = .allocate(capacity: 1)
        bytes.initialize(to: ByteCounts())
        // Both timers are this object's own and go with it.
        final class Link { unowned(unsafe) var server: HTTPServer? }
        let link = Link()
        graceTimer = LoopTimer(loop) { link.server?.stopNow() }
        idleTimer = LoopTimer(loop) { link.server?.closeIdle() }
        link.server = self
        registration = loop.register(self)
    }

    deinit { bytes.deallocate() }

    /// How many client connections have been closed so far.
    public private(set) var closedCount = 0

    /// How many client connections are open.
    public var connectionCount: Int { connections.count }

    /// Bytes of clients. By address: connections count there at every read and write without a
    /// reference to this object.
    let bytes: UnsafeMutablePointer<ByteCounts>

    struct ByteCounts {
        var received = 0
        var sent = 0
    }

    /// Bytes that clients have sent: HTTP's, without TLS's own.
    public var receivedByteCount: Int { bytes.pointee.received }
    /// Bytes that were written to clients, likewise.
    public var sentByteCount: Int { bytes.pointee.sent }

    /// Listens on `address` and returns the one that was bound (a real port for port 0).
    @discardableResult
    public func listen(on address: SocketAddress) throws(SystemFailure) -> SocketAddress {
        let listener = try Listener(loop, address: address) { [unowned self] block in
            accepted(block)
        }
        listeners.append(listener)
        return listener.address ?? address
    }

    /// Listens on a bound socket that this process has inherited.
    @discardableResult
    public func listen(inherited descriptor: Int32) throws(SystemFailure) -> SocketAddress? {
        let listener = try Listener(loop, inherited: descriptor) { [unowned self] block in
            accepted(block)
        }
        listeners.append(listener)
        return listener.address
    }

    /// The certificate and settings of connections that are accepted from now on.
    public func replace(tls: TLSContext?) { settings.tls = tls }

    private func accepted(_ block: UnsafeMutablePointer<cuv_tcp_block>) {
        let engine = settings.tls.map { TLSEngine(server: $0) }
        let connection = HTTPServerConnection(server: self, block: block, tls: engine)
        connections.insert(connection)
        connection.start()
        guard connections.count - refusedCount > settings.limits.connectionCountMax else { return }
        // A refused connection lingers until its client has read the answer; it takes no place.
        guard refusedCount < Self.refusedCountMax else { return connection.abort() }
        refusedCount += 1
        connection.isRefused = true
        connection.refuse(.overloaded)
    }

    func connectionClosed(_ connection: HTTPServerConnection) {
        connections.remove(connection)
        closedCount += 1
        if connection.isRefused { refusedCount -= 1 }
        if isDraining { finishDrainIfEmpty() }
    }

    /// Stops accepting, lets running requests end, and calls back when all connections are gone:
    /// at the latest after `grace`, when those that are left are cut.
    ///
    /// - Parameter idleGrace: how long idle connections may still bring one more request, which
    ///   closes them: a client that is kept alive may be sending it at this moment.
    public func drain(
        grace: Duration, idleGrace: Duration = .zero, _ drained: @escaping () -> Void
    ) {
        isDraining = true
        self.drained = drained
        listeners.forEach { $0.close() }
        listeners.removeAll()
        graceTimer.set(loop.now + grace)
        let keepsIdle = idleGrace > .zero
        idleTimer.set(keepsIdle ? loop.now + idleGrace : .never)
        loop.withTurn {
            connections.forEach { $0.drain(keepsIdle: keepsIdle) }
            finishDrainIfEmpty()
        }
    }

    private func closeIdle() { connections.forEach { $0.drain(keepsIdle: false) } }

    private func stopNow() { connections.forEach { $0.stop() } }

    private func finishDrainIfEmpty() {
        guard connections.count == 0, let drained else { return }
        self.drained = nil
        graceTimer.cancel()
        idleTimer.cancel()
        drained()
    }
}

extension HTTPServer: MemoryHolder {
    /// Makes tables that a crowd has left fit again.
    public func releaseMemory() { connections.releaseMemory() }
}

/// The open connections of a server: an array whose members know their place.
struct ConnectionList {
    private var members: [HTTPServerConnection] = []

    var count: Int { members.count }

    mutating func insert(_ connection: HTTPServerConnection) {
        connection.place = members.count
        members.append(connection)
    }

    mutating func remove(_ connection: HTTPServerConnection) {
        let place = connection.place
        precondition(members[place] === connection, "connection is not in its place")
        let last = members.removeLast()
        if last !== connection {
            members[place] = last
            last.place = place
        }
    }

    /// Makes the array fit where less than a quarter of it is used.
    mutating func releaseMemory() {
        if members.capacity > max(64, members.count * 4) { members = members.map { $0 } }
    }

    /// Calls `body` for each; a call may close connections.
    func forEach(_ body: (HTTPServerConnection) -> Void) { members.forEach(body) }
}
