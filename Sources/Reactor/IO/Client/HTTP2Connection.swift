// HTTP2Connection.swift — a TLS connection to an upstream that carries many exchanges at once. The
// protocol is HTTP2Session's; which stream goes where is HTTP2Multiplexer's.

import CUV
import ReactorCore

/// One HTTP/2 connection of an origin.
///
/// Unlike one of HTTP/1.1 it outlives calls that are cancelled or cut: they end their stream only.
final class HTTP2Connection: TCPConnection, Deferrable {
    /// Output is made from frames up to here, and more only when the kernel has taken it.
    static let outputBytesMax = 128 * 1024

    /// Requests are our own: what they may be is for the server to say.
    private static let requestLimits: HTTPHeadLimits = {
        var limits = HTTPHeadLimits()
        limits.headBytesMax = 1 << 24
        limits.lineBytesMax = limits.headBytesMax
        limits.targetBytesMax = limits.headBytesMax
        limits.fieldCountMax = 1024
        return limits
    }()

    private unowned(unsafe) let multiplexer: HTTP2Multiplexer
    /// Its place in the multiplexer's table.
    let index: Int
    private let session = HTTP2Session()
    /// Those that are open, by the connection's numbers.
    var streams: [Int32: HTTP2Stream] = [:]
    /// The request that is being written, in the form of HTTP/1.1.
    var request = ByteBuffer()
    private let deadline: Instant
    private var lastInput: Instant
    private var hasServed = false

    private enum Phase { case connecting, open, gone }
    private var phase = Phase.connecting

    init(
        multiplexer: HTTP2Multiplexer, index: Int, tls: TLSContext, host: String,
        block: UnsafeMutablePointer<cuv_tcp_block>, deadline: Instant
    ) {
        let loop = multiplexer.loop
        self.multiplexer = multiplexer
        self.index = index
        self.deadline = deadline
        lastInput = loop.now
        super.init(loop: loop, block: block, tls: TLSEngine(client: tls, serverName: host))
        setDeadline(deadline)
    }

    /// Starts the handshake.
    func begin() { start() }

    override func secured() {
        guard tlsEngine?.applicationProtocol == "h2" else {
            leave()
            close()
            return multiplexer.spokeHTTP1(index)
        }
        phase = .open
        prepareOutput()
        multiplexer.connected(self)
    }

    // MARK: Streams

    /// Has the call write its request and sends it.
    /// - Returns: the stream's number, or nil where the connection takes none any more.
    func submit(_ call: HTTPClientCall) -> Int32? {
        guard phase == .open else { return nil }
        // Only where nothing was under way can the server have closed it meanwhile.
        call.machine.sent(reused: hasServed && streams.isEmpty, now: loop.now)
        hasServed = true
        if session.streamsMax != nil { setDeadline(.never) }
        request.removeAll()
        call.write(on: self)
        let message = exchange(&request, with: ByteBuffer())
        var parser = HTTP1Parser(
            .request, limits: Self.requestLimits, settings: loop.parserSettings)
        var rest = message.slice
        // A delegate that writes nothing has no request to send.
        guard case .head = parser.next(&rest) else { return nil }
        let bodyStart = message.count - rest.count
        let number = session.submit(parser.head, in: message, bodyStart: bodyStart)
        prepareOutput()
        return number
    }

    func reset(_ number: Int32, _ code: HTTP2ErrorCode) {
        guard phase == .open, number > 0 else { return }
        session.reset(number, code)
        prepareOutput()
    }

    func isSent(_ number: Int32) -> Bool { session.isSent(number) }

    func consume(_ number: Int32, _ count: Int) { session.consume(number, count) }

    func consumeOfConnection(_ count: Int) { session.consumeOfConnection(count) }

    func consumeOfStream(_ number: Int32, _ count: Int) {
        session.consumeOfStream(number, count)
        if phase == .open { prepareOutput() }
    }

