// HTTPClientCall.swift — one call of the HTTP client, from the pool to the last byte. Reusable: an
// owner that makes calls one after the other needs one object.

import ReactorCore

/// A call in progress, or one that can be started.
public final class HTTPClientCall {
    var machine = ClientCallMachine(clocks: ClientClocks(), now: Instant(nanoseconds: 0))
    private var delegate: (any HTTPClientCallDelegate)?
    private unowned(unsafe) var origin: HTTPOrigin?
    var request: PoolMachine.RequestID?
    /// What carries the call: a connection of its own, or a stream of one that is shared.
    unowned(unsafe) var connection: HTTPClientConnection?
    unowned(unsafe) var stream: HTTP2Stream?
    /// Whether the response to come has no body because the request's method is HEAD.
    var isHead = false
    private var failure: HTTPClientFailure?
    /// Keeps the clocks while there is no connection that could; made for the first wait.
    private var waitTimer: LoopTimer?
    /// Whether that is set.
    private var isWaiting = false

    /// A call that has not been started.
    public init() {}

    /// Whether the call has been started and is not over.
    public var isActive: Bool { delegate != nil }

    /// How many attempts the current call has made, 1 or 2; keeps its value after the end.
    public var attempts: Int { machine.attempts }

    /// Starts a call. The delegate is retained until the call is over.
    public func start(
        on origin: HTTPOrigin, clocks: ClientClocks, isHead: Bool = false,
        delegate: any HTTPClientCallDelegate
    ) {
        precondition(!isActive, "a call was started twice")
        self.origin = origin
        self.delegate = delegate
        self.isHead = isHead
        machine = ClientCallMachine(
            clocks: clocks, connectTime: origin.connectNanoseconds, now: origin.loop.now)
        enqueue(on: origin, fresh: false)
    }

    private func enqueue(on origin: HTTPOrigin, fresh: Bool) {
        origin.enqueue(self, fresh: fresh)
        guard request != nil else { return }
        let timer = waitTimer ?? LoopTimer(origin.loop) { [unowned(unsafe) self] in waitPassed() }
        waitTimer = timer
        isWaiting = true
        timer.set(machine.deadline.at)
    }

    private func waitPassed() {
        guard let origin, let request else { return }
        let due = machine.deadline
        guard due.at <= origin.loop.now else {
            waitTimer?.set(due.at)
            return
        }
        self.request = nil
        origin.cancel(request)
        fail(.timedOut(due.clock))
    }

    /// Ends the call at once, in whatever phase it is; its connection is closed. No delegate call
    /// follows.
    public func cancel() {
        guard isActive else { return }
        finish()
        if let connection {
            self.connection = nil
            connection.callCancelled()
        } else if let stream {
            self.stream = nil
            stream.callCancelled()
        } else if let request, let origin {
            self.request = nil
            origin.cancel(request)
        }
    }

    /// Ends the call although its response has not: the rest is read and dropped within a small
    /// bound, and the connection is reused only if it then ends in good order.
    public func dropRest() {
        // Without a connection there is no rest, and a stream ends without harm to its connection.
        guard isActive, let connection else { return cancel() }
        finish()
        self.connection = nil
        connection.callDropped()
    }

    /// Stops reading the response, so that the upstream is slowed down.
    public func pause() {
        connection?.pauseResponse()
        stream?.pauseResponse()
    }

    /// Reads on.
    public func resume() {
        connection?.resumeResponse()
        stream?.resumeResponse()
    }

    // MARK: From the pool and the connection

    func write(on connection: HTTPClientConnection) {
        self.connection = connection
        if isWaiting { endWait() }
        delegate?.writeRequest(on: HTTPRequestWriter(.http1(connection)))
    }

    func write(on connection: HTTP2Connection) {
        if isWaiting { endWait() }
        delegate?.writeRequest(on: HTTPRequestWriter(.http2(connection)))
    }

    private func endWait() {
        isWaiting = false
        waitTimer?.cancel()
    }

    func headArrived(_ head: HTTPHead) { delegate?.responseHeadArrived(head) }

    func bodyArrived(_ bytes: ByteSlice) { delegate?.responseBodyArrived(bytes) }

    func ended() {
        connection = nil
        let delegate = finish()
        delegate?.responseEnded()
    }

    func connectFailed(_ failure: HTTPClientFailure) {
        request = nil
        retry(machine.connectFailed(), else: failure)
    }

    func connectionLost(_ failure: HTTPClientFailure) {
        connection = nil
        retry(machine.connectionLost(), else: failure)
    }

    func refused(_ failure: HTTPClientFailure) { retry(machine.refused(), else: failure) }

    func fail(_ failure: HTTPClientFailure) {
        connection = nil
        request = nil
        let delegate = finish()
        delegate?.callFailed(failure)
    }

    private func retry(
        _ verdict: ClientCallMachine.Verdict, else failure: HTTPClientFailure
    ) {
        switch verdict {
        case .retryFresh:
            guard let origin else { return }
            machine.waits(now: origin.loop.now)
            enqueue(on: origin, fresh: true)
        case .fail: fail(failure)
        }
    }

    @discardableResult
    private func finish() -> (any HTTPClientCallDelegate)? {
        machine.ended()
        if isWaiting { endWait() }
        defer { delegate = nil }
        return delegate
    }
}
