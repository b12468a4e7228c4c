// Listener.swift — a listening socket that hands out connected ones.

import CUV
import ReactorCore

/// Why a listener or another handle could not be made: libuv's words.
public struct SystemFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried.
    public let operation: String
    /// libuv's or the system's name and text of the error.
    public let reason: String

    init(_ operation: String, code: Int32) {
        self.operation = operation
        reason = String(cString: uv_strerror(code))
    }

    init(_ operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    /// `operation: reason`.
    public var description: String { "\(operation): \(reason)" }
}

/// A bound and listening TCP socket.
public final class Listener {
    /// Connections that the kernel keeps ready for `accept`.
    static let backlog: Int32 = 4096

    private unowned(unsafe) let loop: EventLoop
    private let handle: UnsafeMutablePointer<uv_tcp_t>
    private let accepted: (UnsafeMutablePointer<cuv_tcp_block>) -> Void
    private var isClosed = false

    /// Binds and listens. `accepted` gets the block of each connection and owns it.
    convenience init(
        _ loop: EventLoop, address: SocketAddress,
        accepted: @escaping (UnsafeMutablePointer<cuv_tcp_block>) -> Void
    ) throws(SystemFailure) {
        try self.init(loop, "listening on \(address)", accepted) { handle in
            address.withPointer { uv_tcp_bind(handle, $0, 0) }
        }
    }

    /// Listens on a bound socket, which it owns from then on.
    convenience init(
        _ loop: EventLoop, inherited descriptor: Int32,
        accepted: @escaping (UnsafeMutablePointer<cuv_tcp_block>) -> Void
    ) throws(SystemFailure) {
        try self.init(loop, "listening on an inherited socket", accepted) { handle in
            uv_tcp_open(handle, descriptor)
        }
    }

    private init(
        _ loop: EventLoop, _ operation: String,
        _ accepted: @escaping (UnsafeMutablePointer<cuv_tcp_block>) -> Void,
        bind: (UnsafeMutablePointer<uv_tcp_t>) -> Int32
    ) throws(SystemFailure) {
        self.loop = loop
        self.accepted = accepted
        handle = .allocate(capacity: 1)
        uv_tcp_init(loop.uv, handle)
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var code = bind(handle)
        if code == 0 {
            code = uv_listen(cuv_stream(handle), Self.backlog) { handle, status in
                Unmanaged<Listener>.fromOpaque(handle.unsafelyUnwrapped.pointee.data)
                    ._withUnsafeGuaranteedRef { $0.connectionArrived(status) }
            }
        }
        if code != 0 {
            close()
            throw SystemFailure(operation, code: code)
        }
    }

    /// The address it is bound to; its port is the real one where 0 was asked for.
    public var address: SocketAddress? {
        var storage = sockaddr_storage()
        var count = Int32(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { raw -> SocketAddress? in
            let pointer = raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self)
            guard uv_tcp_getsockname(handle, pointer, &count) == 0 else { return nil }
            let port = UnsafeRawPointer(pointer).load(fromByteOffset: 2, as: UInt16.self)
            return SocketAddress(pointer, port: Int(UInt16(bigEndian: port)))
        }
    }

    private func connectionArrived(_ status: Int32) {
        guard status == 0, !isClosed,
            let block = calloc(1, MemoryLayout<cuv_tcp_block>.size)?
                .assumingMemoryBound(to: cuv_tcp_block.self)
        else { return }
        uv_tcp_init(loop.uv, &block.pointee.tcp)
        guard uv_accept(cuv_stream(handle), cuv_stream(&block.pointee.tcp)) == 0 else {
            TCPBlock.close(block)
            return
        }
        loop.withTurn { accepted(block) }
    }

    /// Stops listening. Connections that were accepted live on.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        uv_close(cuv_tcp_handle(handle)) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<Listener>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.handle.deallocate() }
            Unmanaged<Listener>.fromOpaque(data).release()
        }
    }
}

/// The C memory of a TCP handle that no connection owns yet.
enum TCPBlock {
    /// Closes the handle and frees the block.
    static func close(_ block: UnsafeMutablePointer<cuv_tcp_block>) {
        block.pointee.tcp.data = nil
        uv_close(cuv_tcp_handle(&block.pointee.tcp)) { free($0) }
    }
}
