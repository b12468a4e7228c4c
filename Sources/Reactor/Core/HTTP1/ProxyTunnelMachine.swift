// ProxyTunnelMachine.swift — asking a proxy for a tunnel (CONNECT, RFC 9110 section 9.3.6): what is
// sent, and whether the answer opens it. Pure value; ProxyTunnel obeys it.

/// A proxy that connections go through.
public struct HTTPProxy: Equatable, Sendable {
    /// The name or address to connect to, without brackets.
    public var host: String
    /// The TCP port.
    public var port: Int
    /// The value of `Proxy-Authorization`; nil: none is sent. Without line ends.
    public var authorization: [UInt8]?

    /// A proxy; it is spoken to in plain.
    public init(host: String, port: Int, authorization: [UInt8]? = nil) {
        self.host = host
        self.port = port
        self.authorization = authorization
    }
}

/// Reads a proxy's answer.
public struct ProxyTunnelMachine: ~Copyable {
    /// What the answer so far means.
    public enum Verdict: Equatable, Sendable {
        /// The answer's head is not whole yet.
        case needsInput
        /// From here on the bytes are the other end's.
        case open
        /// The proxy answered with another status.
        case refused(Int)
        /// What came is no such answer, or has bytes behind it that nobody asked for.
        case malformed
    }

    /// A longer head is malformed.
    public static let headBytesMax = 16 * 1024

    private var head = ByteBuffer()

    /// Nothing has come yet.
    public init() {}

    /// Appends the request for a tunnel to `host` and `port`.
    public static func appendRequest(
        host: String, port: Int, _ proxy: HTTPProxy, to output: inout ByteBuffer
    ) {
        let name = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
        output.append("CONNECT \(name):\(port) HTTP/1.1\r\nHost: \(name):\(port)\r\n")
        if let authorization = proxy.authorization {
            output.append("Proxy-Authorization: " as StaticString)
            authorization.withUnsafeBytes { output.append(ByteSlice($0)) }
            output.append("\r\n" as StaticString)
        }
        output.append("\r\n" as StaticString)
    }

    /// More of the answer.
    public mutating func received(_ bytes: ByteSlice) -> Verdict {
        guard head.count + bytes.count <= Self.headBytesMax else { return .malformed }
        head.append(bytes)
        guard let end = Self.end(of: head.slice) else {
            let start = head.slice.prefix(min(head.count, 7))
            return ByteSlice("HTTP/1.").prefix(start.count) == start ? .needsInput : .malformed
        }
        guard let status = Self.status(of: head.slice) else { return .malformed }
        guard (200..<300).contains(status) else { return .refused(status) }
        // A client speaks first in TLS: whatever comes unasked is not its answer.
        return end == head.count ? .open : .malformed
    }

    /// One past the empty line; nil if there is none yet.
    private static func end(of head: ByteSlice) -> Int? {
        var index = 0
        while index + 4 <= head.count {
            if head[index] == ASCII.cr, head[index..<(index + 4)] == "\r\n\r\n" { return index + 4 }
            index += 1
        }
        return nil
    }

    /// Of `HTTP/1.1 200 anything`.
    private static func status(of head: ByteSlice) -> Int? {
        guard head.count >= 13, head.hasPrefix("HTTP/1."), head[8] == ASCII.space,
            head[12] == ASCII.space || head[12] == ASCII.cr
        else { return nil }
        return head[9..<12].decimalValue
    }
}
