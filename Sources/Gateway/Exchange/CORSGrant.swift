// CORSGrant.swift — what a browser's Origin is granted. Pure.

import ReactorCore

/// The value of `Access-Control-Allow-Origin`, if there is to be one.
package enum CORSGrant: Equatable, Sendable {
    /// `*`.
    case any
    /// The origin itself, with `Vary: Origin`.
    case origin(String)
    /// None: the browser keeps the answer from the page.
    case refused

    /// Judges an Origin field. A request without one is granted `*` (seed row S59).
    static func judge(_ origin: ByteSlice?, by policy: CORSPolicy) -> CORSGrant {
        guard let origin else { return .any }
        for granted in policy.origins {
            if granted == "*" { return .any }
            if granted.withByteSlice({ $0 == origin }) { return .origin(granted) }
        }
        if policy.grantsLoopback, isLoopback(origin) { return .origin(origin.string) }
        return .refused
    }

    private static func isLoopback(_ origin: ByteSlice) -> Bool {
        for scheme in ["http://", "https://"] as [StaticString] where origin.hasPrefix(scheme) {
            return isLoopbackHost(origin.dropFirst(scheme.utf8CodeUnitCount))
        }
        return false
    }

    /// Whether a Host field names this machine or one of `listed`.
    static func isAllowedHost(_ host: ByteSlice, listed: [String]) -> Bool {
        isLoopbackHost(host)
            || listed.contains { name in
                name.withByteSlice { $0 == host || $0 == withoutPort(host) }
            }
    }

    private static func isLoopbackHost(_ host: ByteSlice) -> Bool {
        let name = withoutPort(host)
        return name.equalsIgnoringCase("localhost") || name == "[::1]"
            || (name.hasPrefix("127.") && SocketAddressText.isIPv4(name))
    }

    /// The name without `:` and digits at its end. What has something else there stays whole.
    private static func withoutPort(_ host: ByteSlice) -> ByteSlice {
        let bracket = host.hasPrefix("[") ? host.firstIndex(of: 0x5D).map { $0 + 1 } : nil
        guard let end = bracket ?? host.firstIndex(of: ASCII.colon) else { return host }
        let port = host.dropFirst(end)
        guard port.isEmpty || (port[0] == ASCII.colon && isDigits(port.dropFirst(1))) else {
            return host
        }
        return host.prefix(end)
    }

    private static func isDigits(_ text: ByteSlice) -> Bool {
        for index in 0..<text.count where !ASCII.isDigit(text[index]) { return false }
        return true
    }
}

/// Numeric addresses by their characters.
enum SocketAddressText {
    /// Whether it is digits and dots alone: then `127.` at its start is the loopback network and
    /// not the beginning of a name.
    static func isIPv4(_ text: ByteSlice) -> Bool {
        for index in 0..<text.count where !ASCII.isDigit(text[index]) && text[index] != 0x2E {
            return false
        }
        return true
    }
}
