// ServerConnectionMachine.swift — the life of one server connection, request after request.
// Pure value: no socket and no clock. HTTPServerConnection tells it what happened and obeys.
//
// With TLS the handshake comes first, bounded like a head.
//
//            bytes               head                    request and response ended
//   idle ───────────▶ head ───────────▶ exchange ───────────────────────────────────▶ idle
//     │                 │                  │  response ended, request still open
//     │ time, EOF       │ time: 408        ├───────────────────────────────────▶ lingering
//     ▼                 ▼                  ▼                                          │ time, EOF
//   closed ◀────────────┴──────────────────┴─────────────────────────────────────────┘

/// Decides keep-alive, deadlines and what an early end means.
///
/// Invariants: at most one exchange is open; a connection is used again only after a request and a
/// response that both ended; `deadline` is `.never` only while a handler works on a whole request
/// and the client takes its bytes.
public struct ServerConnectionMachine {
    /// What the shell must do when the deadline has passed.
    public enum Expiry: Equatable, Sendable {
        /// Nothing: the deadline has moved in the meantime.
        case none
        /// Close without a word.
        case close
        /// Answer 408, then close.
        case answerTimeout
    }

    /// What comes after a response.
    public enum Sequel: Equatable, Sendable {
        /// Parse on: the next request may already be there.
        case nextRequest
        /// Send FIN, then read and drop what the client still sends.
        case linger
        /// Close once all output is written.
        case close
    }

    /// What the end of the client's input means.
    public enum InputEnd: Equatable, Sendable {
        /// Nobody is waiting: close.
        case close
        /// The client has gone while its request was being served: cancel it and close.
        case cancel
    }

    private enum State: Equatable {
        /// The TLS handshake is under way, within the time of a head or of idleness, whichever is
        /// shorter. -> idle when it is complete;
        /// -> head when the connection is refused; -> closed on time, EOF, drain.
        case securing
        /// -> head on a byte; -> closed on time, EOF, drain.
        case idle
        /// -> exchange on a whole head; -> lingering on a refused one; -> closed.
        case head
        /// -> idle when request and response have ended; -> lingering; -> closed.
        case exchange
        /// -> closed on time or EOF.
        case lingering
        case closed
    }

    private let bounds: ServerBounds
    private var state = State.idle
    private var requestOpen = false
    private var responseOpen = false
    private var responseStarted = false
    private var keepsAlive = true
    private var draining = false
    /// While draining: a client that was told nothing yet may send one more request.
    private var awaitsLast = false
    private var bodyStart = Instant(nanoseconds: 0)
    private var bodyBytes = 0
    private var declaredBytes = 0
    /// When a time limit runs out next, the output apart.
    private var inputDeadline: Instant
    private var outputDeadline = Instant.never

    /// A connection that has just been accepted; with `securing`, its TLS handshake comes first.
    public init(bounds: ServerBounds, securing: Bool = false, now: Instant) {
        self.bounds = bounds
        state = securing ? .securing : .idle
        inputDeadline = now.advanced(
            nanoseconds: securing ? min(bounds.head, bounds.idle) : bounds.idle)
    }

    /// The same with limits of its own.
    public init(limits: ServerLimits, securing: Bool = false, now: Instant) {
        self.init(bounds: ServerBounds(limits), securing: securing, now: now)
    }

    /// The next time at which `timePassed` must be called.
    public var deadline: Instant { min(inputDeadline, outputDeadline) }

    /// Whether a request is being served: it has a head and not yet a whole response.
    public var isServing: Bool { state == .exchange && responseOpen }

    /// Whether an answer may still be given to the current request or to a refused head.
    public var mayAnswer: Bool {
        switch state {
        case .head: true
        case .exchange: responseOpen && !responseStarted
        case .securing, .idle, .lingering, .closed: false
        }
    }

    /// Whether nothing of a request has arrived.
    public var isIdle: Bool { state == .idle }

    /// Whether input may still belong to a request that is answered. Without it, what arrives is
    /// dropped unread.
    public var takesInput: Bool { state == .idle || state == .head || state == .exchange }

    /// Whether input is only read to be dropped.
    public var isLingering: Bool { state == .lingering }

    /// Whether the current response has begun.
    public var hasStartedResponse: Bool { responseStarted }

    /// Whether body bytes of the current request are still to come.
    public var isRequestOpen: Bool { requestOpen }

    // MARK: Input

    /// The TLS handshake is complete: a first request may take as long to begin as any other.
    public mutating func secured(now: Instant) {
        guard state == .securing else { return }
        state = .idle
        inputDeadline = now.advanced(nanoseconds: bounds.idle)
    }

