// TCPConnection.swift — one TCP socket on a loop, plain or with TLS: gathered writes, one write in
// flight, back-pressure marks, and an orderly end.
//
// Ownership: the uv handle's data holds one retain of this object, taken in init and released in
// the close callback, which also frees the block. A late callback therefore always finds a live
// object that knows it is closed (docs/ownership.md).

import CUV
import ReactorCore

/// Why a connection ended.
public enum TransportFailure: Error, Equatable, Sendable {
    /// The peer reset it, or the network did: libuv's error name.
    case broken(String)
    /// TLS failed; nothing of the application was sent if this came before `secured`.
    case tls(TLSFailure)

    /// One plain sentence fragment.
    public var text: String {
        switch self {
        case .broken(let name): name
        case .tls(let failure): String(describing: failure)
        }
    }
}

/// A socket and its TLS, if any. Subclasses receive what happens by overriding the hooks.
open class TCPConnection {
    /// The loop that it lives on.
    public unowned(unsafe) let loop: EventLoop
    private let block: UnsafeMutablePointer<cuv_tcp_block>
    private var tls: TLSEngine?
    private var isSecured: Bool

    /// Plaintext written in this turn.
    final var gathered = ByteBuffer()
    /// Wire bytes that the kernel has not taken and the one uv_write carries.
    private var inFlight = ByteBuffer()
    /// That write; there while it is under way, which with most connections is never.
    private var writeRequest: UnsafeMutablePointer<uv_write_t>?
    /// Wire bytes behind those.
    private var queued = ByteBuffer()
    /// Somebody else's bytes, to be written behind `gathered`.
    private var lent: (bytes: ByteSlice, owner: AnyObject)?
    /// Whether the one uv_write carries them.
    private var isLentInFlight = false

    private var isDirty = false
    private var wantsFlushed = false
    /// The one behind this in the loop's list of those to be flushed.
    final var nextDirty: Unmanaged<TCPConnection>?
    private var isReading = false
    /// Whether the handle is closing or closed. Nothing is delivered from then on.
    public private(set) final var isClosed = false
    private var inputHasEnded = false
    private enum End { case none, shutdown, close }
    private var endAfterOutput = End.none
    private var deadline = Deadline()

    /// Takes over a connected socket. With `tls`, the handshake begins with `start`.
    init(loop: EventLoop, block: UnsafeMutablePointer<cuv_tcp_block>, tls: TLSEngine?) {
        self.loop = loop
        self.block = block
        self.tls = tls
        isSecured = tls == nil
        block.pointee.tcp.data = Unmanaged.passRetained(self).toOpaque()
        uv_tcp_nodelay(&block.pointee.tcp, 1)
    }

    // MARK: Hooks

    /// Bytes arrived; the slice is valid during the call.
    open func received(_ bytes: ByteSlice) {}
    /// The peer ended its side in good order (with TLS: after close_notify).
    open func inputEnded() {}
    /// The connection broke; nothing more will come. It is closed behind this call.
    open func broke(_ failure: TransportFailure) {}
    /// The TLS handshake is complete.
    open func secured() {}
    /// Called before the turn's output is written: the last chance to add to it.
    open func willFlush() {}
    /// The turn is over, its output written; called once for each `askForFlushed`.
    open func flushed() {}
    /// Output waits in the queue; `moved` when the kernel has taken some since the last call.
    open func outputWaits(moved: Bool) {}
    /// All output has been taken by the kernel.
    open func outputEmptied() {}
    /// The time of `setDeadline` has come.
    open func deadlinePassed() {}

    // MARK: The loop

    /// To read `loop` counts a reference to it; this does not.
    @inline(__always)
    private func withLoop<Result>(_ body: (EventLoop) -> Result) -> Result {
        Unmanaged.passUnretained(loop)._withUnsafeGuaranteedRef(body)
    }

    /// The time at which the current turn began.
    @inline(__always)
    final var now: Instant { withLoop { $0.now } }

    /// Sets or moves the deadline; `.never`: there is none. Ends with the connection.
    @inline(__always)
    final func setDeadline(_ time: Instant) {
        if deadline.move(to: time) { scheduleDeadline() }
    }

    @inline(never)
    final func scheduleDeadline() {
        deadline.schedule(on: loop, payload: deadlinePayload)
    }

    /// When `deadlinePassed` is due.
    final var deadlineTime: Instant { deadline.time }

    private var deadlinePayload: UInt {
        DeadlineOwner.connection(.passUnretained(self)).payload
    }

    /// The wheel has given the deadline another place.
    final func deadlineRenamed(_ id: TimerWheel.ID) { deadline.renamed(id) }

    /// The wheel has given the deadline out: due now, or set later in the meantime.
    final func deadlinePopped() {
        if deadline.popped(on: loop, payload: deadlinePayload) { deadlinePassed() }
    }

