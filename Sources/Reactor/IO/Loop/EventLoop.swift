// EventLoop.swift — one libuv loop on one thread, and what its handles share: the read buffer, the
// output pool, the timer wheel and the turn.
//
// A turn is what one callback of libuv causes. Within it every connection's writes are gathered;
// at its end each connection that has some is flushed once. What an action causes beyond its own
// object is deferred to the end of the turn, so that no callback runs inside another.

import CUV
import Glibc
import ReactorCore

/// A callback that an object asked to get at the end of the turn.
public protocol Deferrable: AnyObject {
    /// The turn is ending.
    func turnEnding()
}

/// An object whose tables grow with a crowd and can be made smaller behind it.
public protocol MemoryHolder: AnyObject {
    /// Gives back what is not needed now.
    func releaseMemory()
}

/// Says that a holder lives: it keeps this from its loop, which looks no further when this is gone. The
/// loop has no weak reference to the holder itself, whose every count of references would be dearer.
public final class MemoryRegistration {
    fileprivate unowned(unsafe) let holder: any MemoryHolder

    fileprivate init(_ holder: any MemoryHolder) { self.holder = holder }
}

/// A single-threaded event loop. Everything made on it must be used on the thread that runs it.
public final class EventLoop {
    /// Bytes of the buffer that every socket reads into.
    static let readBufferBytes = 64 * 1024
    /// Room for the plaintext of one read, and of one record (RFC 8446 section 5.1) begun before it.
    static let plainBufferBytes = readBufferBytes + 16 * 1024

    let uv: UnsafeMutablePointer<uv_loop_t>
    let readBuffer: UnsafeMutablePointer<UInt8>
    let plainBuffer: UnsafeMutablePointer<UInt8>
    /// llhttp's callbacks, shared by all parsers of this loop.
    public let parserSettings = HTTP1ParserSettings()

    /// The time at which the current turn began.
    public private(set) var now: Instant

    var outputPool = BufferPool()
    /// Ciphertext of the connection that is being flushed.
    var cipherBuffer = ByteBuffer(capacity: EventLoop.cipherBufferBytes)
    private static let cipherBufferBytes = 32 * 1024
    /// Connections to be flushed at the turn's end, linked through `nextDirty`; each is retained.
    private var firstDirty: Unmanaged<TCPConnection>?
    private var lastDirty: Unmanaged<TCPConnection>?
    private var deferred: [any Deferrable] = []
    private var inTurn = false

    private struct Registered { weak var registration: MemoryRegistration? }
    private var holders: [Registered] = []

    var wheel: TimerWheel
    private let wake: UnsafeMutablePointer<uv_timer_t>
    private var wakeAt = Instant.never

    private var dateBuffer = ByteBuffer(capacity: 64)
    private var dateSecond = -1

    /// Makes a loop of its own; any number may exist, one a thread.
    public init() {
        uv = .allocate(capacity: 1)
        readBuffer = .allocate(capacity: Self.readBufferBytes)
        plainBuffer = .allocate(capacity: Self.plainBufferBytes)
        wake = .allocate(capacity: 1)
        now = Instant(nanoseconds: uv_hrtime())
        wheel = TimerWheel(start: now)
        let code = uv_loop_init(uv)
        precondition(code == 0, "uv_loop_init failed: \(code)")
        uv_timer_init(uv, wake)
        uv_unref(cuv_timer_handle(wake))
        uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        wake.pointee.data = uv.pointee.data
        // A peer that has gone away is an error code of the write, not a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        uv_close(cuv_timer_handle(wake), nil)
        uv_run(uv, UV_RUN_NOWAIT)
        // Anything still open here was leaked by its owner.
        let code = uv_loop_close(uv)
        precondition(code == 0, "event loop closed with open handles")
        wake.deallocate()
        uv.deallocate()
        readBuffer.deallocate()
        plainBuffer.deallocate()
    }

    // MARK: Running

    /// Runs until nothing is left to wait for or `stop` is called.
    public func run() { uv_run(uv, UV_RUN_DEFAULT) }

    /// Makes `run` return after the current turn.
    public func stop() { uv_stop(uv) }

    /// Runs turns until `condition` holds. Returns false when `limit` passed first. For tests.
    @discardableResult
    public func run(until condition: () -> Bool, within limit: Duration = .seconds(5)) -> Bool {
        let deadline = Instant(nanoseconds: uv_hrtime()) + limit
        let guardTimer = LoopTimer(self) {}
        guardTimer.set(deadline)
        defer { guardTimer.cancel() }
        while !condition() {
            if Instant(nanoseconds: uv_hrtime()) >= deadline { return false }
            withTurn {}
            uv_run(uv, UV_RUN_ONCE)
        }
        return true
    }

    // MARK: Turns

    /// Runs `body` within the current turn, or as a turn of its own for callers that no handle
    /// has called.
    public func withTurn(_ body: () -> Void) {
        guard !inTurn else { return body() }
        beginTurn()
        body()
        endTurn()
    }

    @inline(__always)
    func beginTurn() {
        assert(!inTurn, "a turn within a turn")
        inTurn = true
        now = Instant(nanoseconds: uv_hrtime())
    }

