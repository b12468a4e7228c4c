// Resolver.swift — host names to addresses through libuv's resolver threads, with a cache.
//
// These threads are the one exception to "no threads": getaddrinfo blocks. Answers are cached and
// refreshed ahead of time, so that a request normally finds its addresses there.

import CUV
import ReactorCore

/// Looks names up; one per loop.
public final class Resolver {
    /// The loop that look-ups end on.
    public let loop: EventLoop
    private var cache = AddressCache<[SocketAddress]>()
    private var running: [String: Query] = [:]

    /// A resolver with an empty cache.
    public init(_ loop: EventLoop) { self.loop = loop }

    /// A wish for an answer that can be withdrawn.
    final class LookUp {
        fileprivate var completion: ((Result<[SocketAddress], SystemFailure>) -> Void)?

        func cancel() { completion = nil }

        fileprivate func complete(_ answer: Result<[SocketAddress], SystemFailure>) {
            let completion = self.completion
            self.completion = nil
            completion?(answer)
        }
    }

    /// Starts or joins a look-up of `host`. An answer from the cache comes before this returns.
    func resolve(
        _ host: String, _ completion: @escaping (Result<[SocketAddress], SystemFailure>) -> Void
    ) -> LookUp {
        let lookUp = LookUp()
        lookUp.completion = completion
        switch cache.lookUp(host, now: loop.now) {
        case .fresh(let addresses):
            lookUp.complete(.success(addresses))
        case .stale(let addresses):
            lookUp.complete(.success(addresses))
            query(host, for: nil)
        case .failed(let reason):
            lookUp.complete(.failure(SystemFailure("looking up \(host)", reason: reason)))
        case .missing:
            query(host, for: lookUp)
        }
        return lookUp
    }

    private func query(_ host: String, for lookUp: LookUp?) {
        if let query = running[host] {
            if let lookUp { query.waiting.append(lookUp) }
            return
        }
        let query = Query(resolver: self, host: host)
        if let lookUp { query.waiting.append(lookUp) }
        running[host] = query
        query.start()
    }

    fileprivate func completed(
        _ query: Query, _ answer: Result<[SocketAddress], SystemFailure>
    ) {
        running[query.host] = nil
        switch answer {
        case .success(let addresses): cache.store(addresses, for: query.host, now: loop.now)
        case .failure(let failure):
            cache.storeFailure(failure.reason, for: query.host, now: loop.now)
        }
        for lookUp in query.waiting { lookUp.complete(answer) }
    }

    /// One uv_getaddrinfo. Keeps itself and the resolver alive until it has called back.
    fileprivate final class Query {
        let resolver: Resolver
        let host: String
        var waiting: [LookUp] = []
        private let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)

        init(resolver: Resolver, host: String) {
            self.resolver = resolver
            self.host = host
        }

        deinit { request.deallocate() }

        func start() {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = AI_ADDRCONFIG
            request.pointee.data = Unmanaged.passRetained(self).toOpaque()
            let code = uv_getaddrinfo(
                resolver.loop.uv, request,
                { request, status, list in
                    guard let data = request?.pointee.data else { return }
                    let query = Unmanaged<Query>.fromOpaque(data).takeRetainedValue()
                    query.resolver.loop.withTurn { query.answered(status, list) }
                    uv_freeaddrinfo(list)
                }, host, nil, &hints)
            if code != 0 {
                Unmanaged.passUnretained(self).release()
                answered(code, nil)
            }
        }

        private func answered(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
            var addresses: [SocketAddress] = []
            var entry = list
            while let info = entry {
                if let raw = info.pointee.ai_addr, let address = SocketAddress(raw, port: 0),
                    !addresses.contains(address)
                {
                    addresses.append(address)
                }
                entry = info.pointee.ai_next
            }
            if status == 0, !addresses.isEmpty {
                resolver.completed(self, .success(addresses))
            } else {
                let code = status == 0 ? UV_EAI_NONAME.rawValue : status
                resolver.completed(
                    self, .failure(SystemFailure("looking up \(host)", code: code)))
            }
        }
    }
}
