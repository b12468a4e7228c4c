// HTTPClientConnection.swift — a pooled connection to one origin: parses responses, keeps the
// clocks of the call it carries, and says whether it may be used again.

import CUV
import ReactorCore

/// One connection to an upstream.
///
/// It goes back to the pool only behind a response that was whole and well framed, with nothing
/// behind it and nothing of the request unsent; every other end closes it. So bytes of one exchange
/// can never reach another.
public final class HTTPClientConnection: TCPConnection {
    /// Interim responses accepted before a final one.
    static let interimCountMax = 20
    /// Bytes of a dropped response's rest that are read before the connection is given up.
    static let droppedBytesMax = 64 * 1024
    /// How long the rest of a dropped response may take.
    static let droppedTime: Duration = .seconds(1)

    private unowned(unsafe) let origin: HTTPOrigin
    var id: PoolMachine.ConnectionID
    private var parser: HTTP1Parser

    private enum Use {
        /// TLS is being set up.
        case connecting
        /// In the pool.
        case idle
        /// Carrying a call, of which it holds one reference. Not as a value: to look at one counts it.
        case leased(Unmanaged<HTTPClientCall>)
        /// The call has what it wants; the rest of its response is read and dropped.
        case dropping
        case gone
    }
    private var use = Use.connecting
    private var interimCount = 0
    private var droppedBytes = 0
    private var keepsAlive = false
    private var isPaused = false

    init(
        origin: HTTPOrigin, id: PoolMachine.ConnectionID,
        block: UnsafeMutablePointer<cuv_tcp_block>, deadline: Instant
    ) {
        self.origin = origin
        self.id = id
        parser = HTTP1Parser(
            .response, limits: HTTPOrigin.headLimits, settings: origin.loop.parserSettings)
        let engine = origin.tls.map { TLSEngine(client: $0, serverName: origin.host) }
        super.init(loop: origin.loop, block: block, tls: engine)
        setDeadline(deadline)
    }

    /// Starts the handshake; a plain connection is ready at once.
    func begin() {
        start()
        if tlsEngine == nil, !isClosed { becomeReady() }
    }

    public override func secured() { becomeReady() }

    private func becomeReady() {
        use = .idle
        setDeadline(.never)
        origin.connected(id)
    }

    // MARK: Calls

    /// Carries `call` from here on.
    func carry(_ call: HTTPClientCall, reused: Bool) {
        guard case .idle = use else { preconditionFailure("lease of a connection in \(use)") }
        use = .leased(.passRetained(call))
        interimCount = 0
        isPaused = false
        parser.expectNoBody(call.isHead)
        call.machine.sent(reused: reused, now: now)
        call.write(on: self)
        setClock(call)
    }

    func pauseResponse() {
        guard !isPaused, let call = carried else { return }
        isPaused = true
        call.machine.paused()
        setClock(call)
        pauseReading()
    }

    func resumeResponse() {
        guard isPaused, let call = carried else { return }
        isPaused = false
        call.machine.resumed(now: now)
        setClock(call)
        resumeReading()
    }

    /// The call was cancelled: whatever comes would be nobody's.
    func callCancelled() {
        leave(reusable: false)
        close()
    }

    /// The call does not want the rest.
    func callDropped() {
        let call = takeCall(leaving: .dropping)
        defer { withExtendedLifetime(call) {} }
        droppedBytes = 0
        isPaused = false
        resumeReading()
        setDeadline(now + Self.droppedTime)
    }

    /// The call that it carries.
    private var carried: HTTPClientCall? {
        if case .leased(let call) = use { call.takeUnretainedValue() } else { nil }
    }

    /// Goes over to another use. Returns the call that it has carried, if it has.
    private func takeCall(leaving next: Use) -> HTTPClientCall? {
        let left = use
        use = next
        if case .leased(let call) = left { return call.takeRetainedValue() }
        return nil
    }

    private func setClock(_ call: HTTPClientCall) { setDeadline(call.machine.deadline.at) }

    // MARK: Input

