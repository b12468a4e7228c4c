// SocketAddress.swift — an IPv4 or IPv6 address with a port.

import CUV
import ReactorCore

/// An IP address and a port.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
    var storage = sockaddr_storage()

    /// Parses a numeric address; nil when `host` is a name.
    public init?(host: String, port: Int) {
        guard let port = Int32(exactly: port), (0...65535).contains(port) else { return nil }
        let text = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if uv_ip4_addr(text, port, &v4) == 0 {
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v4, as: sockaddr_in.self) }
        } else if uv_ip6_addr(text, port, &v6) == 0 {
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v6, as: sockaddr_in6.self) }
        } else {
            return nil
        }
    }

    /// Takes an address from the resolver, with another port.
    init?(_ address: UnsafePointer<sockaddr>, port: Int) {
        let port = UInt16(truncatingIfNeeded: port).bigEndian
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            var v4 = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
            v4.sin_port = port
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v4, as: sockaddr_in.self) }
        case AF_INET6:
            var v6 = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
            v6.sin6_port = port
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v6, as: sockaddr_in6.self) }
        default:
            return nil
        }
    }

    /// The same address with another port.
    func with(port: Int) -> SocketAddress {
        withPointer { SocketAddress($0, port: port) } ?? self
    }

    /// Whether it is an IPv6 address.
    public var isIPv6: Bool { Int32(storage.ss_family) == AF_INET6 }

    /// The port.
    public var port: Int {
        withUnsafeBytes(of: storage) {
            let port =
                isIPv6
                ? $0.load(as: sockaddr_in6.self).sin6_port : $0.load(as: sockaddr_in.self).sin_port
            return Int(UInt16(bigEndian: port))
        }
    }

    /// The numeric address without the port.
    public var host: String {
        var text = [CChar](repeating: 0, count: 64)
        withPointer { uv_ip_name($0, &text, text.count) }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `127.0.0.1:80` or `[::1]:80`.
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether it belongs to this machine only.
    public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    @discardableResult
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafeBytes(of: storage) {
            body($0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self))
        }
    }

    /// Same family, address and port.
    public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        left.description == right.description
    }
}
