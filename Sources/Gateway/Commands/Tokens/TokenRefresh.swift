// TokenRefresh.swift — new tokens for providers, on demand. A shell around TokenSource.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore

/// Refreshes several providers' tokens at once.
package enum TokenRefresh {
    /// Runs the loop until each has a new token, or has failed, or the time is over.
    package static func run(
        _ sources: [TokenSource], on loop: EventLoop, within limit: Duration
    ) -> [TokenReport] {
        let waiters = sources.map { Waiter($0, loop) }
        let timer = LoopTimer(loop) { loop.stop() }
        timer.set(loop.clock() + limit)
        for waiter in waiters {
            waiter.ended = { if waiters.allSatisfy(\.isOver) { loop.stop() } }
        }
        loop.withTurn { for waiter in waiters { waiter.start() } }
        if !waiters.allSatisfy(\.isOver) { loop.run() }
        timer.cancel()
        return waiters.map { waiter in
            waiter.close()
            return TokenReport(
                provider: waiter.source.name, token: waiter.source.stored() ?? waiter.token,
                now: loop.secondsSince1970, failure: waiter.verdict(limit))
        }
    }

    /// One provider: its old token is given up for lost, and a new one waited for.
    private final class Waiter: TokenWaiter {
        let source: TokenSource
        private let loop: EventLoop
        var ended: () -> Void = {}
        private(set) var isOver = false
        private(set) var token: AccessToken?
        private var failure: String?
        private var oldGeneration: Int?

        init(_ source: TokenSource, _ loop: EventLoop) {
            self.source = source
            self.loop = loop
        }

        func start() {
            // What stands in the file is at hand then, without a log-in.
            guard source.stored() != nil, let old = source.lease(for: self) else {
                if let lease = source.stored() == nil ? source.lease(for: self) : nil {
                    tokenArrived(lease)
                }
                return
            }
            oldGeneration = old.generation
            source.rejected(generation: old.generation)
            if let lease = source.lease(for: self) { tokenArrived(lease) }
        }

        func close() {
            source.forget(self)
            ended = {}
        }

        func verdict(_ limit: Duration) -> String? {
            isOver ? failure : "no new token within \(limit)"
        }

        func tokenArrived(_ lease: TokenLease) {
            guard lease.generation != oldGeneration else { return }
            token = lease.token
            end(nil)
        }

        func tokenFailed(_ failure: Failure) { end(failure.message) }

        private func end(_ failure: String?) {
            self.failure = failure
            isOver = true
            ended()
        }
    }
}
