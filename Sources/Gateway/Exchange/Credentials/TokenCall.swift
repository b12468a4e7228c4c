// TokenCall.swift — one request of a grant over HTTP, and its answer gathered within bounds. A shell;
// used by TokenSource only.

import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

/// Sends requests one after the other and keeps each one's outcome until it is taken.
final class TokenCall {
    private let call = HTTPClientCall()
    private let userAgent: String
    private let clocks: ClientClocks
    /// Told at the end of the turn in which an outcome is there.
    private weak var owner: (any Deferrable)?
    private unowned(unsafe) let loop: EventLoop

    private var request: TokenRequest?
    private var status = 0
    private var fields = TokenFields()
    private var body = ByteBuffer()
    private var isAnswered = false
    private var failure: TokenFailure?

    init(_ loop: EventLoop, owner: any Deferrable, userAgent: String, clocks: ClientClocks) {
        self.loop = loop
        self.owner = owner
        self.userAgent = userAgent
        self.clocks = clocks
    }

    /// Sends `request` on `origin`. The last one's outcome must have been taken.
    func start(_ request: TokenRequest, on origin: HTTPOrigin) {
        self.request = request
        fields = TokenFields()
        body.removeAll()
        isAnswered = false
        failure = nil
        call.start(on: origin, clocks: clocks, delegate: self)
    }

    /// Calls `take` with the outcome, if there is one that was not taken.
    func takeOutcome(_ take: (Int, TokenFields, ByteSlice) -> Void) -> TokenFailure? {
        if let failure {
            self.failure = nil
            return failure
        }
        if isAnswered {
            isAnswered = false
            take(status, fields, body.slice)
            body.release()
        }
        return nil
    }

    func cancel() {
        call.cancel()
        request = nil
        isAnswered = false
        failure = nil
    }

    private var host: String { request?.host ?? "" }

    private func fail(_ kind: TokenFailure.Kind, _ reason: String) {
        failure = TokenFailure(kind, reason)
        ended()
    }

    private func ended() {
        request = nil
        if let owner { loop.atEndOfTurn(owner) }
    }
}

extension TokenCall: HTTPClientCallDelegate {
    func writeRequest(on connection: HTTPRequestWriter) {
        connection.withOutput { request?.append(userAgent: userAgent, to: &$0) }
    }

    func responseHeadArrived(_ head: HTTPHead) {
        status = head.status
        for index in 0..<head.fields.count {
            fields.add(head.fields.name(index), head.fields.value(index))
        }
        // Identity was asked for.
        guard let coding = head.fields.first("content-encoding"),
            !coding.equalsIgnoringCase("identity")
        else { return }
        call.cancel()
        fail(.malformed, "\(host) answered with an encoding that was not asked for")
    }

    func responseBodyArrived(_ bytes: ByteSlice) {
        guard body.count + bytes.count <= TokenGrant.bodyBytesMax else {
            call.cancel()
            return fail(
                .malformed, "\(host) answered with more than \(TokenGrant.bodyBytesMax) bytes")
        }
        body.append(bytes)
    }

    func responseEnded() {
        isAnswered = true
        ended()
    }

    func callFailed(_ failure: HTTPClientFailure) {
        let kind: TokenFailure.Kind =
            switch failure {
            case .refused("ETIMEDOUT"), .timedOut: .timedOut
            case .malformed, .http2, .unexpectedInterim: .malformed
            default: .unreachable
            }
        fail(kind, failure.sentence(host: host))
    }
}
