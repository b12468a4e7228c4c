// ProxyChoice+Origin.swift — the proxy that stands in front of one origin, by what was chosen and what the
// environment says. Used by whoever makes origins.

import GatewayModel
import Reactor
import ReactorCore

extension ProxyChoice {
    /// Nil: it is connected to directly.
    func proxy(
        host: String, port: Int, usesTLS: Bool, environment: EnvironmentProxies
    ) -> HTTPProxy? {
        let address: ProxyAddress? =
            switch self {
            case .none: nil
            case .address(let address): address
            case .environment: environment.proxy(host: host, port: port, usesTLS: usesTLS)
            }
        return address.map { address in
            HTTPProxy(
                host: address.host, port: address.port,
                authorization: address.authorization?.withBytes { Array($0.raw) })
        }
    }
}
