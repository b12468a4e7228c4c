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

    /// An event is about to be written. Returns whether the head must be written first.
    package mutating func eventWritten(now: Instant) -> Bool {
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
        return .heartbeat(begins: eventWritten(now: now))
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
