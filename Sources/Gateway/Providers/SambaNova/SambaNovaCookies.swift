// SambaNovaCookies.swift — the cookies of one login (RFC 6265, as far as a login needs it). Pure.

import GatewayModel
import ReactorCore

/// A `Set-Cookie` value.
struct SambaNovaCookie {
    let name: String
    let value: String
    /// The host that it goes back to, and whether to those below it as well.
    let domain: String
    let coversSubdomains: Bool
    let maxAge: Int?
    /// Seconds since 1970, by the server's clock.
    let expires: Int?

    /// Nil for what is no cookie, or one that `host` may not set.
    init?(_ line: String, from host: String) {
        let parts = line.split(separator: ";", omittingEmptySubsequences: false)
        guard let (name, value) = Self.pair(parts[0]), let value, !name.isEmpty,
            name.utf8.allSatisfy(ASCII.isToken),
            // What goes into a Cookie field must not end it or add a cookie of its own.
            value.utf8.allSatisfy({ ASCII.isVisible($0) && $0 != 0x2C && $0 != 0x5C })
        else { return nil }
        var domain = host
        var coversSubdomains = false
        var maxAge: Int?
        var expires: Int?
        for part in parts.dropFirst() {
            guard let (attribute, value) = Self.pair(part), let value else { continue }
            switch attribute.lowercased() {
            case "max-age": maxAge = value.hasPrefix("-") ? 0 : Int(value)
            case "expires": expires = value.withByteSlice { HTTPDate.parse($0) }
            case "domain":
                let wanted = (value.hasPrefix(".") ? String(value.dropFirst()) : value).lowercased()
                guard !wanted.isEmpty else { continue }
                guard wanted == host || (host.hasSuffix("." + wanted) && wanted.contains("."))
                else {
                    return nil
                }
                domain = wanted
                coversSubdomains = true
            default: break
            }
        }
        self.name = name
        self.value = value
        self.domain = domain
        self.coversSubdomains = coversSubdomains
        self.maxAge = maxAge
        self.expires = expires
    }

    private static func pair(_ part: Substring) -> (String, String?)? {
        let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let texts = halves.map { half in half.withTrimmedBytes { $0.string } }
        guard let name = texts.first else { return nil }
        return (name, texts.count > 1 ? texts[1] : nil)
    }

    func goes(to host: String) -> Bool {
        host == domain || (coversSubdomains && host.hasSuffix("." + domain))
    }
}

/// The cookies that the answers of one login have set.
struct SambaNovaCookies {
    private static let countMax = 32
    private static let bytesMax = 16 << 10
    private var cookies: [SambaNovaCookie] = []

    /// Takes a cookie in; beyond the bounds it is left out.
    mutating func add(_ cookie: SambaNovaCookie) {
        cookies.removeAll { $0.name == cookie.name && $0.domain == cookie.domain }
        let bytes = cookies.reduce(cookie.value.utf8.count) { $0 + $1.value.utf8.count }
        guard cookie.maxAge ?? 1 > 0, cookies.count < Self.countMax, bytes <= Self.bytesMax else {
            return
        }
        cookies.append(cookie)
    }

    /// The Cookie value for `host`; nil without any.
    ///
    /// - Parameter own: a pair of ours, first.
    func field(for host: String, own: String? = nil) -> Secret? {
        let pairs =
            (own.map { [$0] } ?? [])
            + cookies.filter { $0.goes(to: host) }.map { "\($0.name)=\($0.value)" }
        return pairs.isEmpty ? nil : Secret(pairs.joined(separator: "; "))
    }
}

extension Substring {
    fileprivate func withTrimmedBytes<Result>(_ body: (ByteSlice) -> Result) -> Result {
        String(self).withByteSlice { body($0.trimmed) }
    }
}
