// HTTP2Stream.swift — one exchange on a shared HTTP/2 connection: what HTTPClientConnection is to a
// call over HTTP/1.1. Keeps the call's clocks, and what arrives while the call is paused.

import ReactorCore

/// A stream of an `HTTP2Connection`, and to the origin's pool a connection that serves once.
final class HTTP2Stream: Deferrable {
    private unowned(unsafe) let origin: HTTPOrigin
    let connection: HTTP2Connection
    /// The pool's name for this stream.
    var id: PoolMachine.ConnectionID
    /// The connection's name for it; 0 until the request is submitted.
    private(set) var number: Int32 = 0
    /// Nil before the exchange and behind it.
    private var call: HTTPClientCall?
    private var timer: LoopTimer?
    private var interimCount = 0
    private var began = Instant(nanoseconds: 0)

    private var isPaused = false
    /// What came while the call was paused: at most the stream's window.
    private var held = ByteBuffer()
    private var hasHeldEnd = false

    init(origin: HTTPOrigin, connection: HTTP2Connection, id: PoolMachine.ConnectionID) {
        self.origin = origin
        self.connection = connection
        self.id = id
    }

    // MARK: Calls

    /// Carries `call` from here on.
    func carry(_ call: HTTPClientCall) {
        self.call = call
        call.stream = self
        let loop = origin.loop
        began = loop.now
        timer = LoopTimer(loop) { [unowned(unsafe) self] in deadlinePassed() }
        guard let number = connection.submit(call) else {
            return closed(.refusedStream, byPeer: false)
        }
        self.number = number
        guard self.call != nil else { return connection.reset(number, .cancel) }
        connection.streams[number] = self
        setClock(call)
    }

    func pauseResponse() {
        guard !isPaused, let call else { return }
        isPaused = true
        call.machine.paused()
        setClock(call)
    }

    func resumeResponse() {
        guard isPaused, let call else { return }
        isPaused = false
        call.machine.resumed(now: origin.loop.now)
        setClock(call)
        if !held.isEmpty || hasHeldEnd { origin.loop.atEndOfTurn(self) }
    }

    /// The call is over for its owner: the server need not go on.
    func callCancelled() {
        connection.reset(number, .cancel)
        leave()
    }

    private func setClock(_ call: HTTPClientCall) { timer?.set(call.machine.deadline.at) }

    // MARK: From the connection

    func headArrived(_ head: HTTPHead) {
        guard let call else { return }
        call.machine.bytesArrived(now: origin.loop.now)
        if head.status < 200 {
            interimCount += 1
            if interimCount > HTTPClientConnection.interimCountMax { fail(.unexpectedInterim) }
            return
        }
        call.machine.headArrived(now: origin.loop.now)
        call.headArrived(head)
        if let call = self.call { setClock(call) }
    }

    func bodyArrived(_ bytes: ByteSlice) {
        guard let call else { return connection.consume(number, bytes.count) }
        if isPaused || !held.isEmpty {
            held.append(bytes)
            return connection.consumeOfConnection(bytes.count)
        }
        call.machine.bytesArrived(now: origin.loop.now)
        call.bodyArrived(bytes)
        connection.consume(number, bytes.count)
        if let call = self.call, !isPaused { setClock(call) }
    }

    /// What was held back goes on, out of whoever wanted it.
    func turnEnding() {
        guard let call, !isPaused else { return }
        if !held.isEmpty {
            let bytes = exchange(&held, with: ByteBuffer())
            call.bodyArrived(bytes.slice)
            connection.consumeOfStream(number, bytes.count)
        }
        if hasHeldEnd, !isPaused { ended() }
    }

    /// The response is whole.
    func ended() {
        guard let call else { return }
        guard !isPaused, held.isEmpty else {
            hasHeldEnd = true
            return
        }
        // An answer before the request was out: the rest of that is nobody's.
        if !connection.isSent(number) { connection.reset(number, .cancel) }
        leave()
        call.ended()
    }

    /// The stream is over without a whole response.
    func closed(_ code: HTTP2ErrorCode, byPeer: Bool) {
        guard let call, !hasHeldEnd else { return }
        leave()
        switch code {
        case .refusedStream:
            call.refused(.lost(code.description))
        case .http11Required:
            origin.multiplexer?.giveUp()
            call.refused(.lost(code.description))
        default:
            if call.machine.hasResponse {
                call.connectionLost(byPeer ? .truncated : .http2(code))
            } else {
                call.fail(byPeer ? .lost(code.description) : .http2(code))
            }
        }
    }

    /// The connection is gone. A response that is whole is still told.
    func lost(_ failure: HTTPClientFailure) {
        guard let call, !hasHeldEnd else { return }
        leave()
        call.connectionLost(call.machine.hasResponse ? .truncated : failure)
    }

    private func fail(_ failure: HTTPClientFailure) {
        guard let call else { return }
        connection.reset(number, .cancel)
        leave()
        call.fail(failure)
    }

    private func deadlinePassed() {
        guard let call else { return }
        let due = call.machine.deadline
        guard due.at <= origin.loop.now else {
            timer?.set(due.at)
            return
        }
        connection.wasSilent(since: began)
        fail(.timedOut(due.clock))
    }

    // MARK: Ends

    /// The pool has let go of this stream.
    func abandon() {
        guard call != nil else { return connection.ended(self) }
        connection.reset(number, .cancel)
        forget()
        connection.ended(self)
    }

    /// Gives the places on the connection and in the pool back.
    private func leave() {
        forget()
        connection.ended(self)
        origin.released(id, reusable: false)
    }

    private func forget() {
        call?.stream = nil
        call = nil
        timer?.cancel()
        timer = nil
        held.release()
    }
}
