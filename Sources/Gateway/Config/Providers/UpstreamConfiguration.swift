// UpstreamConfiguration.swift — what all providers behind a network have in common, as values with
// their defaults. Bounds and clocks are those that the floors below declare.

import GatewayModel
import GatewayPolicy
import ReactorCore

/// How a provider is connected to.
package struct UpstreamConfiguration: Sendable {
    /// Fields sent with every request: checked names, values without line ends.
    package var headers: [HeaderConfiguration] = []
    /// PEM file with the only authorities to trust; nil: the system's.
    package var caFile: String?
    /// Off, anybody can be the upstream.
    package var verifiesTLS = true
    package var pool = PoolLimits()
    package var timeouts = TimeoutPolicy()
    package var resilience = ResilienceConfiguration()
    package var proxy = ProxyChoice.environment
    /// What the server is shown that asks for a certificate; PEM files, both or neither.
    package var certificateFile: String?
    package var privateKeyFile: String?
    /// Whether its models are told beside the configured ones, if it lists them.
    package var listsModels = true

    package init() {}
}

/// Which proxy stands in front of a provider or a collector.
package enum ProxyChoice: Equatable, Sendable {
    /// The one that the environment names, if any.
    case environment
    case none
    case address(ProxyAddress)
}

/// A request field of the operator's. The value may be a credential, so it is kept like one.
package struct HeaderConfiguration: Equatable, Sendable {
    package var name: String
    package var value: Secret

    package init(name: String, value: Secret) {
        self.name = name
        self.value = value
    }
}

/// Where a provider is found.
package struct BaseURL: Equatable, Sendable, CustomStringConvertible {
    package var usesTLS: Bool
    /// A name or an address, without brackets.
    package var host: String
    package var port: Int
    /// Empty, or begins with a slash and does not end with one.
    package var pathPrefix: String

    package init(usesTLS: Bool, host: String, port: Int, pathPrefix: String) {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
        self.pathPrefix = pathPrefix
    }

    /// `https` on its own port.
    package init(host: String, pathPrefix: String = "") {
        self.init(usesTLS: true, host: host, port: 443, pathPrefix: pathPrefix)
    }

    /// What goes into Host: the port only where it is not the scheme's own.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (usesTLS ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String {
        "\(usesTLS ? "https" : "http")://\(authority)\(pathPrefix)"
    }
}
