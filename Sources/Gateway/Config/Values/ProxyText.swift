// ProxyText.swift — proxies as people write them, and which hosts are not for them. Pure.

import GatewayModel
import ReactorCore

/// A proxy and how it is entered.
package struct ProxyAddress: Equatable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int
    /// The value of `Proxy-Authorization`.
    package var authorization: Secret?

    /// Without the credentials.
    package var description: String {
        let name = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
        return "http://\(name):\(port)"
    }
}

/// Reads `[http://][user[:password]@]host[:port]`; the port is 80 if left out.
enum ProxyText {
    static func parse(_ text: String) throws(Refusal) -> ProxyAddress {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "http" else {
                throw Refusal("is not a proxy: only http:// ones are spoken to")
            }
            rest = rest[scheme.upperBound...]
        }
        var authorization: Secret?
        if let at = rest.lastIndex(of: "@") {
            authorization = try credentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let url: BaseURL
        do throws(Refusal) { url = try BaseURLText.parse("http://\(rest)") } catch {
            throw Refusal("is not a proxy: write http://host:port")
        }
        guard url.pathPrefix.isEmpty else {
            throw Refusal("is not a proxy: it has a path")
        }
        return ProxyAddress(host: url.host, port: url.port, authorization: authorization)
    }

    /// Basic authentication (RFC 7617) of what stands in front of the `@`, its `%` escapes read.
    private static func credentials(_ text: Substring) throws(Refusal) -> Secret {
        var plain = ByteBuffer()
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                plain.append(byte)
                continue
            }
            guard bytes.count >= 2, let high = ASCII.hexValue(bytes[bytes.startIndex]),
                let low = ASCII.hexValue(bytes[bytes.startIndex + 1])
            else { throw Refusal("has a broken % escape in its user name or password") }
            plain.append(high << 4 | low)
            bytes = bytes.dropFirst(2)
        }
        if !text.contains(":") { plain.append(ASCII.colon) }
        var value = ByteBuffer()
        value.append("Basic " as StaticString)
        Base64.standard.encode(plain.slice, into: &value)
        return Secret(value.slice)
    }
}

/// What the environment says of proxies.
package struct EnvironmentProxies: Equatable, Sendable {
    /// For https and for http origins; nil: none.
    package var secure: ProxyAddress?
    package var plain: ProxyAddress?
    /// Entries of `NO_PROXY`, in lower case.
    package var exceptions: [String] = []

    package init() {}

    /// The proxy for an origin; nil: it is connected to directly. Loopback ones always are.
    func proxy(host: String, port: Int, usesTLS: Bool) -> ProxyAddress? {
        guard let proxy = usesTLS ? secure : plain, !HostName.isLoopback(host) else { return nil }
        let name = host.lowercased()
        return exceptions.contains { Self.covers($0, name, port) } ? nil : proxy
    }

    /// Whether an entry means a host: `*` all; `example.com` and `.example.com` the domain, the
    /// first one itself too; `10.0.0.0/8` a range of addresses; each also with a port.
    static func covers(_ entry: String, _ host: String, _ port: Int) -> Bool {
        if entry == "*" { return true }
        var entry = entry[...]
        // One colon: a port. More: an IPv6 address, which has brackets where it has a port.
        if let colon = entry.lastIndex(of: ":"),
            entry.hasPrefix("[")
                ? entry[..<colon].hasSuffix("]") : entry.firstIndex(of: ":") == colon
        {
            guard Int(entry[entry.index(after: colon)...]) == port else { return false }
            entry = entry[..<colon]
        }
        if entry.hasPrefix("["), entry.hasSuffix("]") { entry = entry.dropFirst().dropLast() }
        if let slash = entry.firstIndex(of: "/") {
            guard let bits = Int(entry[entry.index(after: slash)...]), (0...32).contains(bits),
                let network = HostName.ipv4(String(entry[..<slash])),
                let address = HostName.ipv4(host)
            else { return false }
            let mask: UInt32 = bits == 0 ? 0 : ~0 << UInt32(32 - bits)
            return word(network) & mask == word(address) & mask
        }
        if entry.hasPrefix("*.") { entry = entry.dropFirst() }
        if entry.hasPrefix(".") { return host.hasSuffix(entry) }
        return host == entry || (!entry.isEmpty && host.hasSuffix(".\(entry)"))
    }

    private static func word(_ parts: [Int]) -> UInt32 {
        parts.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
