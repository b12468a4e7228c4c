// ProxyTunnel.swift — a connected socket, from the proxy at its other end to the origin behind that. A
// shell around ProxyTunnelMachine; made by Connector only.
//
// Ownership: the uv handle's data holds one retain of this object while the tunnel is being opened;
// it is given up before the block is handed on or closed.

import CUV
import ReactorCore

/// Asks for a tunnel on a socket and hands the socket on.
final class ProxyTunnel {
    enum Outcome {
        /// The socket is as if it were connected to the origin.
        case open(UnsafeMutablePointer<cuv_tcp_block>)
        /// The socket has been closed.
        case failed(HTTPClientFailure)
    }

    private unowned(unsafe) let loop: EventLoop
    private var block: UnsafeMutablePointer<cuv_tcp_block>?
    private var machine = ProxyTunnelMachine()
    private var completion: ((Outcome) -> Void)?

    /// Starts at once; `completion` is called once, within a turn, unless `cancel` comes first.
    init(
        loop: EventLoop, block: UnsafeMutablePointer<cuv_tcp_block>, host: String, port: Int,
        proxy: HTTPProxy, _ completion: @escaping (Outcome) -> Void
    ) {
        self.loop = loop
        self.block = block
        self.completion = completion
        block.pointee.tcp.data = Unmanaged.passRetained(self).toOpaque()
        var request = ByteBuffer()
        ProxyTunnelMachine.appendRequest(host: host, port: port, proxy, to: &request)
        // The buffer of a new socket takes the few bytes whole.
        let bytes = request.slice
        var buffer = uv_buf_init(
            UnsafeMutableRawPointer(mutating: bytes.base).assumingMemoryBound(to: CChar.self),
            UInt32(bytes.count))
        let written = uv_try_write(cuv_stream(&block.pointee.tcp), &buffer, 1)
        guard Int(written) == bytes.count else {
            fail(.lost("EAGAIN"))
            return
        }
        uv_read_start(
            cuv_stream(&block.pointee.tcp),
            { handle, _, buffer in
                Unmanaged<EventLoop>.fromOpaque(cuv_loop_data(handle))._withUnsafeGuaranteedRef {
                    buffer.unsafelyUnwrapped.pointee = uv_buf_init(
                        UnsafeMutableRawPointer($0.readBuffer)
                            .assumingMemoryBound(to: CChar.self),
                        UInt32(EventLoop.readBufferBytes))
                }
            },
            { stream, count, _ in
                guard let data = stream?.pointee.data, count != 0 else { return }
                let tunnel = Unmanaged<ProxyTunnel>.fromOpaque(data).takeUnretainedValue()
                tunnel.loop.withTurn { tunnel.readCompleted(count) }
            })
    }

    /// Whether `completion` has been called or never will be.
    var isFinished: Bool { completion == nil }

    /// Gives up and closes the socket; nothing is called any more.
    func cancel() {
        completion = nil
        if let block = takeBlock() { TCPBlock.close(block) }
    }

    private func readCompleted(_ count: Int) {
        guard completion != nil else { return }
        guard count > 0 else {
            return fail(.lost(String(cString: uv_err_name(Int32(truncatingIfNeeded: count)))))
        }
        switch machine.received(ByteSlice(UnsafePointer(loop.readBuffer), count: count)) {
        case .needsInput: break
        case .open:
            guard let block = takeBlock() else { return }
            finish(.open(block))
        case .refused(let status): fail(.refused("the proxy answered with HTTP \(status)"))
        case .malformed: fail(.refused("the proxy does not speak HTTP"))
        }
    }

    private func fail(_ failure: HTTPClientFailure) {
        if let block = takeBlock() { TCPBlock.close(block) }
        finish(.failed(failure))
    }

    private func finish(_ outcome: Outcome) {
        let completion = self.completion
        self.completion = nil
        completion?(outcome)
    }

    /// The socket, at rest and nobody's.
    private func takeBlock() -> UnsafeMutablePointer<cuv_tcp_block>? {
        guard let block else { return nil }
        self.block = nil
        uv_read_stop(cuv_stream(&block.pointee.tcp))
        block.pointee.tcp.data = nil
        Unmanaged.passUnretained(self).release()
        return block
    }
}
