// ExchangeMachine.swift — how far one exchange has come, and what a failure or a silence means at
// that point. Pure value; Exchange tells it what happened and obeys.

import ReactorCore

/// The life of one exchange between a client and an upstream.
///
/// Invariants: a response begins once; a heartbeat never comes before a response has begun by
/// itself unless it begins it; exactly one ending.
package struct ExchangeMachine {
    /// In which form the client hears of a failure.
    package enum FailureForm: Equatable, Sendable {
        /// As a response with an error status.
        case answer
        /// As an event of the stream whose head is out.
        case inBand
        /// Not at all: the exchange has ended.
        case nothing
    }

    /// What a silence asks for.
    package enum Silence: Equatable, Sendable {
        /// Nothing: no stream, or not long enough.
        case none
        /// A heartbeat; with `begins`, the response's head before it.
        case heartbeat(begins: Bool)
    }

    private enum State: Equatable {
        /// -> receiving.
        case idle
        /// The request's body arrives. -> waiting; -> ended.
        case receiving
        /// The upstream has the request; nothing has been said to the client. -> streaming, ended.
        case waiting(streams: Bool)
        /// The stream's head is out. -> ended.
        case streaming
        case ended
    }

    private var state = State.idle
    /// Whether the client has had a byte of the answer; heartbeats are none.
    private var hasAnswered = false
    /// Whether one target has been left and the next not been asked yet.
    private var isBetween = false
    private var lastWrite = Instant(nanoseconds: 0)
    private let heartbeatNanoseconds: Int64?

    /// - Parameter heartbeatNanoseconds: the silence that a heartbeat ends; nil where they are off.
    package init(heartbeatNanoseconds: Int64?) {
        self.heartbeatNanoseconds = heartbeatNanoseconds
    }

    /// Whether a request is under way.
    package var isActive: Bool {
        switch state {
        case .idle, .ended: false
        case .receiving, .waiting, .streaming: true
        }
    }

    /// Whether the client has the head of a stream.
    package var isStreaming: Bool { state == .streaming }

    /// Whether an upstream has the request: what else comes from one is nobody's.
    package var hasUpstream: Bool {
        switch state {
        case .waiting, .streaming: !isBetween
        case .idle, .receiving, .ended: false
        }
    }

    /// Whether another target may still be asked: the client has had no byte of an answer.
    package var mayGoOn: Bool {
        switch state {
        case .receiving, .waiting: true
        case .streaming: !hasAnswered
        case .idle, .ended: false
        }
    }

    /// Whether the head of the stream is out, but nothing of an answer.
    package var isUndecided: Bool { state == .streaming && !hasAnswered }

    /// A request's head arrived.
    package mutating func requestBegan() {
        precondition(!isActive, "a request began in \(state)")
        state = .receiving
    }

    /// The whole request was handed to an upstream.
    package mutating func dispatched(streams: Bool, now: Instant) {
        precondition(state == .receiving, "dispatched in \(state)")
        state = .waiting(streams: streams)
        lastWrite = now
    }

    /// The target that was asked is left for another one, or for another try.
    package mutating func leftTarget() {
        precondition(mayGoOn, "a target was left in \(state)")
        isBetween = true
    }

    /// The next one is asked, which may answer in another form as long as no head is out.
    /// - Returns: whether it is the first: `dispatched` must follow.
    package mutating func redirected(streams: Bool) -> Bool {
        isBetween = false
        switch state {
        case .receiving: return true
        case .waiting: state = .waiting(streams: streams)
        case .streaming: precondition(streams, "a stream became an answer without one")
        case .idle, .ended: preconditionFailure("redirected in \(state)")
        }
        return false
    }

    /// An event is about to be written. Returns whether the head must be written first.
    package mutating func eventWritten(now: Instant) -> Bool {
        hasAnswered = true
        return written(now: now)
    }

    private mutating func written(now: Instant) -> Bool {
        lastWrite = now
        if state == .streaming { return false }
        precondition(state == .waiting(streams: true), "an event was written in \(state)")
        state = .streaming
        return true
    }

    /// When `timePassed` must be called next.
    package var heartbeatDeadline: Instant {
        guard let heartbeatNanoseconds else { return .never }
        switch state {
        case .waiting(streams: true), .streaming:
            return lastWrite.advanced(nanoseconds: heartbeatNanoseconds)
        case .idle, .receiving, .waiting(streams: false), .ended: return .never
        }
    }

    /// Asks whether the silence has lasted long enough. A heartbeat counts as written.
    package mutating func timePassed(now: Instant) -> Silence {
        guard heartbeatDeadline <= now else { return .none }
        return .heartbeat(begins: written(now: now))
    }

    /// Something went wrong for good; `ended` must follow.
    package func failed() -> FailureForm {
        switch state {
        case .receiving, .waiting: return .answer
        case .streaming: return .inBand
        case .idle, .ended: return .nothing
        }
    }

    /// The response is complete, or nobody wants it any more. Returns false if it had ended.
    @discardableResult
    package mutating func ended() -> Bool {
        let wasActive = isActive
        state = .ended
        return wasActive
    }
}