    /// Bytes arrived, of whatever kind; or the connection is refused whatever will arrive.
    public mutating func bytesArrived(now: Instant) {
        guard state == .idle || state == .securing else { return }
        state = .head
        keepsAlive = true
        inputDeadline = now.advanced(nanoseconds: bounds.head)
    }

    /// A whole head arrived and keeps the rules. Returns false when its body is declared to be
    /// over the limit: answer 413 before anything else.
    public mutating func headArrived(
        keepsAlive: Bool, framing: BodyFraming, now: Instant
    ) -> Bool {
        precondition(state == .head, "head arrived in \(state)")
        state = .exchange
        self.keepsAlive = keepsAlive && !draining
        requestOpen = framing != .none
        responseOpen = true
        responseStarted = false
        bodyStart = now
        bodyBytes = 0
        declaredBytes = 0
        if case .length(let count) = framing {
            guard count <= UInt64(bounds.limits.bodyBytesMax) else { return false }
            declaredBytes = Int(count)
        }
        inputDeadline = requestOpen ? bodyDeadline : .never
        return true
    }

    /// Body bytes arrived. Returns false when the body has grown over the limit: 413.
    public mutating func bodyArrived(_ count: Int) -> Bool {
        bodyBytes += count
        guard bodyBytes <= bounds.limits.bodyBytesMax else { return false }
        inputDeadline = bodyDeadline
        return true
    }

    /// The request is complete. Says nothing new of one without a body: that was whole with its
    /// head, and may have been answered since.
    public mutating func requestEnded() {
        guard requestOpen else { return }
        requestOpen = false
        inputDeadline = .never
    }

    /// The client ended its side or the transport broke.
    public mutating func inputEnded() -> InputEnd {
        defer { close() }
        return state == .exchange && responseOpen ? .cancel : .close
    }

    private var bodyDeadline: Instant {
        let size = max(declaredBytes, bodyBytes)
        let perSize = Int64(size / 65536) * 1_000_000_000
        let perRate = Int64(bodyBytes / bounds.rateMin) * 1_000_000_000
        return min(
            bodyStart.advanced(nanoseconds: bounds.body + perSize),
            bodyStart.advanced(nanoseconds: bounds.rateGrace + perRate))
    }

    // MARK: Output

    /// A response begins. Returns whether the connection lives on behind it: the response must say
    /// `Connection: close` when not.
    public mutating func responseBegan(closes: Bool = false) -> Bool {
        precondition(mayAnswer, "response began in \(state)")
        if state == .head {
            // A refused head: there is no telling where the next request would start.
            state = .exchange
            requestOpen = true
            responseOpen = true
            keepsAlive = false
        }
        responseStarted = true
        if closes || draining { keepsAlive = false }
        return keepsAlive
    }

    /// The response is complete.
    public mutating func responseEnded(now: Instant) -> Sequel {
        precondition(state == .exchange && responseOpen, "response ended in \(state)")
        responseOpen = false
        if requestOpen {
            state = .lingering
            inputDeadline = now.advanced(nanoseconds: bounds.linger)
            return .linger
        }
        guard keepsAlive, !draining || awaitsLast else {
            close()
            return .close
        }
        state = .idle
        inputDeadline = now.advanced(nanoseconds: bounds.idle)
        return .nextRequest
    }

    /// Output waits for the client; `moved` tells that it has taken some since the last call.
    public mutating func outputWaits(moved: Bool, now: Instant) {
        if moved || outputDeadline == .never {
            outputDeadline = now.advanced(nanoseconds: bounds.writeStall)
        }
    }

    /// All output has been taken.
    public mutating func outputEmptied() { outputDeadline = .never }

    // MARK: Time and the end

    /// Time has passed; asks what has run out.
    public mutating func timePassed(now: Instant) -> Expiry {
        guard deadline <= now else { return .none }
        defer { if !mayAnswer { close() } }
        if outputDeadline <= now { return expire() }
        switch state {
        case .head: return .answerTimeout
        case .exchange: return responseStarted ? expire() : .answerTimeout
        case .securing, .idle, .lingering, .closed: return expire()
        }
    }

    private mutating func expire() -> Expiry {
        close()
        outputDeadline = .never
        return .close
    }

    /// No further request is served, or one more where there is none now. Returns whether the
    /// connection is to be closed at once.
    public mutating func drain(keepsIdle: Bool = false) -> Bool {
        draining = true
        awaitsLast = keepsIdle
        // What the head of a response has promised is kept.
        if !keepsIdle || !responseStarted { keepsAlive = false }
        return !keepsIdle && (state == .idle || state == .securing)
    }

    /// The connection is over, but for output that may still wait for the client.
    public mutating func close() {
        state = .closed
        requestOpen = false
        responseOpen = false
        inputDeadline = .never
    }
}
