// RawSocket.swift — the other side of a connection, by plain system calls: sends and takes exactly
// the bytes that a test wants, when it wants. For all tests of the reactor.

import Glibc

/// MSG_NOSIGNAL, which is imported as an enumeration's case on some systems only.
private let noSignal: Int32 = 0x4000

/// A connected TCP socket that never blocks.
final class RawSocket {
    private(set) var descriptor: Int32
    /// What has arrived and has not been taken.
    private(set) var input: [UInt8] = []
    /// Whether the other side has ended its output.
    private(set) var hasEnded = false
    /// The error that ended the connection, 0 while none has.
    private(set) var failure: Int32 = 0
    /// Whether `poll` reads; without, the kernel's buffers fill up.
    var reads = true
    /// All bytes that ever arrived.
    private(set) var inputCount = 0
    private var output: [UInt8] = []

    init(descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    /// Connects to a port of this machine; `receiveBuffer` bounds what the kernel takes for us.
    static func connect(port: Int, receiveBuffer: Int32? = nil) -> RawSocket {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        let code = withLoopback(port: port) { Glibc.connect(descriptor, $0, $1) }
        precondition(code == 0, "connect: errno \(errno)")
        return RawSocket(descriptor: descriptor)
    }

    static func withLoopback<Result>(
        port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close() }

    var isOpen: Bool { descriptor >= 0 }
    /// What has arrived, as text.
    var text: String { String(decoding: input, as: UTF8.self) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends now what the kernel takes, and the rest with later polls.
    func send(_ bytes: [UInt8]) {
        output += bytes
        flush()
    }

    var hasUnsent: Bool { !output.isEmpty }

    /// Moves bytes both ways as far as they go.
    func poll() {
        guard isOpen else { return }
        flush()
        guard reads, !hasEnded, failure == 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                input += buffer[..<count]
                inputCount += count
            } else {
                if count == 0 { hasEnded = true }
                if count < 0, errno != EAGAIN { failure = errno }
                return
            }
        }
    }

    private func flush() {
        while !output.isEmpty, isOpen {
            let count = Glibc.send(descriptor, output, output.count, noSignal)
            guard count > 0 else {
                if errno != EAGAIN { output = [] }
                return
            }
            output.removeFirst(count)
        }
    }

    func take() -> [UInt8] {
        defer { input = [] }
        return input
    }

    /// Ends this side's output; the other direction stays open.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// A listening socket of this machine.
final class RawListener {
    private let descriptor: Int32
    let port: Int

    init(backlog: Int32 = 128) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let bound = RawSocket.withLoopback(port: 0) { bind(descriptor, $0, $1) }
        precondition(bound == 0 && listen(descriptor, backlog) == 0, "listen: errno \(errno)")
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var address = sockaddr_in()
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &count)
            }
        }
        self.descriptor = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }

    /// A connection that waits to be accepted, if there is one.
    func accept() -> RawSocket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        return accepted < 0 ? nil : RawSocket(descriptor: accepted)
    }
}
