// HTTP2ErrorCode.swift — why a stream or a connection of HTTP/2 was ended (RFC 9113 section 7).

/// An error code of RST_STREAM or GOAWAY. Codes that nobody has registered are kept as they are.
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt32

    /// Any number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A graceful end.
    public static let noError = HTTP2ErrorCode(rawValue: 0x0)
    /// The other side broke the protocol.
    public static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    /// The stream was refused before anything was done for it: it may be asked again.
    public static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    /// The stream is not wanted any more.
    public static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    /// The resource is served over HTTP/1.1 only.
    public static let http11Required = HTTP2ErrorCode(rawValue: 0xD)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
        "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
        "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    /// The name in the RFC, or the number.
    public var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : "error \(rawValue)"
    }
}
