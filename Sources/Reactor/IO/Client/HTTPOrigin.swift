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
    /// Shares connections between calls where the server speaks HTTP/2.
    private(set) var multiplexer: HTTP2Multiplexer?
    private let proxy: HTTPProxy?
    private let resolver: Resolver
    private let connectTime: Duration
    let connectNanoseconds: Int64
    private var machine: PoolMachine
    /// By the slot of their ids.
    private var connections: [PooledConnection?] = []
    private var connectors: [Connector?] = []
    private var calls: [HTTPClientCall?] = []
    private var timer: LoopTimer?
    private var registration: MemoryRegistration?
    private var isDraining = false

    /// An origin without connections.
    ///
    /// - Parameter http2: the settings of connections that offer `h2` by ALPN, for an origin that
    ///   is to be spoken to over HTTP/2 where it can; `tls` is then for where it cannot.
    public init(
        resolver: Resolver, host: String, port: Int, tls: TLSContext?, http2: TLSContext? = nil,
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
        if let http2 {
            multiplexer = HTTP2Multiplexer(origin: self, tls: http2, idleTime: limits.idleTime)
        }
        registration = loop.register(self)
    }

    /// The pool's counters, now. Over HTTP/2 they count connections, not the streams on them.
    public var counters: PoolCounters {
        var counters = machine.counters
        if let multiplexer, multiplexer.isActive {
            counters = multiplexer.counters(of: counters)
        }
        for tls in [tls, multiplexer?.tls] {
            guard let tls else { continue }
            counters.handshakes += tls.fullHandshakeCount
            counters.resumptions += tls.resumedHandshakeCount
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
            drop(oldest)
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
        switch connection {
        case .http1(let connection): connection.carry(call, reused: reused)
        case .http2(let stream): stream.carry(call)
        }
    }

    // MARK: Connecting

    func connect(_ id: PoolMachine.ConnectionID) {
        connectors.grow(to: id.slot)
        connections.grow(to: id.slot)
        if let multiplexer, multiplexer.isActive { return multiplexer.open(id) }
        let connector = connector { [unowned(unsafe) self] outcome, deadline in
            connectors[id.slot] = nil
            switch outcome {
            case .connected(let block):
                let connection = HTTPClientConnection(
                    origin: self, id: id, block: block, deadline: deadline)
                connections[id.slot] = .http1(connection)
                connection.begin()
            case .failed(let failure):
                connectFailed(id, failure)
            }
        }
        if !connector.isFinished { connectors[id.slot] = connector }
    }

    /// A way to this origin; whoever asks keeps it until it has told its outcome.
    func connector(_ outcome: @escaping (Connector.Outcome, _ deadline: Instant) -> Void)
        -> Connector
    {
        let deadline = loop.now + connectTime
        return Connector(
            resolver: resolver, host: host, port: port, through: proxy, deadline: deadline
        ) { outcome($0, deadline) }
    }

    /// Nobody wants this connection any more and it is not made yet.
    private func abandon(_ id: PoolMachine.ConnectionID) {
        multiplexer?.cancel(id)
        connectors[id.slot]?.cancel()
        connectors[id.slot] = nil
        drop(id)
    }

    /// Closes what has the slot, without a word to the pool.
    private func drop(_ id: PoolMachine.ConnectionID) {
        let connection = connections[id.slot]
        connections[id.slot] = nil
        connection?.abandon()
    }

    /// There is a stream for what the pool takes for a connection.
    func opened(_ stream: HTTP2Stream) {
        connections[stream.id.slot] = .http2(stream)
        connected(stream.id)
    }

    func connected(_ id: PoolMachine.ConnectionID) {
        switch machine.connected(id, now: loop.now) {
        case .lease(let request):
            if let call = take(request) { lease(id, to: call, reused: false) }
        case .keepIdle:
            // A stream serves once; its connection waits by itself.
            if case .http2? = connections[id.slot] { return closed(id) }
            setTimer()
        case .close(let next):
            drop(id)
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
    func released(_ id: PoolMachine.ConnectionID, reusable: Bool) {
        let outcome = machine.released(id, reusable: reusable, now: loop.now)
        if !reusable { connections[id.slot] = nil }
        switch outcome {
        case .lease(let request):
            if let call = take(request) { lease(id, to: call, reused: true) }
        case .keepIdle:
            setTimer()
        case .close(let next):
            drop(id)
            if let next { connect(next) }
        }
    }

    /// An idle connection ended.
    func closed(_ id: PoolMachine.ConnectionID) {
        drop(id)
        if let next = machine.connectionClosed(id) { connect(next) }
    }

    private func timePassed() {
        while let action = machine.timePassed(now: loop.now) {
            switch action {
            case .close(let id):
                drop(id)
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
        multiplexer?.drain()
        timePassed()
    }

    /// Closes everything now. Calls in progress must have been cancelled.
    public func close() {
        drain()
        for connector in connectors { connector?.cancel() }
        for connection in connections { connection?.abandon() }
        connectors = []
        connections = []
        multiplexer?.close()
        timer?.cancel()
        timer = nil
    }
}

/// What a slot of the pool stands for.
private enum PooledConnection {
    case http1(HTTPClientConnection)
    case http2(HTTP2Stream)

    func abandon() {
        switch self {
        case .http1(let connection): connection.abandon()
        case .http2(let stream): stream.abandon()
        }
    }

    func rename(_ id: PoolMachine.ConnectionID) {
        switch self {
        case .http1(let connection): connection.id = id
        case .http2(let stream): stream.id = id
        }
    }
}

extension HTTPOrigin: MemoryHolder {
    /// Makes tables that a crowd has left fit again.
    public func releaseMemory() {
        guard let renamed = machine.releaseMemory() else { return }
        var kept: [PooledConnection?] = []
        for (old, new) in renamed {
            let connection = connections[old.slot]
            connection?.rename(new)
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