    // MARK: Reading

    /// Starts reading and, as a TLS client, the handshake. Call once, within a turn.
    public final func start() {
        resumeReading()
        if tls != nil { advanceHandshake() }
    }

    /// Lets the kernel's buffer fill up, so that the peer is slowed down.
    public final func pauseReading() {
        guard isReading, !isClosed else { return }
        isReading = false
        uv_read_stop(cuv_stream(&block.pointee.tcp))
    }

    /// Reads again.
    public final func resumeReading() {
        guard !isReading, !isClosed, !inputHasEnded else { return }
        isReading = true
        uv_read_start(
            cuv_stream(&block.pointee.tcp),
            { handle, _, buffer in
                Unmanaged<EventLoop>.fromOpaque(cuv_loop_data(handle))._withUnsafeGuaranteedRef {
                    buffer.unsafelyUnwrapped.pointee = uv_buf_init(
                        UnsafeMutableRawPointer($0.readBuffer)
                            .assumingMemoryBound(to: CChar.self),
                        UInt32(EventLoop.readBufferBytes))
                }
            },
            { stream, count, _ in
                Unmanaged<TCPConnection>.fromOpaque(stream.unsafelyUnwrapped.pointee.data)
                    ._withUnsafeGuaranteedRef { $0.readCompleted(count) }
            })
    }

    private func readCompleted(_ count: Int) {
        guard count != 0 else { return }
        withLoop { $0.beginTurn() }
        if count > 0 {
            let bytes = ByteSlice(UnsafePointer(withLoop { $0.readBuffer }), count: count)
            if tls == nil { received(bytes) } else { receivedCiphertext(bytes) }
        } else if Int32(count) == UV_EOF.rawValue {
            endOfInput()
        } else {
            fail(.broken(String(cString: uv_err_name(Int32(count)))))
        }
        withLoop { $0.endTurn() }
    }

    private func endOfInput() {
        inputHasEnded = true
        pauseReading()
        if let tls, case .truncated = tls.endOfInput() {
            fail(.tls(.truncated))
            return
        }
        inputEnded()
    }

    // MARK: TLS

    /// What TLS agreed on, once `secured`.
    public final var tlsEngine: TLSEngine? { tls }

    private func receivedCiphertext(_ bytes: ByteSlice) {
        guard let tls else { return }
        tls.receive(bytes)
        if !isSecured { advanceHandshake() }
        guard isSecured else { return }
        let plainBuffer = withLoop { $0.plainBuffer }
        while !isClosed {
            switch tls.read(into: plainBuffer, capacity: EventLoop.plainBufferBytes) {
            case .bytes(let count):
                received(ByteSlice(UnsafePointer(plainBuffer), count: count))
            case .needsInput:
                takeCiphertext(of: tls)
                return
            case .closed:
                takeCiphertext(of: tls)
                guard !inputHasEnded else { return }
                inputHasEnded = true
                pauseReading()
                inputEnded()
                return
            case .failed(let failure):
                fail(.tls(failure))
                return
            }
        }
    }

    private func advanceHandshake() {
        guard let tls else { return }
        switch tls.handshake() {
        case .inProgress:
            takeCiphertext(of: tls)
        case .complete:
            isSecured = true
            markDirty()
            secured()
        case .failed(let failure):
            fail(.tls(failure))
        }
    }

    /// Handshake messages, alerts and tickets leave at the end of the turn, before plaintext.
    private func takeCiphertext(of tls: TLSEngine) {
        guard tls.outputCount > 0 else { return }
        markDirty()
    }

    // MARK: Writing

    /// Appends to this turn's output. Bytes written after the connection closed are dropped.
    public final func write(_ bytes: ByteSlice) {
        guard !isClosed else { return }
        prepareOutput()
        gathered.append(bytes)
    }

    /// Appends to this turn's output in place.
    public final func withOutput(_ body: (inout ByteBuffer) -> Void) {
        guard !isClosed else { return }
        prepareOutput()
        body(&gathered)
    }

    /// Appends bytes to this turn's output without a copy: `owner`, which is kept as long, leaves them
    /// as they are until the connection has written them or has closed. They are the last of the
    /// turn, and there are none of an earlier turn's left.
    public final func writeLent(_ bytes: ByteSlice, of owner: AnyObject) {
        guard !isClosed, !bytes.isEmpty else { return }
        precondition(lent == nil, "bytes were lent while others were still to be written")
        lent = (bytes, owner)
        markDirty()
    }

    /// Makes `gathered` ready to be appended to and the connection known to the turn's end.
    @inline(__always)
    final func prepareOutput() {
        if gathered.capacity == 0 { withLoop { $0.lendBuffer(to: &gathered) } }
        markDirty()
    }

