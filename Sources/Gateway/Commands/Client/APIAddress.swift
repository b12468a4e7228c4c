// APIAddress.swift — an OpenAI-compatible server as a client of it is told: where, with which key.
// Pure. Imported by every verb that calls a server.

import GatewayCodec
import GatewayConfig
import GatewayModel
import GatewayWire
import ReactorCore

/// Where a verb sends its requests.
package struct APIAddress: Sendable {
    /// With the path in front of `/chat/completions`.
    package var url: BaseURL
    /// Nil: no credential is sent.
    package var key: Secret?
    /// PEM file with the only authorities to trust; nil: the system's.
    package var caFile: String?
    /// Off, anybody can be the server.
    package var verifiesTLS = true

    package init(url: BaseURL, key: Secret? = nil) {
        self.url = url
        self.key = key
    }

    /// Reads `text`; `/v1` is added where it names no path, as most servers want it.
    package static func parse(_ text: String) throws(Refusal) -> APIAddress {
        var url = try BaseURLText.parse(text)
        if url.pathPrefix.isEmpty { url.pathPrefix = "/v1" }
        return APIAddress(url: url)
    }

    /// The gateway that a configuration describes, as this machine reaches it. Over TLS its
    /// certificate is not checked: the connection does not leave the machine.
    package static func own(_ configuration: Configuration) -> APIAddress {
        let server = configuration.server
        let isAny = ["0.0.0.0", "::", "[::]"].contains(server.host)
        let host = isAny ? (server.host == "0.0.0.0" ? "127.0.0.1" : "::1") : server.host
        var address = APIAddress(
            url: BaseURL(
                usesTLS: server.tls != nil, host: host, port: server.port, pathPrefix: "/v1"))
        address.verifiesTLS = !(isAny || server.isLoopback)
        let keys = configuration.auth.keys.filter { $0.key != nil }
        address.key = (keys.first { $0.isAdmin } ?? keys.first)?.key
        return address
    }

    /// The same server without the path: where `/health` is.
    package var root: APIAddress {
        var address = self
        address.url.pathPrefix = ""
        return address
    }

    /// The sentence of an error that the server answered with.
    package static func message(ofError body: ByteSlice, status: Int) -> String {
        let said = "HTTP \(status)"
        let arena = JSONArena()
        guard let tree = try? arena.read(body) else { return said }
        let error = tree.root[ErrorWire.error] ?? tree.root
        let text = error.string ?? error[ErrorWire.message]?.string
        guard let text, !text.isEmpty else { return said }
        return "\(said): \(text.prefix(min(text.count, 500)).string)"
    }
}
