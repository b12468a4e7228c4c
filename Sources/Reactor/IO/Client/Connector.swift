// Connector.swift — from a name to a connected socket: look-up, then staggered attempts over the
// addresses (RFC 8305), and where there is a proxy, a tunnel through it. The decisions are
// HappyEyeballsMachine's and ProxyTunnelMachine's.

import CUV
import ReactorCore

/// One way from a host name to a connected TCP socket.
final class Connector {
    enum Outcome {
        case connected(UnsafeMutablePointer<cuv_tcp_block>)
        case failed(HTTPClientFailure)
    }

    private unowned(unsafe) let loop: EventLoop
    private let port: Int
    /// The origin behind the proxy that is connected to.
    private let behind: (proxy: HTTPProxy, host: String, port: Int)?
    private var tunnel: ProxyTunnel?
    private var outcome: ((Outcome) -> Void)?
    private var addresses: [SocketAddress] = []
    private var machine: HappyEyeballsMachine?
    private var attempts: [Attempt?] = []
    private var timer: LoopTimer?
    private let deadline: Instant
    private var lookUp: Resolver.LookUp?
    private var lastError = "UNREACHABLE"

    /// Starts at once; `outcome` is called exactly once, within a turn, unless `cancel` comes first.
    init(
        resolver: Resolver, host: String, port: Int, through proxy: HTTPProxy? = nil,
        deadline: Instant, _ outcome: @escaping (Outcome) -> Void
    ) {
        loop = resolver.loop
        behind = proxy.map { ($0, host, port) }
        let host = proxy?.host ?? host
        let port = proxy?.port ?? port
        self.port = port
        self.deadline = deadline
        self.outcome = outcome
        timer = LoopTimer(loop) { [unowned(unsafe) self] in timePassed() }
        timer?.set(deadline)
        if let address = SocketAddress(host: host, port: port) {
            resolved([address])
        } else {
            lookUp = resolver.resolve(host) { [unowned(unsafe) self] answer in
                lookUp = nil
                switch answer {
                case .success(let found): resolved(found)
                case .failure(let failure): finish(.failed(.unresolved(failure.reason)))
                }
            }
        }
    }

    /// Whether `outcome` has been called or never will be.
    var isFinished: Bool { outcome == nil }

    /// Gives up; nothing is called any more.
    func cancel() {
        outcome = nil
        tearDown()
    }

    private func resolved(_ found: [SocketAddress]) {
        guard outcome != nil else { return }
        addresses = found
        attempts = found.map { _ in nil }
        var machine = HappyEyeballsMachine(families: found.map { $0.isIPv6 ? .v6 : .v4 })
        let action = machine.start(now: loop.now)
        self.machine = machine
        perform(action)
    }

    private func perform(_ action: HappyEyeballsMachine.Action) {
        guard outcome != nil else { return }
        switch action {
        case .attempt(let index): attempt(index)
        case .wait: break
        case .fail: finish(.failed(.refused(lastError)))
        }
        if outcome != nil, let next = machine?.nextDeadline { timer?.set(min(next, deadline)) }
    }

    private func attempt(_ index: Int) {
        let attempt = Attempt(loop: loop, index: index) { [unowned(unsafe) self] attempt, code in
            completed(attempt, code)
        }
        attempts[index] = attempt
        let address = addresses[index].with(port: port)
        if let code = attempt.connect(to: address) { failed(index, code: code) }
    }

    private func completed(_ attempt: Attempt, _ code: Int32) {
        attempts[attempt.index] = nil
        guard outcome != nil else { return }
        if code == 0 {
            connected(attempt.takeBlock())
        } else {
            attempt.close()
            failed(attempt.index, code: code)
        }
    }

    private func connected(_ block: UnsafeMutablePointer<cuv_tcp_block>) {
        guard let behind else { return finish(.connected(block)) }
        // The other addresses are not needed any more; the deadline is.
        for attempt in attempts { attempt?.close() }
        attempts = []
        machine = nil
        timer?.set(deadline)
        let tunnel = ProxyTunnel(
            loop: loop, block: block, host: behind.host, port: behind.port, proxy: behind.proxy
        ) { [unowned(unsafe) self] outcome in
            self.tunnel = nil
            switch outcome {
            case .open(let block): finish(.connected(block))
            case .failed(let failure): finish(.failed(failure))
            }
        }
        if !tunnel.isFinished { self.tunnel = tunnel }
    }

    private func failed(_ index: Int, code: Int32) {
        attempts[index] = nil
        lastError = String(cString: uv_err_name(code))
        if let action = machine?.attemptFailed(index, now: loop.now) { perform(action) }
    }

    private func timePassed() {
        guard outcome != nil else { return }
        guard loop.now < deadline else { return finish(.failed(.timedOut(.connect))) }
        if let action = machine?.timePassed(now: loop.now) { perform(action) }
    }

    private func finish(_ result: Outcome) {
        guard let outcome else { return }
        self.outcome = nil
        tearDown()
        outcome(result)
    }

    private func tearDown() {
        timer?.cancel()
        timer = nil
        lookUp?.cancel()
        lookUp = nil
        tunnel?.cancel()
        tunnel = nil
        for attempt in attempts { attempt?.close() }
        attempts = []
    }

    /// One uv_tcp_connect. Keeps itself alive until libuv has called back.
    private final class Attempt {
        let index: Int
        private unowned(unsafe) let loop: EventLoop
        private var block: UnsafeMutablePointer<cuv_tcp_block>?
        private let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        private var completion: ((Attempt, Int32) -> Void)?

        init(loop: EventLoop, index: Int, _ completion: @escaping (Attempt, Int32) -> Void) {
            self.loop = loop
            self.index = index
            self.completion = completion
            block = calloc(1, MemoryLayout<cuv_tcp_block>.size)?
                .assumingMemoryBound(to: cuv_tcp_block.self)
        }

        deinit { request.deallocate() }

        /// Returns an error code when it failed at once.
        func connect(to address: SocketAddress) -> Int32? {
            guard let block else { return UV_ENOMEM.rawValue }
            uv_tcp_init(loop.uv, &block.pointee.tcp)
            request.pointee.data = Unmanaged.passRetained(self).toOpaque()
            let code = address.withPointer { address in
                uv_tcp_connect(request, &block.pointee.tcp, address) { request, status in
                    guard let data = request?.pointee.data else { return }
                    let attempt = Unmanaged<Attempt>.fromOpaque(data).takeRetainedValue()
                    attempt.loop.withTurn { attempt.finished(status) }
                }
            }
            guard code != 0 else { return nil }
            Unmanaged.passUnretained(self).release()
            close()
            return code
        }

        private func finished(_ status: Int32) {
            guard let completion else { return }
            self.completion = nil
            completion(self, status)
        }

        func takeBlock() -> UnsafeMutablePointer<cuv_tcp_block> {
            defer { block = nil }
            return block.unsafelyUnwrapped
        }

        func close() {
            completion = nil
            if let block { TCPBlock.close(block) }
            block = nil
        }
    }
}
