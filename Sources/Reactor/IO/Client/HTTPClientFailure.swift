// HTTPClientFailure.swift — how a call of the HTTP client can end without a whole response.

import ReactorCore

/// Why a call failed. Whatever it is, no bytes of the response follow it.
public enum HTTPClientFailure: Error, Equatable, Sendable {
    /// The name could not be resolved.
    case unresolved(String)
    /// No TCP connection could be made: libuv's error name, or what a proxy said.
    case refused(String)
    /// The TLS handshake failed. No byte of the request was sent.
    case tls(TLSFailure)
    /// A clock ran out.
    case timedOut(ClientClock)
    /// The pool's queue is full.
    case queueFull
    /// The client is being closed.
    case draining
    /// The connection was lost before a byte of the response.
    case lost(String)
    /// The connection was lost within the response.
    case truncated
    /// The response breaks HTTP.
    case malformed(HTTP1Failure)
    /// The response breaks HTTP/2, in the way that the code says.
    case http2(HTTP2ErrorCode)
    /// 101 unasked, or too many interim responses.
    case unexpectedInterim
}

/// What receives a call's progress. All calls come within a turn; slices are valid during the call.
public protocol HTTPClientCallDelegate: AnyObject {
    /// Write the whole request. Called once per attempt: twice at most.
    func writeRequest(on connection: HTTPRequestWriter)
    /// The final response's head arrived.
    func responseHeadArrived(_ head: HTTPHead)
    /// Bytes of its body arrived.
    func responseBodyArrived(_ bytes: ByteSlice)
    /// The response is complete.
    func responseEnded()
    /// The call failed; nothing follows.
    func callFailed(_ failure: HTTPClientFailure)
}
