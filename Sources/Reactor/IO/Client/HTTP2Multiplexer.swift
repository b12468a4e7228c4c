// HTTP2Multiplexer.swift — the HTTP/2 connections of one origin: the shell around MultiplexMachine.
// Part of HTTPOrigin, which asks it for a stream where it would make a connection.

import CUV
import ReactorCore

/// Makes and keeps the connections that an origin's streams share.
///
/// A server that does not choose `h2` is spoken to over HTTP/1.1 from then on: the multiplexer gives
/// up, and the origin makes connections as if there had never been one.
final class HTTP2Multiplexer {
    let loop: EventLoop
    private unowned(unsafe) let origin: HTTPOrigin
    let tls: TLSContext
    private let idleTime: Duration
    private var machine = MultiplexMachine()
    private var connections: [HTTP2Connection?] = []
    private var connectors: [Connector?] = []
    private var isDraining = false
    /// Whether new streams are wanted of it.
    private(set) var isActive = true

    init(origin: HTTPOrigin, tls: TLSContext, idleTime: Duration) {
        self.origin = origin
        self.tls = tls
        self.idleTime = idleTime
        loop = origin.loop
    }

    // MARK: From the origin

    /// Finds or makes a place for a stream; `HTTPOrigin.opened` or `connectFailed` follows, perhaps
    /// within the call.
    func open(_ id: PoolMachine.ConnectionID) {
        switch machine.wanted(id) {
        case .open(let index): give(id, index)
        case .connect(let index): connect(index)
        case .wait: break
        }
    }

    /// Nobody waits for this stream any more.
    func cancel(_ id: PoolMachine.ConnectionID) { machine.cancelled(id) }

    /// The pool's counters, with connections in the place of streams.
    func counters(of pool: PoolCounters) -> PoolCounters {
        var counters = PoolCounters()
        counters.connecting = machine.connecting
        counters.leased = machine.busy
        counters.idle = machine.idle
        counters.waiting = pool.waiting
        counters.created = machine.created
        counters.reused = machine.reused
        return counters
    }

    /// New streams go elsewhere; those there are end on their connections.
    func giveUp() {
        guard isActive else { return }
        isActive = false
        drain()
        for id in machine.takeWaiting() { origin.connect(id) }
    }

    /// Closes idle connections, the others when their last stream has ended.
    func drain() {
        isDraining = true
        for connection in connections {
            guard let connection else { continue }
            machine.retire(connection.index)
            if connection.streams.isEmpty { bury(connection) }
        }
    }

    /// Closes everything now.
    func close() {
        for connector in connectors { connector?.cancel() }
        for connection in connections { connection?.abandon() }
        connectors = []
        connections = []
    }

    // MARK: Connecting

    private func connect(_ index: Int) {
        connections.grow(to: index)
        connectors.grow(to: index)
        let connector = origin.connector { [unowned(unsafe) self] outcome, deadline in
            connectors[index] = nil
            switch outcome {
            case .connected(let block):
                let connection = HTTP2Connection(
                    multiplexer: self, index: index, tls: tls, host: origin.host, block: block,
                    deadline: deadline)
                connections[index] = connection
                connection.begin()
            case .failed(let failure): connectFailed(index, failure)
            }
        }
        if !connector.isFinished { connectors[index] = connector }
    }

    func connectFailed(_ index: Int, _ failure: HTTPClientFailure) {
        connections[index] = nil
        machine.gone(index)
        // Others may still come to be; without any, all have waited in vain.
        guard machine.pending == 0 else { return }
        for id in machine.takeWaiting() { origin.connectFailed(id, failure) }
    }

    /// The server chose HTTP/1.1, or nothing.
    func spokeHTTP1(_ index: Int) {
        connections[index] = nil
        machine.gone(index)
        giveUp()
    }

    func connected(_ connection: HTTP2Connection) {
        machine.connected(connection.index)
        placeWaiting()
        if connection.streams.isEmpty { settle(connection) }
    }

    private func give(_ id: PoolMachine.ConnectionID, _ index: Int) {
        guard let connection = connections[index] else {
            preconditionFailure("a place on a connection that is not there")
        }
        origin.opened(HTTP2Stream(origin: origin, connection: connection, id: id))
    }

    private func placeWaiting() {
        while let (id, index) = machine.next() { give(id, index) }
        while let index = machine.missing() { connect(index) }
    }

    // MARK: From the connections

    func limited(_ connection: HTTP2Connection, streamsMax: Int) {
        machine.limited(connection.index, streamsMax: streamsMax)
        placeWaiting()
        if streamsMax == 0, connection.streams.isEmpty { bury(connection) }
    }

    func streamEnded(on connection: HTTP2Connection) {
        let isIdle = machine.ended(on: connection.index)
        placeWaiting()
        if isIdle { settle(connection) }
    }

    /// Keeps a connection without streams for a while, or not at all.
    private func settle(_ connection: HTTP2Connection) {
        guard connection.streams.isEmpty else { return }
        if isDraining || machine.isRetiring(connection.index) {
            bury(connection)
        } else {
            connection.becameIdle(until: loop.now + idleTime)
        }
    }

    /// The server or we want no new streams on it.
    func retire(_ connection: HTTP2Connection) {
        machine.retire(connection.index)
        settle(connection)
    }

    func idled(_ connection: HTTP2Connection) {
        if connection.streams.isEmpty { bury(connection) }
    }

    /// The connection broke; what waited for just it has waited in vain.
    func gone(_ connection: HTTP2Connection, _ failure: HTTPClientFailure) {
        connectFailed(connection.index, failure)
        placeWaiting()
    }

    private func bury(_ connection: HTTP2Connection) {
        connections[connection.index] = nil
        machine.gone(connection.index)
        connection.sayGoodbye()
        placeWaiting()
    }
}
