// WorkerSocket.swift — the listening socket of one worker's place. The supervisor binds it and keeps
// it open, so that connections that wait in its queue survive the worker; each worker of the place
// inherits it.

import CUV
import Glibc
import ReactorCore

/// A bound TCP socket with SO_REUSEPORT: the kernel spreads connections over all that share an
/// address and listen.
public final class WorkerSocket {
    /// Open until `close`.
    public let descriptor: Int32
    /// What it is bound to, with the real port.
    public let address: SocketAddress
    private var isClosed = false

    /// Binds; does not listen: the worker does, when it is ready.
    public init(_ address: SocketAddress) throws(SystemFailure) {
        let bound = try Self.bind(address, sharesPort: true)
        descriptor = bound.descriptor
        self.address = bound.address
    }

    deinit { close() }

    /// Throws if somebody else listens on `address`: with a shared port the kernel would let two
    /// programs of one user take turns.
    public static func check(_ address: SocketAddress) throws(SystemFailure) {
        guard address.port != 0 else { return }
        Glibc.close(try bind(address, sharesPort: false).descriptor)
    }

    private static func bind(
        _ address: SocketAddress, sharesPort: Bool
    ) throws(SystemFailure) -> (descriptor: Int32, address: SocketAddress) {
        let operation = "listening on \(address)"
        let raw = socket(
            address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard raw >= 0 else { throw SystemFailure(operation, errno) }
        defer { Glibc.close(raw) }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        var code = setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if code == 0, sharesPort { code = setsockopt(raw, SOL_SOCKET, SO_REUSEPORT, &on, size) }
        if code == 0 {
            let count = socklen_t(
                address.isIPv6
                    ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
            code = address.withPointer { Glibc.bind(raw, $0, count) }
        }
        guard code == 0 else { throw SystemFailure(operation, errno) }
        var storage = sockaddr_storage()
        var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bound = withUnsafeMutableBytes(of: &storage) { bytes -> SocketAddress? in
            let pointer = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self)
            guard getsockname(raw, pointer, &count) == 0 else { return nil }
            let port = UnsafeRawPointer(pointer).load(fromByteOffset: 2, as: UInt16.self)
            return SocketAddress(pointer, port: Int(UInt16(bigEndian: port)))
        }
        return (try InheritedDescriptor.lift(raw), bound ?? address)
    }

    /// Lets go of it; a worker that has inherited it keeps its own copy.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        Glibc.close(descriptor)
    }
}