    private func markDirty() {
        guard !isDirty, !isClosed else { return }
        isDirty = true
        withLoop { $0.markDirty(self) }
    }

    /// Asks for `flushed` at the end of this turn.
    final func askForFlushed() {
        wantsFlushed = true
        markDirty()
    }

    /// Bytes that the kernel has not taken yet.
    public final var outputCount: Int {
        gathered.count + inFlight.count + queued.count + (lent?.bytes.count ?? 0)
    }

    /// Writes what the turn has gathered. Called once a turn by the loop.
    final func flush() {
        isDirty = false
        writeOutput()
        guard wantsFlushed else { return }
        wantsFlushed = false
        flushed()
    }

    /// Writes what has been gathered without waiting for the turn's end: for an answer that is
    /// whole while its owner has still to tidy up. What is written behind it leaves as ever.
    public final func flushEarly() {
        // Still dirty: the connection stays in the loop's list, in which it can be only once.
        if isDirty { writeOutput() }
    }

    private func writeOutput() {
        guard !isClosed else { return }
        willFlush()
        if isSecured {
            flushGathered()
        } else if let tls {
            sendOutput(of: tls)
        }
        finishOutput()
    }

    private func flushGathered() {
        // Out of the object while hooks may run, so that they find it in order.
        var plain = exchange(&gathered, with: ByteBuffer())
        if let tls {
            encrypt(plain.slice, with: tls)
        } else if !plain.isEmpty {
            send(plain.slice)
        }
        plain.removeAll()
        if plain.capacity > 0 { withLoop { $0.giveBuffer(&plain) } }
        if lent != nil, !isLentInFlight { sendLent() }
    }

    private func sendLent() {
        guard let (bytes, owner) = lent, !isClosed else { return }
        if let tls {
            lent = nil
            return encrypt(bytes, with: tls)
        }
        guard inFlight.isEmpty else {
            lent = nil
            return send(bytes)
        }
        let taken = tryWrite(bytes)
        if taken == bytes.count {
            lent = nil
            return outputEmptied()
        }
        guard mayGoOn(behind: taken) else { return }
        let rest = bytes.dropFirst(max(taken, 0))
        lent = (rest, owner)
        isLentInFlight = true
        startWrite(rest)
        outputWaits(moved: taken > 0)
    }

    private func encrypt(_ plain: ByteSlice, with tls: TLSEngine) {
        var cipher = exchange(&loop.cipherBuffer, with: ByteBuffer())
        // Lent for the turn, unless the engine already has something to say: order matters.
        if tls.outputCount == 0 { tls.exchangeOutput(&cipher) }
        var failure: TLSFailure?
        do throws(TLSFailure) {
            if !plain.isEmpty { try tls.write(plain) }
        } catch {
            failure = error
        }
        tls.exchangeOutput(&cipher)
        if !cipher.isEmpty { send(cipher.slice) }
        keepCipherBuffer(cipher)
        if let failure { fail(.tls(failure)) }
    }

    /// Sends what the engine has to say by itself: handshake messages, alerts, close_notify.
    private func sendOutput(of tls: TLSEngine) {
        guard tls.outputCount > 0 else { return }
        encrypt(.empty, with: tls)
    }

    private func keepCipherBuffer(_ buffer: consuming ByteBuffer) {
        guard buffer.capacity <= 256 * 1024 else { return }
        buffer.removeAll()
        loop.cipherBuffer = buffer
    }

    /// A last word to a peer that may be gone: what the kernel does not take at once is lost.
    private func tryLastOutput(of tls: TLSEngine) {
        guard tls.outputCount > 0, inFlight.isEmpty, !isClosed else { return }
        var cipher = ByteBuffer()
        tls.exchangeOutput(&cipher)
        _ = tryWrite(cipher.slice)
    }

    /// Bytes taken by the kernel, or libuv's negative error code.
    private func tryWrite(_ slice: ByteSlice) -> Int {
        var buffer = uv_buf_init(
            UnsafeMutableRawPointer(mutating: slice.base).assumingMemoryBound(to: CChar.self),
            UInt32(slice.count))
        return Int(uv_try_write(cuv_stream(&block.pointee.tcp), &buffer, 1))
    }

    /// Hands `bytes` to the kernel; what it does not take is kept and written when it can be.
    private func send(_ bytes: ByteSlice) {
        guard !isClosed else { return }
        guard inFlight.isEmpty, !isLentInFlight else {
            queued.append(bytes)
            outputWaits(moved: false)
            return
        }
        let taken = tryWrite(bytes)
        if taken == bytes.count {
            outputEmptied()
            return
        }
        guard mayGoOn(behind: taken) else { return }
        inFlight.append(bytes.dropFirst(max(taken, 0)))
        startWrite(inFlight.slice)
        outputWaits(moved: taken > 0)
    }