    @inline(__always)
    func endTurn() {
        repeat {
            runDeferred()
            flushDirty()
        } while !deferred.isEmpty || firstDirty != nil
        inTurn = false
    }

    private func runDeferred() {
        guard !deferred.isEmpty else { return }
        // By index: what runs may defer more.
        var index = 0
        while index < deferred.count {
            deferred[index].turnEnding()
            index += 1
        }
        deferred.removeAll(keepingCapacity: true)
    }

    private func flushDirty() {
        while let first = firstDirty {
            let connection = first.takeRetainedValue()
            firstDirty = connection.nextDirty
            connection.nextDirty = nil
            if firstDirty == nil { lastDirty = nil }
            connection.flush()
        }
    }

    /// Calls `target` at the end of the current turn.
    public func atEndOfTurn(_ target: any Deferrable) {
        deferred.append(target)
        if !inTurn { withTurn {} }
    }

    func markDirty(_ connection: TCPConnection) {
        let entry = Unmanaged.passRetained(connection)
        if let lastDirty {
            lastDirty._withUnsafeGuaranteedRef { $0.nextDirty = entry }
        } else {
            firstDirty = entry
        }
        lastDirty = entry
    }

    // MARK: Timers

    /// Makes sure that the loop wakes up at `deadline` or earlier.
    func wakeUp(at deadline: Instant) {
        guard deadline < wakeAt else { return }
        wakeAt = deadline
        let current = Instant(nanoseconds: uv_hrtime())
        let milliseconds = (deadline.nanoseconds(since: current) + 999_999) / 1_000_000
        uv_update_time(uv)
        uv_timer_start(
            wake,
            { handle in
                Unmanaged<EventLoop>.fromOpaque(handle.unsafelyUnwrapped.pointee.data)
                    ._withUnsafeGuaranteedRef { $0.timeCame() }
            }, milliseconds, 0)
        uv_ref(cuv_timer_handle(wake))
    }

    /// Without timers the loop need not wake up, and `run` need not wait for a time that nobody
    /// is interested in any more.
    func timerCancelled() {
        guard wheel.count == 0, wakeAt != .never else { return }
        wakeAt = .never
        uv_timer_stop(wake)
        uv_unref(cuv_timer_handle(wake))
    }

    private func timeCame() {
        beginTurn()
        wakeAt = .never
        while let expired = wheel.popExpired(now: now) {
            switch DeadlineOwner(payload: expired.payload) {
            case .timer(let timer): timer.takeUnretainedValue().popped()
            case .connection(let connection): connection.takeUnretainedValue().deadlinePopped()
            }
        }
        endTurn()
        if let next = wheel.nextWake(after: now), next != .never {
            wakeUp(at: next)
        } else {
            uv_unref(cuv_timer_handle(wake))
        }
    }

    // MARK: Memory

    /// An empty buffer with memory that goes round within this loop.
    public func takeBuffer() -> ByteBuffer { outputPool.take() }

    /// Puts such a buffer in the place of one without memory.
    func lendBuffer(to buffer: inout ByteBuffer) { buffer = outputPool.take() }

    /// Takes a buffer's memory back.
    public func giveBuffer(_ buffer: inout ByteBuffer) {
        outputPool.give(exchange(&buffer, with: ByteBuffer()))
    }

    /// Has `holder` told when memory is to be given back, for as long as it keeps what this returns.
    public func register(_ holder: any MemoryHolder) -> MemoryRegistration {
        holders.removeAll { $0.registration == nil }
        let registration = MemoryRegistration(holder)
        holders.append(Registered(registration: registration))
        return registration
    }

    /// Gives back the memory that a crowd has left in tables and pools. For a quiet moment.
    public func releaseMemory() {
        for holder in holders { holder.registration?.holder.releaseMemory() }
        outputPool.releaseMemory()
        if cipherBuffer.capacity > Self.cipherBufferBytes {
            cipherBuffer = ByteBuffer(capacity: Self.cipherBufferBytes)
        }
        if deferred.isEmpty { deferred = [] }
        wheel.releaseMemory { payload, id in
            switch DeadlineOwner(payload: payload) {
            case .timer(let timer): timer._withUnsafeGuaranteedRef { $0.renamed(id) }
            case .connection(let connection):
                connection._withUnsafeGuaranteedRef { $0.deadlineRenamed(id) }
            }
        }
    }

    // MARK: Date

    /// The time now, within the turn: for measuring. `now` is what deadlines are reckoned from.
    public func clock() -> Instant { Instant(nanoseconds: uv_hrtime()) }

    /// Seconds since 1970, UTC, and the milliseconds of that second.
    public var wallClock: (seconds: Int, milliseconds: Int) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (time.tv_sec, time.tv_nsec / 1_000_000)
    }

    /// Seconds since 1970, UTC, of the wall clock.
    public var secondsSince1970: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }

    /// Appends the current `Date` value; made once a second.
    public func appendDate(to buffer: inout ByteBuffer) {
        let second = secondsSince1970
        if second != dateSecond {
            dateSecond = second
            dateBuffer.removeAll()
            HTTPDate.append(secondsSince1970: second, to: &dateBuffer)
        }
        buffer.append(dateBuffer.slice)
    }
}
