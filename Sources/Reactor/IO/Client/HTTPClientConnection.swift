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
    private var timer: LoopTimer?
    private let connectDeadline: Instant

    private enum Use {
        /// TLS is being set up.
        case connecting
        /// In the pool.
        case idle
        /// Carrying a call.
        case leased(HTTPClientCall)
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
        connectDeadline = deadline
        parser = HTTP1Parser(
            .response, limits: HTTPOrigin.headLimits, settings: origin.loop.parserSettings)
        let engine = origin.tls.map { TLSEngine(client: $0, serverName: origin.host) }
        super.init(loop: origin.loop, block: block, tls: engine)
        timer = LoopTimer(origin.loop) { [unowned(unsafe) self] in deadlinePassed() }
        timer?.set(deadline)
    }

    /// Starts the handshake; a plain connection is ready at once.
    func begin() {
        start()
        if tlsEngine == nil, !isClosed { becomeReady() }
    }

    public override func secured() { becomeReady() }

    private func becomeReady() {
        use = .idle
        timer?.set(.never)
        origin.connected(id)
    }

    // MARK: Calls

    /// Carries `call` from here on.
    func carry(_ call: HTTPClientCall, reused: Bool) {
        guard case .idle = use else { preconditionFailure("lease of a connection in \(use)") }
        use = .leased(call)
        interimCount = 0
        isPaused = false
        parser.expectNoBody(call.isHead)
        call.machine.sent(reused: reused, now: loop.now)
        call.write(on: self)
        setClock(call)
    }

    func pauseResponse() {
        guard !isPaused, case .leased(let call) = use else { return }
        isPaused = true
        call.machine.paused()
        setClock(call)
        pauseReading()
    }

    func resumeResponse() {
        guard isPaused, case .leased(let call) = use else { return }
        isPaused = false
        call.machine.resumed(now: loop.now)
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
        use = .dropping
        droppedBytes = 0
        isPaused = false
        resumeReading()
        timer?.set(loop.now + Self.droppedTime)
    }

    private func setClock(_ call: HTTPClientCall) { timer?.set(call.machine.deadline.at) }

    // MARK: Input

    public override func received(_ bytes: ByteSlice) {
        switch use {
        case .leased(let call):
            call.machine.bytesArrived(now: loop.now)
            parse(bytes)
            if case .leased(let call) = use { setClock(call) }
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
                if case .leased(let call) = use { call.bodyArrived(body) }
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
        guard case .leased(let call) = use else { return }
        call.machine.headArrived(now: loop.now)
        call.headArrived(head)
    }

    /// The response is whole. `clean` when nothing follows it.
    private func responseEnded(clean: Bool) {
        let reusable = clean && keepsAlive && outputCount == 0
        let ended = use
        timer?.set(.never)
        use = reusable ? .idle : .gone
        // A pause that came with the response's last bytes is over with it.
        if reusable, isPaused { resumeReading() }
        isPaused = false
        // Back in the pool first, so that a call made in answer to this one's end can have it.
        if case .leased(let call) = ended { call.connection = nil }
        origin.released(id, reusable: reusable)
        if !reusable { close() }
        if case .leased(let call) = ended { call.ended() }
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

    private func deadlinePassed() {
        switch use {
        case .connecting:
            leave(reusable: false, failure: .timedOut(.connect))
            abort()
        case .leased(let call):
            let due = call.machine.deadline
            guard due.at <= loop.now else {
                timer?.set(due.at)
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
        guard case .leased(let call) = use else {
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
        use = .gone
        timer?.set(.never)
        close()
    }

    /// Tells the pool that this connection is no longer what it was.
    private func leave(reusable: Bool, failure: HTTPClientFailure? = nil) {
        let left = use
        use = .gone
        timer?.set(.never)
        switch left {
        case .connecting: origin.connectFailed(id, failure ?? .lost("closed"))
        case .idle: origin.closed(id)
        case .leased, .dropping: origin.released(id, reusable: false)
        case .gone: break
        }
    }

    public override func didClose() {
        timer?.cancel()
        timer = nil
    }
}