    /// Whether what the kernel did not take can be written later; if not, the connection has failed.
    private func mayGoOn(behind taken: Int) -> Bool {
        if taken >= 0 || Int32(taken) == UV_EAGAIN.rawValue { return true }
        fail(.broken(String(cString: uv_err_name(Int32(taken)))))
        return false
    }

    /// Starts the one uv_write; `slice` is of `inFlight`, or lent.
    private func startWrite(_ slice: ByteSlice) {
        var buffer = uv_buf_init(
            UnsafeMutableRawPointer(mutating: slice.base).assumingMemoryBound(to: CChar.self),
            UInt32(slice.count))
        let write = writeRequest ?? .allocate(capacity: 1)
        writeRequest = write
        let code = uv_write(write, cuv_stream(&block.pointee.tcp), &buffer, 1) { request, status in
            Unmanaged<TCPConnection>
                .fromOpaque(request.unsafelyUnwrapped.pointee.handle.pointee.data)
                ._withUnsafeGuaranteedRef { $0.writeCompleted(status) }
        }
        if code != 0 { fail(.broken(String(cString: uv_err_name(code)))) }
    }

    private func writeCompleted(_ status: Int32) {
        guard !isClosed else { return }
        loop.beginTurn()
        inFlight.release()
        if isLentInFlight {
            isLentInFlight = false
            lent = nil
        }
        if status != 0 {
            fail(.broken(String(cString: uv_err_name(status))))
        } else if !queued.isEmpty {
            swap(&inFlight, &queued)
            startWrite(inFlight.slice)
            outputWaits(moved: true)
        } else {
            freeWriteRequest()
            outputEmptied()
            finishOutput()
        }
        loop.endTurn()
    }

    // MARK: Ending

    /// Closes at once. Output that the kernel has not taken is lost; with TLS a close_notify is
    /// tried first.
    public final func close() {
        guard !isClosed else { return }
        if let tls, isSecured {
            tls.close()
            tryLastOutput(of: tls)
        }
        closeHandle(reset: false)
    }

    /// Closes at once with a reset, so that the peer cannot take it for an orderly end.
    public final func abort() {
        guard !isClosed else { return }
        closeHandle(reset: true)
    }

    /// Closes once all output has been taken.
    public final func closeAfterOutput() {
        guard !isClosed else { return }
        endAfterOutput = .close
        markDirty()
    }

    /// Ends this side once all output has been taken, and goes on reading.
    public final func shutdownAfterOutput() {
        guard !isClosed, endAfterOutput == .none else { return }
        endAfterOutput = .shutdown
        markDirty()
    }

    private func finishOutput() {
        guard !isClosed, endAfterOutput != .none, inFlight.isEmpty, gathered.isEmpty, lent == nil
        else { return }
        switch endAfterOutput {
        case .none: break
        case .close: close()
        case .shutdown: shutdownOutput()
        }
    }

    private func shutdownOutput() {
        endAfterOutput = .none
        if let tls, isSecured {
            tls.close()
            sendOutput(of: tls)
        }
        guard !isClosed else { return }
        // By the descriptor: no request to allocate, and nothing is queued any more.
        var descriptor = uv_os_fd_t()
        if uv_fileno(cuv_tcp_handle(&block.pointee.tcp), &descriptor) == 0 {
            shutdown(descriptor, Int32(SHUT_WR))
        }
    }

    private func fail(_ failure: TransportFailure) {
        guard !isClosed else { return }
        if let tls { tryLastOutput(of: tls) }
        broke(failure)
        if !isClosed { closeHandle(reset: false) }
    }

    private func closeHandle(reset: Bool) {
        isClosed = true
        isReading = false
        gathered.release()
        queued.release()
        tls = nil
        let callback: uv_close_cb = { handle in
            guard let handle, let data = handle.pointee.data else { return }
            Unmanaged<TCPConnection>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.freeBlock() }
            Unmanaged<TCPConnection>.fromOpaque(data).release()
        }
        let tcp = UnsafeMutableRawPointer(block).assumingMemoryBound(to: uv_tcp_t.self)
        // A reset cannot be sent any more when libuv has already shut the stream down.
        if reset, uv_tcp_close_reset(tcp, callback) == 0 { return }
        uv_close(cuv_tcp_handle(tcp), callback)
    }

    private func freeBlock() {
        inFlight.release()
        lent = nil
        freeWriteRequest()
        deadline.cancel(on: loop)
        free(block)
        didClose()
    }

    private func freeWriteRequest() {
        writeRequest?.deallocate()
        writeRequest = nil
    }

    /// The handle is closed and its memory is gone.
    open func didClose() {}
}

/// Replaces a buffer and returns what it was.
@inline(__always)
func exchange(_ buffer: inout ByteBuffer, with other: consuming ByteBuffer) -> ByteBuffer {
    let old = buffer
    buffer = other
    return old
}