    public override func received(_ bytes: ByteSlice) {
        switch use {
        case .leased(let call):
            call._withUnsafeGuaranteedRef { $0.machine.bytesArrived(now: now) }
            parse(bytes)
            if case .leased(let call) = use { call._withUnsafeGuaranteedRef { setClock($0) } }
        case .dropping:
            droppedBytes += bytes.count
            guard droppedBytes <= Self.droppedBytesMax else { return giveUp() }
            parse(bytes)
        case .idle, .connecting, .gone:
            // Nobody asked for these bytes.
            giveUp()
        }
    }

    private func parse(_ bytes: ByteSlice) {
        var input = bytes
        while !isClosed {
            switch parser.next(&input) {
            case .needsInput:
                return
            case .head:
                headArrived()
            case .body(let body):
                // It may end within.
                if let call = carried { call.bodyArrived(body) }
            case .end:
                if parser.status < 200 { continue }
                responseEnded(clean: input.isEmpty)
                return
            case .failed(let failure):
                lose(.malformed(failure))
                return
            }
        }
    }

    private func headArrived() {
        let head = parser.head
        if head.status < 200 {
            interimCount += 1
            if head.status == 101 || interimCount > Self.interimCountMax {
                lose(.unexpectedInterim)
            }
            return
        }
        keepsAlive = head.keepsAlive && head.framing != .untilClose
        guard let call = carried else { return }
        call.machine.headArrived(now: now)
        call.headArrived(head)
    }

    /// The response is whole. `clean` when nothing follows it.
    private func responseEnded(clean: Bool) {
        let reusable = clean && keepsAlive && outputCount == 0
        setDeadline(.never)
        let call = takeCall(leaving: reusable ? .idle : .gone)
        // A pause that came with the response's last bytes is over with it.
        if reusable, isPaused { resumeReading() }
        isPaused = false
        // Back in the pool first, so that a call made in answer to this one's end can have it.
        call?.connection = nil
        origin.released(id, reusable: reusable)
        if !reusable { close() }
        call?.ended()
    }

    public override func inputEnded() {
        if case .end = parser.finish() {
            keepsAlive = false
            responseEnded(clean: true)
        } else {
            ended(.lost("EOF"))
        }
    }

    public override func broke(_ failure: TransportFailure) {
        switch (use, failure) {
        case (.connecting, .tls(let failure)): ended(.tls(failure))
        case (_, .tls(let failure)): ended(.lost(String(describing: failure)))
        case (_, .broken(let name)): ended(.lost(name))
        }
    }

    // MARK: Ends

    public override func deadlinePassed() {
        switch use {
        case .connecting:
            leave(reusable: false, failure: .timedOut(.connect))
            abort()
        case .leased(let place):
            let call = place.takeUnretainedValue()
            let due = call.machine.deadline
            guard due.at <= now else {
                setDeadline(due.at)
                return
            }
            leave(reusable: false)
            abort()
            call.fail(.timedOut(due.clock))
        case .dropping:
            giveUp()
        case .idle, .gone:
            break
        }
    }

    /// The connection is of no more use, and no call hears of it.
    private func giveUp() {
        leave(reusable: false)
        close()
    }

    private func lose(_ failure: HTTPClientFailure) {
        ended(failure)
        close()
    }

    /// The connection ended by itself in the middle of whatever it was doing.
    private func ended(_ failure: HTTPClientFailure) {
        guard let call = carried else {
            leave(reusable: false, failure: failure)
            close()
            return
        }
        leave(reusable: false)
        close()
        switch failure {
        case .lost:
            let inside = call.machine.hasResponse
            call.connectionLost(inside ? .truncated : failure)
        default:
            call.fail(failure)
        }
    }

    /// The pool has let go of this connection.
    func abandon() {
        let call = takeCall(leaving: .gone)
        setDeadline(.never)
        close()
        withExtendedLifetime(call) {}
    }

    /// Tells the pool that this connection is no longer what it was.
    private func leave(reusable: Bool, failure: HTTPClientFailure? = nil) {
        let left = use
        use = .gone
        setDeadline(.never)
        switch left {
        case .connecting: origin.connectFailed(id, failure ?? .lost("closed"))
        case .idle: origin.closed(id)
        case .leased(let call):
            origin.released(id, reusable: false)
            call.release()
        case .dropping: origin.released(id, reusable: false)
        case .gone: break
        }
    }
}
