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

    /// The upstream answered 401. A lent credential is renewed and the request sent again, once.
    /// - Returns: whether that is being done.
    func renewLease() -> Bool {
        guard let lease, !hasRenewedLease, let upstream, let tokens = upstream.tokens, let scan
        else { return false }
        hasRenewedLease = true
        call.cancel()
        tokens.rejected(generation: lease.generation)
        self.lease = nil
        send(to: upstream, scan)
        return true
    }
}
