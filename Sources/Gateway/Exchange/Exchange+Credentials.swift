// Exchange+Credentials.swift — credentials that expire: waiting for one, and renewing one that the
// upstream did not take.

import GatewayModel
import GatewayPolicy
import GatewayProviders

extension Exchange: TokenWaiter {
    package func tokenArrived(_ lease: TokenLease) {
        guard machine.isActive, let upstream, let scan else { return }
        self.lease = lease
        send(to: upstream, scan)
    }

    package func tokenFailed(_ failure: Failure) {
        guard machine.isActive else { return }
        fail(failure)
    }

    /// The upstream answered 401. A lent credential is renewed and the request sent again, once. Where
    /// another request has had it renewed meanwhile, the newer one is tried first, once as well: nothing
    /// says yet that the upstream refuses that one.
    /// - Returns: whether the request is sent again.
    func renewLease() -> Bool {
        guard let lease, !hasRenewedLease, let upstream, let tokens = upstream.tokens, let scan
        else { return false }
        if !hasReplacedLease, tokens.hasNewer(than: lease.generation) {
            hasReplacedLease = true
        } else {
            hasRenewedLease = true
            tokens.rejected(generation: lease.generation)
        }
        call.cancel()
        self.lease = nil
        send(to: upstream, scan)
        return true
    }
}
