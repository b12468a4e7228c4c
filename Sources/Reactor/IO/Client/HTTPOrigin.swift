// HTTPOrigin.swift — the shell around PoolMachine: one upstream's connections and the calls that
// want one.

import CUV
import ReactorCore

/// Connections to one scheme, host and port, with one set of TLS settings.
public final class HTTPOrigin {
    /// Bounds of a response's head: 64 KiB and 200 fields.
    static let headLimits: HTTPHeadLimits = {
        var limits = HTTPHeadLimits()
        limits.fieldCountMax = 200
        limits.lineBytesMax = limits.headBytesMax
        return limits
    }()

    /// The loop that it lives on.
    public unowned(unsafe) let loop: EventLoop
    /// The name or address to connect to, without brackets.
    public let host: String
    /// The TCP port.
    public let port: Int
    let tls: TLSContext?
    private let proxy: HTTPProxy?
    private let resolver: Resolver
    private let connectTime: Duration
    let connectNanoseconds: Int64
    private var machine: PoolMachine
    /// By the slot of their ids.
    private var connections: [HTTPClientConnection?] = []
    private var connectors: [Connector?] = []
    private var calls: [HTTPClientCall?] = []
    private var timer: LoopTimer?
    private var isDraining = false

    /// An origin without connections.
    public init(
        resolver: Resolver, host: String, port: Int, tls: TLSContext?,
        limits: PoolLimits = PoolLimits(), connectTime: Duration = .seconds(10),
        proxy: HTTPProxy? = nil
    ) {
        loop = resolver.loop
        self.resolver = resolver
        self.host = host
        self.port = port
        self.tls = tls
        self.proxy = proxy
        self.connectTime = connectTime
        connectNanoseconds = connectTime.nanoseconds
        machine = PoolMachine(limits: limits)
        timer = LoopTimer(loop) { [unowned(unsafe) self] in timePassed() }
        loop.register(self)
    }

    /// The pool's counters, now.
    public var counters: PoolCounters {
        var counters = machine.counters
        if let tls {
            counters.handshakes = tls.fullHandshakeCount
            counters.resumptions = tls.resumedHandshakeCount
        }
        return counters
    }

    // MARK: Calls

    func enqueue(_ call: HTTPClientCall, fresh: Bool) {
        let (request, decision) = machine.requestArrived(fresh: fresh, now: loop.now)
        call.request = request
        switch decision {
        case .lease(let id):
            lease(id, to: call, reused: true)
        case .connect(let id):
            keep(call, for: request)
            connect(id)
        case .replace(let oldest, let id):
            let connection = connections[oldest.slot]
            connections[oldest.slot] = nil
            connection?.abandon()
            keep(call, for: request)
            connect(id)
        case .wait:
            keep(call, for: request)
            setTimer()
        case .refuse(let refusal):
            call.request = nil
            call.fail(refusal == .queueFull ? .queueFull : .draining)
        }
    }

    func cancel(_ request: PoolMachine.RequestID) {
        calls[request.slot] = nil
        if let id = machine.requestCancelled(request) { abandon(id) }
    }

    private func keep(_ call: HTTPClientCall, for request: PoolMachine.RequestID) {
        calls.grow(to: request.slot)
        calls[request.slot] = call
    }

    private func take(_ request: PoolMachine.RequestID) -> HTTPClientCall? {
        defer { calls[request.slot] = nil }
        let call = calls[request.slot]
        call?.request = nil
        return call
    }

    private func lease(_ id: PoolMachine.ConnectionID, to call: HTTPClientCall, reused: Bool) {
        guard let connection = connections[id.slot] else {
            preconditionFailure("the pool leased a connection that is not there")
        }
        call.request = nil
        connection.carry(call, reused: reused)
    }

    // MARK: Connecting

