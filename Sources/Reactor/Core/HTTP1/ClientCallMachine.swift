// ClientCallMachine.swift — one HTTP call of the client: its four clocks and its one second try.
// Pure value. HTTPClientCall tells it what happened and obeys.

/// The four clocks of an upstream attempt. Each names itself in a time-out's error. Kept in
/// nanoseconds: they are reckoned anew for every request.
public struct ClientClocks: Sendable, Equatable {
    var connectNanoseconds: Int64
    var headNanoseconds: Int64
    var idleNanoseconds: Int64
    var totalNanoseconds: Int64

    /// The defaults: 10 s to connect, 60 s to the head, 300 s between bytes, an hour in all.
    public init() {
        self.init(
            connectNanoseconds: 10_000_000_000, headNanoseconds: 60_000_000_000,
            idleNanoseconds: 300_000_000_000, totalNanoseconds: 3_600_000_000_000)
    }

    /// - Parameters:
    ///   - connectNanoseconds: name look-up, TCP and TLS together.
    ///   - headNanoseconds: from the request's last byte to the end of the response's head.
    ///   - idleNanoseconds: between two reads of the response's body.
    ///   - totalNanoseconds: from the call's start to the response's last byte.
    public init(
        connectNanoseconds: Int64, headNanoseconds: Int64, idleNanoseconds: Int64,
        totalNanoseconds: Int64
    ) {
        self.connectNanoseconds = connectNanoseconds
        self.headNanoseconds = headNanoseconds
        self.idleNanoseconds = idleNanoseconds
        self.totalNanoseconds = totalNanoseconds
    }

    /// Name look-up, TCP and TLS together.
    public var connect: Duration {
        get { .nanoseconds(connectNanoseconds) }
        set { connectNanoseconds = newValue.nanoseconds }
    }
    /// From the request's last byte to the end of the response's head.
    public var head: Duration {
        get { .nanoseconds(headNanoseconds) }
        set { headNanoseconds = newValue.nanoseconds }
    }
    /// Between two reads of the response's body.
    public var idle: Duration {
        get { .nanoseconds(idleNanoseconds) }
        set { idleNanoseconds = newValue.nanoseconds }
    }
    /// From the call's start to the response's last byte.
    public var total: Duration {
        get { .nanoseconds(totalNanoseconds) }
        set { totalNanoseconds = newValue.nanoseconds }
    }
}

/// Which clock ran out.
public enum ClientClock: String, Sendable {
    /// Name look-up, TCP and TLS.
    case connect
    /// The response's head.
    case head
    /// The gap between two reads.
    case idle
    /// The whole call.
    case total
    /// The pool's queue.
    case queue
}

/// Decides what a failure means at the moment it happens.
///
/// A call is sent again at most once, on a fresh connection, and only while the upstream cannot
/// have begun to answer: the connection could not be made, or a reused one died before any byte of
/// a response (RFC 9112 section 9.3.1 lets a client assume that such a request was not processed).
public struct ClientCallMachine {
    /// What to do after a failure.
    public enum Verdict: Equatable, Sendable {
        /// Try once more on a connection made for it.
        case retryFresh
        /// Give up.
        case fail
    }

    private enum State: Equatable {
        /// -> sent on a lease; -> ended.
        case waiting
        /// Written to a connection; -> receiving on the first byte; -> waiting on the second try.
        case sent(reused: Bool)
        /// A byte of the response has arrived; -> body on a final head; -> ended.
        case receiving
        /// -> ended.
        case body
        case ended
    }

    /// The clocks of this call.
    public let clocks: ClientClocks
    private var state = State.waiting
    private var triedTwice = false
    private let start: Instant
    private var phaseStart: Instant
    /// Whether the connect clock is shorter than that of the connections being made for anybody,
    /// which keep their own: then it bounds the wait for one.
    private let boundsWait: Bool
    /// How many attempts have been made.
    public private(set) var attempts = 1

    /// A call that begins now.
    ///
    /// - Parameter connectTime: nanoseconds that a connection of its origin may take to be made; a
    ///   connect clock below it bounds the call's wait.
    public init(clocks: ClientClocks, connectTime: Int64 = 0, now: Instant) {
        self.clocks = clocks
        boundsWait = clocks.connectNanoseconds < connectTime
        start = now
        phaseStart = now
    }

    /// The call waits for a connection, again after a second try was allowed.
    public mutating func waits(now: Instant) { phaseStart = now }

    /// The request was written to a connection that is new or has served before.
    public mutating func sent(reused: Bool, now: Instant) {
        precondition(state == .waiting, "sent in \(state)")
        state = .sent(reused: reused)
        phaseStart = now
    }

    /// Bytes of the response arrived.
    public mutating func bytesArrived(now: Instant) {
        switch state {
        case .sent: state = .receiving
        case .body: phaseStart = now
        case .receiving, .waiting, .ended: break
        }
    }

    /// The final head arrived.
    public mutating func headArrived(now: Instant) {
        state = .body
        phaseStart = now
    }

    /// Reading is paused by us: only the total clock goes on.
    public mutating func paused() { phaseStart = .never }

    /// Reading goes on after a pause that was ours: the idle clock starts anew.
    public mutating func resumed(now: Instant) { phaseStart = now }

    /// The connection could not be made.
    public mutating func connectFailed() -> Verdict { secondTry(allowed: state == .waiting) }

    /// The connection was lost while the call was on it.
    public mutating func connectionLost() -> Verdict {
        secondTry(allowed: state == .sent(reused: true))
    }

    /// The server has said that it did not look at the request (RFC 9113 section 8.7).
    public mutating func refused() -> Verdict { secondTry(allowed: !hasResponse) }

    /// The call is over, in whatever way.
    public mutating func ended() { state = .ended }

    private mutating func secondTry(allowed: Bool) -> Verdict {
        guard allowed, !triedTwice else {
            state = .ended
            return .fail
        }
        triedTwice = true
        attempts += 1
        state = .waiting
        return .retryFresh
    }

    /// When a clock runs out next, and which.
    public var deadline: (at: Instant, clock: ClientClock) {
        let whole = start.advanced(nanoseconds: clocks.totalNanoseconds)
        let phase: (Instant, ClientClock)
        switch state {
        case .waiting:
            // Else whoever makes the connection keeps the time, and the pool that of its line.
            phase =
                boundsWait
                ? (phaseStart.advanced(nanoseconds: clocks.connectNanoseconds), .connect)
                : (.never, .connect)
        case .sent, .receiving:
            phase = (phaseStart.advanced(nanoseconds: clocks.headNanoseconds), .head)
        case .body: phase = (phaseStart.advanced(nanoseconds: clocks.idleNanoseconds), .idle)
        case .ended: return (.never, .total)
        }
        return phase.0 <= whole ? (phase.0, phase.1) : (whole, .total)
    }

    /// Whether any byte of the response has arrived.
    public var hasResponse: Bool { state == .receiving || state == .body }
}
