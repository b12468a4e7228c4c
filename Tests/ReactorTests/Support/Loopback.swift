// Loopback.swift — one event loop with a server, a client and raw sockets on it, in one thread.
// At its end everything is closed, and the loop itself checks that no handle is left.

import Reactor
import ReactorCore
import TestSupport
import Testing

/// What one test runs in. Call `finish` at its end.
final class Loopback {
    let loop = EventLoop()
    private(set) var server: HTTPServer?
    private(set) var port = 0
    let log = ServerLog()
    private lazy var resolver: Resolver? = Resolver(loop)
    private var origins: [HTTPOrigin] = []
    private var sockets: [RawSocket] = []
    private var listeners: [RawListener] = []

    // MARK: Making

    /// A server on a free port whose handlers do what `script` says.
    func serve(
        tls: TLSContext? = nil, limits: ServerLimits = ServerLimits(),
        _ script: ServerScript = ServerScript()
    ) throws {
        let log = self.log
        var settings = HTTPServerSettings { RecordingHandler(log: log, script: script) }
        settings.limits = limits
        settings.tls = tls
        let server = HTTPServer(loop, settings: settings)
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        port = try server.listen(on: any).port
        self.server = server
    }

    /// A raw connection to the server.
    func connect(receiveBuffer: Int32? = nil) -> RawSocket {
        let socket = RawSocket.connect(port: port, receiveBuffer: receiveBuffer)
        sockets.append(socket)
        return socket
    }

    /// A raw listener in the place of an origin.
    func listen(backlog: Int32 = 128) -> RawListener {
        let listener = RawListener(backlog: backlog)
        listeners.append(listener)
        return listener
    }

    /// Waits for a connection to `listener`.
    func accept(_ listener: RawListener) throws -> RawSocket {
        var accepted: RawSocket?
        wait("a connection") {
            accepted = accepted ?? listener.accept()
            return accepted != nil
        }
        let socket = try #require(accepted)
        sockets.append(socket)
        return socket
    }

    /// A client's pool for a port of this machine.
    func origin(
        host: String = "127.0.0.1", port: Int? = nil, tls: TLSContext? = nil,
        http2: TLSContext? = nil, limits: PoolLimits = PoolLimits(),
        connectTime: Duration = .seconds(5)
    ) throws -> HTTPOrigin {
        let origin = HTTPOrigin(
            resolver: try #require(resolver), host: host, port: port ?? self.port, tls: tls,
            http2: http2, limits: limits, connectTime: connectTime)
        origins.append(origin)
        return origin
    }

    // MARK: Running

    /// Runs until `condition` holds; a failure of the test when it does not within `limit`.
    @discardableResult
    func wait(
        _ what: String, within limit: Duration = .seconds(5),
        sourceLocation: SourceLocation = #_sourceLocation, until condition: () -> Bool
    ) -> Bool {
        let start = ContinuousClock.now
        while true {
            for socket in sockets { socket.poll() }
            if condition() { return true }
            if ContinuousClock.now - start > limit {
                Issue.record("waited in vain for \(what)", sourceLocation: sourceLocation)
                return false
            }
            loop.run(until: condition, within: .milliseconds(2))
        }
    }

    /// Runs for a while, whatever happens.
    func pass(_ time: Duration) {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < time {
            for socket in sockets { socket.poll() }
            loop.run(until: { false }, within: .milliseconds(2))
        }
    }

    /// Waits until `socket` has received all of `text` or more.
    func waitForText(
        _ text: String, on socket: RawSocket, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        wait("'\(text)'", sourceLocation: sourceLocation) { socket.text.contains(text) }
    }

    func waitForEnd(
        of socket: RawSocket, within limit: Duration = .seconds(5),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        wait("the connection's end", within: limit, sourceLocation: sourceLocation) {
            socket.hasEnded || socket.failure != 0
        }
    }

    // MARK: Ending

    /// Closes everything and waits until all of it is closed.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        for origin in origins { loop.withTurn { origin.close() } }
        for socket in sockets { socket.close() }
        log.forget()
        if let server {
            var isDrained = false
            server.drain(grace: .zero) { isDrained = true }
            wait("the drain", sourceLocation: sourceLocation) { isDrained }
            #expect(server.connectionCount == 0, sourceLocation: sourceLocation)
        }
        // Closing handles and look-ups end within some turns.
        pass(.milliseconds(5))
        server = nil
        origins = []
        resolver = nil
    }
}