    /// A stream is over.
    func ended(_ stream: HTTP2Stream) {
        streams[stream.number] = nil
        guard phase == .open else { return }
        multiplexer.streamEnded(on: self)
    }

    /// No stream is left: the connection is kept for a while.
    func becameIdle(until deadline: Instant) { setDeadline(deadline) }

    /// A stream's clock ran out. If nothing at all has come since that stream began, the connection
    /// may be dead: it takes no new one.
    func wasSilent(since began: Instant) {
        if lastInput < began { multiplexer.retire(self) }
    }

    /// Ends the connection in good order; streams must be over.
    func sayGoodbye() {
        guard phase == .open else { return }
        session.terminate()
        prepareOutput()
        // What cannot be sent needs no goodbye.
        do throws(HTTP2Session.Failure) {
            try session.appendOutput(to: &gathered, bytesMax: Self.outputBytesMax)
        } catch {}
        leave()
        closeAfterOutput()
    }

    // MARK: Input

    override func received(_ bytes: ByteSlice) {
        guard phase == .open else { return }
        lastInput = loop.now
        do throws(HTTP2Session.Failure) {
            try session.receive(bytes)
        } catch {
            return broken(.http2(.protocolError))
        }
        performEvents()
        if session.wantsWrite, !isClosed { prepareOutput() }
    }

    func turnEnding() { performEvents() }

    private func performEvents() {
        while let event = session.nextEvent() {
            switch event {
            case .head(let number, let head): streams[number]?.headArrived(head)
            case .body(let number, let bytes):
                guard let stream = streams[number] else {
                    session.consume(number, bytes.count)
                    continue
                }
                stream.bodyArrived(bytes)
            case .end(let number): streams[number]?.ended()
            case .closed(let number, let code, let byPeer):
                streams[number]?.closed(code, byPeer: byPeer)
            case .goAway: multiplexer.retire(self)
            }
        }
        guard phase == .open else { return }
        if let streamsMax = session.streamsMax {
            if deadlineTime == deadline { setDeadline(.never) }
            multiplexer.limited(self, streamsMax: streamsMax)
        }
        if session.isOver { broken(.http2(.protocolError)) }
    }

    override func inputEnded() { broken(.lost("EOF")) }

    override func broke(_ failure: TransportFailure) {
        switch (phase, failure) {
        case (.connecting, .tls(let failure)): broken(.tls(failure))
        default: broken(.lost(failure.text))
        }
    }

    // MARK: Output

    override func willFlush() {
        guard phase == .open, outputCount < Self.outputBytesMax else { return }
        do throws(HTTP2Session.Failure) {
            try session.appendOutput(to: &gathered, bytesMax: Self.outputBytesMax)
        } catch {
            return broken(.http2(.protocolError))
        }
        if session.hasEvents { loop.atEndOfTurn(self) }
    }

    override func outputEmptied() {
        if phase == .open, session.wantsWrite { prepareOutput() }
    }

    // MARK: Ends

    override func deadlinePassed() {
        switch phase {
        case .connecting: broken(.timedOut(.connect))
        case .open:
            // Its first bytes belong to its being made.
            if session.streamsMax == nil { return broken(.timedOut(.connect)) }
            multiplexer.idled(self)
        case .gone: break
        }
    }

    /// Everything on it is over.
    private func broken(_ failure: HTTPClientFailure) {
        let was = phase
        guard was != .gone else { return }
        leave()
        close()
        switch was {
        case .connecting: multiplexer.connectFailed(index, failure)
        case .open:
            multiplexer.gone(self, failure)
            let lost = streams
            streams = [:]
            for stream in lost.values { stream.lost(failure) }
        case .gone: break
        }
    }

    /// The multiplexer has let go of it.
    func abandon() {
        leave()
        close()
    }

    private func leave() {
        phase = .gone
        setDeadline(.never)
    }

    override func didClose() {
    }
}
