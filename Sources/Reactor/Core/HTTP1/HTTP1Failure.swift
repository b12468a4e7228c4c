// HTTP1Failure.swift — what can be wrong with the bytes of an HTTP/1 message.

/// Limits of a message head and of what is not body.
public struct HTTPHeadLimits: Sendable {
    /// Bytes of the request target; more is `targetTooLong` (414).
    public var targetBytesMax = 8 * 1024
    /// Bytes of one field line; more is `headTooLarge` (431).
    public var lineBytesMax = 16 * 1024
    /// Bytes of the whole head; more is `headTooLarge` (431).
    public var headBytesMax = 64 * 1024
    /// Field lines; more is `headTooLarge` (431).
    public var fieldCountMax = 100
    /// Bytes of all chunk extensions and trailers of one message; more is `overheadTooLarge` (413).
    public var overheadBytesMax = 16 * 1024

    /// The defaults of a server.
    public init() {}
}

/// In which way bytes are not HTTP/1.
public enum HTTPMalformation: String, Sendable {
    /// A CR, LF, NUL or other control character where none may be.
    case controlCharacter = "stray control character in the head"
    /// The first word is no method.
    case method = "unknown method"
    /// A Content-Length that is not digits, or too large.
    case contentLength = "bad Content-Length"
    /// Transfer-Encoding in an HTTP/1.0 message.
    case codingInHTTP10 = "Transfer-Encoding in HTTP/1.0"
    /// A chunk size that is not hexadecimal digits, or too large.
    case chunkSize = "bad chunk size"
    /// A field line without colon, or with a name that is no token.
    case fieldLine = "bad field line"
    /// A line that does not end with CR LF.
    case lineEnd = "bad line end"
    /// A status line without a valid status.
    case statusLine = "bad status line"
    /// Anything else.
    case other = "not an HTTP/1 message"
}

/// Why a message was refused. After any failure the connection is closed.
public enum HTTP1Failure: Error, Equatable, Sendable {
    /// Not HTTP/1: bad request line, field line, chunk, length or line end.
    case malformed(HTTPMalformation)
    /// Content-Length and Transfer-Encoding together, or several lengths (RFC 9112 section 6.3).
    case ambiguousLength
    /// A transfer coding other than `chunked` (RFC 9112 section 6.1).
    case unknownTransferCoding
    /// An HTTP version other than 1.0 and 1.1.
    case unsupportedVersion
    /// No Host in HTTP/1.1, several, or one that is not a host (RFC 9112 section 3.2).
    case badHost
    /// The request target is no path, absolute URI or `*`.
    case badTarget
    /// The method cannot be served here: CONNECT, TRACE or an unknown one.
    case methodNotImplemented
    /// The request target is over its limit.
    case targetTooLong
    /// The head, a line of it or the number of fields is over its limit.
    case headTooLarge
    /// Chunk extensions and trailers are over their limit.
    case overheadTooLarge
    /// The input ended inside a message.
    case truncated

    /// The status a server answers with.
    public var status: Int {
        switch self {
        case .malformed, .ambiguousLength, .badHost, .badTarget, .truncated: 400
        case .overheadTooLarge: 413
        case .targetTooLong: 414
        case .headTooLarge: 431
        case .unknownTransferCoding, .methodNotImplemented: 501
        case .unsupportedVersion: 505
        }
    }

    /// One plain sentence; never holds bytes of the peer.
    public var text: String {
        switch self {
        case .malformed(let what): "Malformed HTTP message: \(what.rawValue)."
        case .ambiguousLength: "The length of the body is given more than once."
        case .unknownTransferCoding: "The only transfer coding understood is 'chunked'."
        case .unsupportedVersion: "Only HTTP/1.0 and HTTP/1.1 are spoken here."
        case .badHost: "Exactly one valid Host field is needed."
        case .badTarget: "The request target is not valid."
        case .methodNotImplemented: "The method is not implemented."
        case .targetTooLong: "The request target is too long."
        case .headTooLarge: "The request head is too large."
        case .overheadTooLarge: "Chunk extensions and trailers are too large."
        case .truncated: "The message ended too early."
        }
    }
}