    private func connect(_ id: PoolMachine.ConnectionID) {
        connectors.grow(to: id.slot)
        connections.grow(to: id.slot)
        let deadline = loop.now + connectTime
        let connector = Connector(
            resolver: resolver, host: host, port: port, through: proxy, deadline: deadline
        ) {
            [unowned(unsafe) self] outcome in
            connectors[id.slot] = nil
            switch outcome {
            case .connected(let block):
                let connection = HTTPClientConnection(
                    origin: self, id: id, block: block, deadline: deadline)
                connections[id.slot] = connection
                connection.begin()
            case .failed(let failure):
                connectFailed(id, failure)
            }
        }
        if !connector.isFinished { connectors[id.slot] = connector }
    }

    /// Nobody wants this connection any more and it is not made yet.
    private func abandon(_ id: PoolMachine.ConnectionID) {
        connectors[id.slot]?.cancel()
        connectors[id.slot] = nil
        connections[id.slot]?.abandon()
        connections[id.slot] = nil
    }

    func connected(_ connection: HTTPClientConnection) {
        switch machine.connected(connection.id, now: loop.now) {
        case .lease(let request):
            if let call = take(request) { lease(connection.id, to: call, reused: false) }
        case .keepIdle:
            setTimer()
        case .close(let next):
            connections[connection.id.slot] = nil
            connection.close()
            if let next { connect(next) }
        }
    }

    func connectFailed(_ id: PoolMachine.ConnectionID, _ failure: HTTPClientFailure) {
        connections[id.slot] = nil
        let outcome = machine.connectFailed(id)
        if let next = outcome.connect { connect(next) }
        if let request = outcome.failed, let call = take(request) { call.connectFailed(failure) }
    }

    // MARK: Connections

    /// The connection's exchange is over.
    func released(_ connection: HTTPClientConnection, reusable: Bool) {
        let outcome = machine.released(connection.id, reusable: reusable, now: loop.now)
        if !reusable { connections[connection.id.slot] = nil }
        switch outcome {
        case .lease(let request):
            if let call = take(request) { lease(connection.id, to: call, reused: true) }
        case .keepIdle:
            setTimer()
        case .close(let next):
            connections[connection.id.slot] = nil
            connection.close()
            if let next { connect(next) }
        }
    }

    /// An idle connection ended.
    func closed(_ connection: HTTPClientConnection) {
        connections[connection.id.slot] = nil
        if let next = machine.connectionClosed(connection.id) { connect(next) }
    }

    private func timePassed() {
        while let action = machine.timePassed(now: loop.now) {
            switch action {
            case .close(let id):
                let connection = connections[id.slot]
                connections[id.slot] = nil
                connection?.abandon()
            case .fail(let request):
                take(request)?.fail(isDraining ? .draining : .timedOut(.queue))
            }
        }
        setTimer()
    }

    private func setTimer() { timer?.set(machine.nextDeadline) }

    /// Closes idle connections and refuses new calls; running ones end.
    public func drain() {
        isDraining = true
        machine.drain()
        timePassed()
    }

    /// Closes everything now. Calls in progress must have been cancelled.
    public func close() {
        drain()
        for connector in connectors { connector?.cancel() }
        for connection in connections { connection?.abandon() }
        connectors = []
        connections = []
        timer?.cancel()
        timer = nil
    }
}

extension HTTPOrigin: MemoryHolder {
    /// Makes tables that a crowd has left fit again.
    public func releaseMemory() {
        guard let renamed = machine.releaseMemory() else { return }
        var kept: [HTTPClientConnection?] = []
        for (old, new) in renamed {
            let connection = connections[old.slot]
            connection?.id = new
            kept.append(connection)
        }
        connections = kept
        // Nothing is being made and nobody waits.
        connectors = []
        calls = []
    }
}

extension Array {
    /// Appends nils until `slot` exists.
    mutating func grow<Wrapped>(to slot: Int) where Element == Wrapped? {
        while count <= slot { append(nil) }
    }
}
